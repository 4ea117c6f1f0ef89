-- lease: tasks for a session, and the slots it has for them; dead sessions end.
--
-- KEYS[1]  the crawl's books, see base.lua
-- ARGV     now, identity, session, {host -> slots given back} packed, first 8 bytes of the tokens,
--          limit, {leases of the session, records, leased images, pages read, leased pages, whether
--          what is down may be given up} in other partitions, packed; '': there are none
-- Returns  {head, task, task ...}, tasks as queues.lua has them, without token; '' where the
--          session is gone. The head is packed: {state, grants, next_in_s, seq, {attempts * 2 + 1
--          where it is leased alone}, {{origin, stamp, slots before, host, {index of each task to be
--          judged}}}, whether the session is being let run empty}
-- uses: base lives books seen hosts stands queues ring sessions slots outbox tasks commit gates ends downs turns
local wrong = Books.load()
if wrong then return wrong end
local session = Ends.alive(ARGV[3])
if not session then return '' end
Slots.take_back(session.id, unpacked(ARGV[4]))
local reaped = Ends.reap()
local ripe = Turns.ripen()
Ring.tick()
commit()

local limit = tonumber(ARGV[6])
local others = ARGV[7] ~= '' and unpacked(ARGV[7])
if others then
  session.leases = session.leases + others[1]
  Books.add_others(unpack(others, 2, 5))
end

local function take()
  if Books.state ~= 'running' or limit < 1 or Turns.alone(session) then return end
  if not session.alone then Turns.round(session, limit) end
end

local function idle()
  if Books.state ~= 'running' or limit < 1 or Turns.taken[1] or Turns.worked then return false end
  if others and not others[6] then return false end
  return call('ZCARD', MINE .. 'delayed') == 0 and Books.leased() == 0
end

take()
local new = {}
for _, task in ipairs(Turns.taken) do new[task.host] = true end
local grants = Slots.grants(session, new)
commit()
if idle() and Downs.give_up() then
  Turns.worked = true
  commit()
end
if Turns.taken[1] then Sessions.set_hard_end(session.id, session.hard) end

local codes, judged, places, obeys = {}, {}, {}, Books.v.obey_robots ~= 0
for i, task in ipairs(Turns.taken) do
  codes[i] = task.attempts * 2 + (task.alone and 1 or 0)
  local judges = obeys and task.kind ~= ROBOTS
  local origin = judges and origin_of(task.host, task.label)
  local stamp = judges and Gates.stamp(origin)
  if stamp then
    if not places[origin] then
      places[origin] = {origin, stamp, task.before, task.host, {}}
      judged[#judged + 1] = places[origin]
    end
    table.insert(places[origin][5], i - 1)
  end
end
local next_in = Turns.taken[1] and 0 or Turns.next_in()
local reply = {pack({Books.shown_state(), grants, next_in, Seq, codes, judged,
  Books.chosen == session.id})}
for i, task in ipairs(Turns.taken) do reply[i + 1] = task.element end
return reply
