-- held: people have brought bytes to other places; the stream tells who writes the catalog.
--
-- KEYS[1]  the crawl's books, see base.lua
-- ARGV     now, identity, then what is to be told of each record (model.Held), packed
-- Returns  how many that were
-- uses: base lives books seen hosts stands queues ring sessions slots outbox tasks commit
local wrong = Books.load()
if wrong then return wrong end
for i = 3, #ARGV do Tasks.find('h', ARGV[i]) end
commit()
return #ARGV - 2
