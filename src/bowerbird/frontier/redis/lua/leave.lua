-- leave: a crawl that is over asks nothing of its hosts any more.
--
-- KEYS[1]  the crawl's books, see base.lua
-- ARGV     now, identity, hosts
-- Returns  nothing
-- uses: base lives books seen hosts stands queues ring sessions slots outbox tasks commit
local wrong = Books.load()
if wrong then return wrong end
local names = {unpack(ARGV, 3)}
Hosts.fetch(names)
for _, name in ipairs(names) do
  local host = Hosts.get(name)
  if host.crawls[CRAWL] then
    host.crawls[CRAWL] = nil
    Slots.news(host)
    Ring.wake(host)
  end
end
commit()
return nil
