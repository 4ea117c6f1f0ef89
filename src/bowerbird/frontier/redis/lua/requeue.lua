-- requeue: dead tasks wait again as new, a stretch of them in each call.
--
-- KEYS[1]  the crawl's books, see base.lua
-- ARGV     now, identity, the last number looked at, {host, reason, kinds as digits, url} packed;
--          what is '' matches all
-- Returns  {the last number looked at ('': that was all), how many were brought back}
-- uses: base lives books seen hosts stands queues ring sessions slots outbox tasks commit downs gates
local wrong = Books.load()
if wrong then return wrong end
local STRETCH = 200
local wanted, revived = unpacked(ARGV[4]), 0
local found = call('ZRANGEBYSCORE', MINE .. 'dead', '(' .. ARGV[3], '+inf', 'LIMIT', 0, STRETCH)

local function matches(task, reason)
  return (wanted[1] == '' or wanted[1] == task.host)
    and (wanted[2] == '' or wanted[2] == reason)
    and (wanted[3] == '' or string.find(wanted[3], task.kind, 1, true))
    and (wanted[4] == '' or wanted[4] == Tasks.value(task)[1])
end

local function revive(task, member, reason, entry)
  local stand = Stands.get(task.host)
  Books.count('dead:' .. reason, -1)
  Books.count('dead-kind:' .. KINDS[task.kind], -1)
  stand.dead = stand.dead - 1
  Tasks.wait_again(task, true)
  write('ZREM', MINE .. 'dead', member)
  write('XDEL', MINE .. 'results', entry)
  Tasks.find('a', Tasks.value(task)[1])  -- whoever has read of its death hears that it is void
  local host = Hosts.get(task.host)
  if host.down then Downs.raise_up(host) end
  Gates.ask_again(stand)
  revived = revived + 1
end

local last = ''
for _, member in ipairs(found) do
  local element, prio, label, host, reason, entry = unpacked(member)
  local task = task_of(element, prio, label, host)
  last = task.id
  if matches(task, reason) then revive(task, member, reason, entry) end
end
if revived > 0 then
  Books.set('state', 'running')
  Books.set('reason', '')
end
commit()
return {#found == STRETCH and tostring(last) or '', revived}
