-- steer: what is asked of the crawl.
--
-- KEYS[1]  the crawl's books, see base.lua
-- ARGV     now, identity, state, reason, seeds complete ('yes', 'no', '': as it is), under which
--          epochs of its partitions they are added ('': as it is)
-- Returns  OK
-- uses: base lives books
local wrong = Books.load()
if wrong then return wrong end
local values = {}
local function set(name, value)
  values[#values + 1] = name
  values[#values + 1] = value
end
if ARGV[3] ~= '' then
  set('state', ARGV[3])
  set('reason', ARGV[4])
end
if ARGV[5] ~= '' then set('seeds', ARGV[5]) end
if ARGV[6] ~= '' then set('epochs', ARGV[6]) end
if values[1] then call('HSET', KEYS[1], unpack(values)) end
return redis.status_reply('OK')
