-- steer: what is asked of the crawl.
--
-- KEYS[1]  the crawl's books, see base.lua
-- ARGV     now, identity, state, reason, seeds complete ('yes', 'no', '': as it is)
-- Returns  OK
-- uses: base books
local wrong = Books.load()
if wrong then return wrong end
if ARGV[3] ~= '' then call('HSET', KEYS[1], 'state', ARGV[3], 'reason', ARGV[4]) end
if ARGV[5] ~= '' then call('HSET', KEYS[1], 'seeds', ARGV[5]) end
return redis.status_reply('OK')
