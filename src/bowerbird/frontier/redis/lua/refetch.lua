-- refetch: records are forgotten, and the tasks that brought them wait again as new.
--
-- KEYS[1]  the crawl's books, see base.lua
-- ARGV     now, identity, {{groups, told, counted}, ...} packed, then all that places point to
--          groups   as for `add`: one with one place, or none
--          told     {{life, place}, ...} of records that came with that task: a fingerprint that
--                   stands for the record as it was fetched then, so that it is forgotten once,
--                   however often that is asked for; the place of what the stream is to tell
--          counted  {{life, single, bytes}, ...} of records that are counted in this partition:
--                   the same; that by which it was counted once, where several tasks could bring
--                   it (packing.py)
-- Returns  how many tasks wait again
-- uses: base lives books seen hosts stands queues ring sessions slots outbox tasks commit downs gates
local wrong = Books.load()
if wrong then return wrong end
Seen.grow()

local function forget(told)
  local any = false
  for _, record in ipairs(told) do
    if Seen.add(record[1]) then
      Tasks.find('x', ARGV[record[2]])
      any = true
    end
  end
  return any
end

local function uncount(counted)
  for _, record in ipairs(counted) do
    if Seen.add(record[1]) then
      Seen.drop(record[2])
      Books.count('records', -1)
      Books.count('bytes', -record[3])
    end
  end
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
  local group, any = entry[1][1], forget(entry[2])
  uncount(entry[3])
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
