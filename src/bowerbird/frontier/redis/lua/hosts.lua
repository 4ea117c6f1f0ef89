-- hosts: what people are shown of hosts.
--
-- KEYS[1]  the crawl's books, see base.lua
-- ARGV     now, identity, then the hosts
-- Returns  packed, for each {host, waiting, leased, done, dead, slots, delay_s, hold_s, down,
--          robots, why it is held or down}
-- uses: base lives books hosts stands queues gates
local wrong = Books.load()
if wrong then return wrong end
local names, rows = {unpack(ARGV, 3)}, {}
Stands.fetch(names)
Hosts.fetch(names)
local function robots_of(stand)
  local lane = stand.lanes[#stand.lanes]
  if Books.v.obey_robots == 0 or not lane then return '' end
  local origin = origin_of(stand.host, lane[1])
  return Gates.is_open(origin, lane) and Gates.get(origin)[1] or 'waiting'
end
for i, name in ipairs(names) do
  local stand, host = Stands.get(name), Hosts.get(name)
  rows[i] = {name, Queues.waiting(stand), stand.leased, stand.done, stand.dead, Hosts.out(host),
    Hosts.delay_s(host), math.max(0, host.hold - NOW), host.down and true or false,
    robots_of(stand), host.why or ''}
end
return pack(rows)
