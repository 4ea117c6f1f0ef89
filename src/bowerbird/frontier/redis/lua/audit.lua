-- audit: what the strings of a crawl hold, for the client to compare while nobody works.
--
-- KEYS[1]  the crawl's books, see base.lua
-- ARGV     now, identity, what: 'hosts' (then hosts), 'out' (then tokens), 'apart' (then a set)
-- Returns  packed; hosts: {{host, leased, {{list, kind, how long, known to be}}, {user -> leases}, slots,
--          most slots, seat, whether something is to come that wakes it}}; out: {{kind, host,
--          session}}; apart: {kind of each}
-- uses: base lives books seen hosts stands queues ring sessions slots outbox tasks commit gates
local wrong = Books.load()
if wrong then return wrong end
local rest, rows = {unpack(ARGV, 4)}, {}

-- Whether a robots.txt is under way for one of a host's lanes, and does not wait here itself.
local function is_asking(stand)
  local v = Books.v
  if not Books.parted and v['waiting:robots'] + v['leased:robots'] == 0 then return false end
  local asked = false
  for _, lane in ipairs(stand.lanes) do
    if lane[3][ROBOTS] then return false end
    asked = asked or lane[2]
  end
  return asked
end

-- Whether a host that is set aside without a time has someone who will wake it.
local function will_be_woken(stand, host)
  local used = next(host.users) or host.held[1] or host.probing
  return (used or is_asking(stand)) and true or false
end

local function row_of(name)
  local stand, host, queues = Stands.get(name), Hosts.get(name), {}
  for _, lane in ipairs(stand.lanes) do
    for prio, count in pairs(lane[3]) do
      local queue = Queues.of(prio, name, lane[1])
      local known = not Stands.is_news(queue.stored, count)
      queues[#queues + 1] = {queue.key, kind_of(prio), queue.stored, known}
    end
  end
  local first, alone = next(host.crawls)
  local most = next(host.crawls, first) and 0 or alone and alone[1] or Books.v.per_host
  local users = {}
  for session, leases in pairs(host.users) do users[#users + 1] = {session, leases} end
  return {name, stand.leased, queues, users, Hosts.out(host), most, stand.seat,
    will_be_woken(stand, host)}
end

if ARGV[3] == 'hosts' then
  for i, name in ipairs(rest) do rows[i] = row_of(name) end
elseif ARGV[3] == 'out' then
  local tasks = Tasks.of_tokens(rest)
  for i = 1, #rest do rows[i] = {tasks[i].kind, tasks[i].host, tasks[i].session} end
else
  for i, member in ipairs(call('ZRANGE', MINE .. rest[1], 0, -1)) do
    rows[i] = Tasks.from_apart(member).kind
  end
end
return pack(rows)
