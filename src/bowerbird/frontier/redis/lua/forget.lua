-- forget: a crawl without a frontier is known no more. With the last one it is forgotten how hosts
-- were divided: in one step, so that no crawl that begins meanwhile loses its division.
--
-- KEYS[1]  bowerbird:{p}:c:CRAWL:catalog   hash    see claim.lua
-- ARGV     fence, CRAWL
-- Returns  1; 0: another one has taken the catalog since
if redis.call('HGET', KEYS[1], 'fence') ~= ARGV[1] then return 0 end
local common = string.match(KEYS[1], '^bowerbird:{%d+}:')
local crawls = common .. 'crawls'
redis.call('SREM', crawls, ARGV[2])
redis.call('DEL', KEYS[1], common .. 'c:' .. ARGV[2] .. ':job')
if redis.call('EXISTS', crawls) == 0 then redis.call('DEL', common .. 'division') end
return 1
