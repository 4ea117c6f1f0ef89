-- renew: a manager keeps the catalog of a crawl for a while longer, or gives it away.
--
-- KEYS[1]  bowerbird:{p}:c:CRAWL:catalog   hash    see claim.lua
-- ARGV     fence, seconds; 0: it gives it away
-- Returns  1; 0: another one has taken it since
if redis.call('HGET', KEYS[1], 'fence') ~= ARGV[1] then return 0 end
local time = redis.call('TIME')
local left = tonumber(ARGV[2])
redis.call('HSET', KEYS[1], 'until', left > 0 and time[1] + time[2] / 1000000 + left or 0)
return 1
