-- refetch: records are forgotten, and the tasks that brought them wait again as new.
--
-- KEYS[1]  the crawl's books, see base.lua
-- ARGV     now, identity, {{group, records}, ...} packed, then all that places point to
--          group    as for `add`, with one place
--          records  {{life, single, bytes, told}, ...}: a fingerprint that stands for this record
--                   as it was fetched then, so that it is forgotten once, however often that is
--                   asked for; that by which it was counted once, where several tasks could
--                   bring it (packing.py); the place of what the
--                   stream is to tell
-- Returns  how many tasks wait again
-- uses: base books seen hosts stands queues ring sessions slots outbox tasks commit downs gates
local wrong = Books.load()
if wrong then return wrong end
Seen.grow()

local function forget(life, single, bytes, told)
  if not Seen.add(life) then return false end
  Seen.drop(single)
  Books.count('records', -1)
  Books.count('bytes', -bytes)
  Tasks.find('x', ARGV[told])
  return true
end

local function renew(group)
  local host, stand = Hosts.get(group[1]), Stands.get(group[1])
  Books.count(DONE[kind_of(group[3])], -1)
  stand.done = stand.done - 1
  if host.down then Downs.raise_up(host) end
  Gates.ask_again(stand)
end

local groups = {}
for _, entry in ipairs(unpacked(ARGV[3])) do
  local group, any = entry[1], false
  for _, record in ipairs(entry[2]) do any = forget(unpack(record)) or any end
  if any and Seen.has(ARGV[group[4][1]]) then
    groups[#groups + 1] = group
    renew(group)
  end
end
Tasks.add(groups, ARGV, true)
if groups[1] and Books.state ~= 'paused' then
  Books.set('state', 'running')
  Books.set('reason', '')
end
commit()
return #groups
