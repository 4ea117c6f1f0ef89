-- detach: a session ends; all its leases go back, all its slots are returned.
--
-- KEYS[1]  the crawl's books, see base.lua
-- ARGV     now, identity, session, 'lost' where its worker has vanished: a death for each lease
-- Returns  1, or 0 where more of its leases have to go back with another call
-- uses: base lives books seen hosts stands queues ring sessions slots outbox tasks commit gates ends
local wrong = Books.load()
if wrong then return wrong end
local crawl = call('HGET', session_key(ARGV[3]), 'crawl')
if crawl ~= CRAWL then return 1 end
local all
if Sessions.attached(ARGV[3]) then
  local lost = ARGV[4] == 'lost'
  all = Ends.finish_off(ARGV[3], lost, lost)
else
  all = Ends.collect(ARGV[3], call('HGET', session_key(ARGV[3]), 'lost') == '1')
end
commit()
return all and 1 or 0
