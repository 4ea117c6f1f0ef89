-- commit: a segment of the catalog is durable, or the stream was trimmed behind one.
--
-- KEYS[1]  bowerbird:{p}:c:CRAWL:catalog   hash    see claim.lua
-- ARGV     fence, segments, cursor behind the last of them, how many of them the stream lacks
-- Returns  1; 0: another manager has taken the catalog since, and nothing has changed
if redis.call('HGET', KEYS[1], 'fence') ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'segments', ARGV[2], 'cursor', ARGV[3], 'trimmed', ARGV[4])
return 1
