-- beat: a session lives on.
--
-- KEYS[1]  the crawl's books, see base.lua
-- ARGV     now, identity, session, {host -> slots given back} packed
-- Returns  {state, grants, seq, sessions of the crawl} packed; '' where the session is gone
-- uses: base lives books seen hosts stands queues ring sessions slots outbox tasks commit gates ends
local wrong = Books.load()
if wrong then return wrong end
local session = Ends.alive(ARGV[3])
if not session then return '' end
Slots.take_back(session.id, unpacked(ARGV[4]))
local grants = Slots.grants(session, {})
commit()
return pack({Books.shown_state(), grants, Seq, tonumber(call('HGET', KEYS[1], 'sessions')) or 0})
