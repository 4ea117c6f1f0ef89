-- deliver: what other partitions of the crawl have sent. To be delivered twice does no harm.
--
-- KEYS[1]  the crawl's books, see base.lua
-- ARGV     now, identity, then messages, packed:
--          {'f', groups, {fingerprint of each}, {length of each}}  tasks found, as for `add`: these
--                 follow behind it; places are as if each stood behind its fingerprint
--          {'u', {{fingerprint, bytes}, ...}}       records under another URL than their task's
--          {'r', host, label, fields}               a robots task, moved here
--          {'g', host, label, verdict, reason, text, delay_s}  what a robots.txt came to
-- Returns  how many tasks were new
-- uses: base lives books seen hosts stands queues ring sessions slots outbox tasks commit gates
local wrong = Books.load()
if wrong then return wrong end
Seen.grow()
local new = 0

local function tasks_of(message, names, lengths, start)
  local found = {}
  for i, length in ipairs(lengths) do
    found[2 * i - 1], found[2 * i] = names[i], string.sub(message, start + 1, start + length)
    start = start + length
  end
  return found
end

for i = 3, #ARGV do
  local start, message = cmsgpack.unpack_one(ARGV[i])
  local kind = message[1]
  if kind == 'f' then
    new = new + Tasks.add(message[2], tasks_of(ARGV[i], message[3], message[4], start))
  elseif kind == 'u' then
    Tasks.count_records(message[2])
  elseif kind == 'r' then
    Gates.take_over(message[2], message[3], message[4])
  elseif kind == 'g' then
    Gates.close(unpack(message, 2, 7))
  end
end
commit()
return new
