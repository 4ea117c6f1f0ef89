-- add: tasks begin to wait, unless their URL was seen before.
--
-- KEYS[1]  the crawl's books, see base.lua
-- ARGV     now, identity, 'yes' where the last seed has come or '', sightings packed or '',
--          groups: {{host, label, priority, {places}}, ...}, packed, then for each task its
--          fingerprint (decimal) and the task, packed; a place is that of the fingerprint in ARGV
-- Returns  how many were new
-- uses: base lives books seen hosts stands queues ring sessions slots outbox tasks commit
local wrong = Books.load()
if wrong then return wrong end
Seen.grow()
local new = Tasks.add(unpacked(ARGV[5]), ARGV)
if ARGV[4] ~= '' then Tasks.find('f', ARGV[4]) end
if ARGV[3] ~= '' then Books.set('seeds', ARGV[3]) end
commit()
return new
