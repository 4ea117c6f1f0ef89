-- attach: a session begins; it takes over what its worker names of earlier ones, which end.
--
-- KEYS[1]  the crawl's books, see base.lua
-- ARGV     now, identity, session, worker's name, worker packed, kinds as digits, hard_end_s,
--          the worker's clock ('': unknown), {host -> requests in flight} packed
--          or '', whether the session is counted here ('1'; '0': in another partition), then the
--          tokens it holds
-- Returns  {the tokens that stand, those of them that are leased alone}
-- uses: base lives books seen hosts stands queues ring sessions slots outbox tasks commit gates ends
local wrong = Books.load()
if wrong then return wrong end
if ARGV[9] ~= '' then Ends.excuse() end
if Ends.reap() then commit() end
local SESSION, WITH_SLOTS = ARGV[3], ARGV[9] == ''
local WORKER = worker_key(CRAWL, ARGV[4])
local standing, alone, told = {}, {}, {}

local function hand_on(task, old)
  local host = Hosts.get(task.host)
  local since = Sessions.since(old, task.token)
  Tasks.out[task.token] = in_out(task, SESSION) .. whole(task)
  Sessions.drop(old, task.token)
  local id, number = string.sub(task.token, 1, 8), struct.unpack('>I2', task.token, 9)
  Sessions.hold(SESSION, id, 1, number, since)
  if task.alone then
    write('HSET', session_key(SESSION), 'alone', 1)
    alone[#alone + 1] = task.token
  end
  host.users[SESSION] = (host.users[SESSION] or 0) + 1
  leave_host(host, old)
  if WITH_SLOTS and Hosts.held(host, old) > 0 then
    Hosts.hold_slots(host, SESSION, Hosts.held(host, SESSION) + Hosts.held(host, old))
    Hosts.hold_slots(host, old, 0)
  end
  told[task.host] = told[task.host] or pack(0, 0, 0)
  Sessions.tell(SESSION, task.host)
  standing[#standing + 1] = task.token
end

-- A session comes with requests under way: for those of its leases it has slots.
local function bring(in_flight)
  for name, count in pairs(in_flight) do
    local host = Hosts.get(name)
    local slots = math.min(count, host.users[SESSION] or 0)
    if slots > 0 then
      Hosts.hold_slots(host, SESSION, slots)
      told[name] = pack(slots, -1, -1)  -- delay and hold it has to be told
      Sessions.tell(SESSION, name)
    end
  end
end

local old = call('SMEMBERS', WORKER)
Sessions.number()
Sessions.count, Sessions.known[SESSION] = Sessions.count + 1, true
local named = {unpack(ARGV, 11)}
local tasks = Tasks.of_tokens(named)
for i = 1, #named do
  for _, session in ipairs(old) do
    if tasks[i] and tasks[i].session == session then hand_on(tasks[i], session) end
  end
end
for _, session in ipairs(old) do Ends.leave(session, CRAWL, false, false) end
if not WITH_SLOTS then bring(unpacked(ARGV[9])) end
local key = session_key(SESSION)
write('HSET', key, 'crawl', CRAWL, 'name', ARGV[4], 'worker', ARGV[5], 'kinds', ARGV[6],
  'hard', ARGV[7], 'off', ARGV[8] ~= '' and ARGV[8] - NOW or 0, 'since', NOW, 'seen', NOW,
  'finished', 0, 'quota', Sessions.count, 'home', ARGV[10],
  'life', Lives.now().id, 'identity', Books.identity)
write('ZADD', PREFIX .. 'sessions', NOW + DEADLINE_S, SESSION)
write('SADD', WORKER, SESSION)
Books.count('sessions', tonumber(ARGV[10]))
for name, what in pairs(told) do write('HSET', key .. ':told', name, what) end
commit()
for _, session in ipairs(old) do Ends.collect(session, false) end
if old[1] then commit() end
Sessions.set_hard_end(SESSION, tonumber(ARGV[7]))
return {standing, alone}
