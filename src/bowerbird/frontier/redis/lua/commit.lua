-- commit: a segment of the catalog is durable, or the stream was trimmed behind one. What an earlier
-- call says, whose connection broke off and which comes late, is known already and changes nothing.
--
-- KEYS[1]  bowerbird:{p}:c:CRAWL:catalog   hash    see claim.lua
-- ARGV     fence, segments, cursor behind the last of them, how many of them the stream lacks, 'back'
--          where there may be fewer than were noted ('': there may not)
-- Returns  1; 0: another manager has taken the catalog since, and nothing has changed
local found = redis.call('HMGET', KEYS[1], 'fence', 'segments', 'trimmed')
if found[1] ~= ARGV[1] then return 0 end
local segments, trimmed = tonumber(found[2]) or 0, tonumber(found[3]) or 0
local late = tonumber(ARGV[2]) < segments or tonumber(ARGV[4]) < trimmed
if late and ARGV[5] ~= 'back' then return 1 end
redis.call('HSET', KEYS[1], 'segments', ARGV[2], 'cursor', ARGV[3], 'trimmed', ARGV[4])
return 1
