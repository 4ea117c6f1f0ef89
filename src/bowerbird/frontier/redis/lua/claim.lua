-- claim: a manager takes the catalog of a crawl, unless another one has it.
--
-- KEYS[1]  bowerbird:{p}:c:CRAWL:catalog   hash    manager, until, fence: who writes the catalog;
--          segments, cursor: how far it is in segments; trimmed: how many of these the stream lacks
-- ARGV     the manager, seconds for which it has it, an earlier one of which it knows that it is dead
-- Returns  {fence, segments, cursor, trimmed}; fence 0: {0, the other one, until when}
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local found = redis.call('HMGET', KEYS[1], 'manager', 'until', 'segments', 'cursor', 'trimmed',
  'fence')
if (tonumber(found[2]) or 0) > now and found[1] ~= ARGV[1] and found[1] ~= ARGV[3] then
  return {0, found[1], found[2]}
end
-- A crawl that is made anew under its name begins behind the fences of the one before.
local fence = math.max((tonumber(found[6]) or 0) + 1, math.floor(now * 1000))
redis.call('HSET', KEYS[1], 'fence', string.format('%.0f', fence), 'manager', ARGV[1],
  'until', now + ARGV[2])
return {fence, tonumber(found[3]) or 0, found[4] or '', tonumber(found[5]) or 0}
