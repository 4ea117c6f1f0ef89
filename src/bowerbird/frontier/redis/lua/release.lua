-- release: who leased alone, near a limit, lets others do so.
--
-- KEYS[1]  bowerbird:{0}:c:CRAWL:near  string  who does
-- ARGV     who did
-- Returns  1; 0: it has taken so long that another one does
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])
