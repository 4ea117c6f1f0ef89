-- robots.txt (RFC 9309): a gate before each origin. What rules say is judged by the client; here
-- is only known whether they are: what an origin's robots.txt came to, and when.
local Gates = {at = {}}

local ROBOTS_TTL_S, ROBOTS_HOPS = 86400, 5

-- {verdict, reason, judged} of an origin; false where nothing is known.
function Gates.get(origin)
  if Gates.at[origin] == nil then
    local raw = call('GET', PREFIX .. 'o:' .. origin)
    Gates.at[origin] = raw and unpacked(raw) or false
  end
  return Gates.at[origin]
end

function Gates.is_open(origin)
  if Books.v.obey_robots == 0 then return true end
  local gate = Gates.get(origin)
  return gate and NOW - gate[3] < ROBOTS_TTL_S
end

-- Why all tasks of an origin die; nil where they do not.
function Gates.forbids(origin)
  if Books.v.obey_robots == 0 then return nil end
  local gate = Gates.get(origin)
  return gate and gate[1] == 'forbid' and gate[2] or nil
end

-- Who must judge an origin's tasks: the stamp of the rules they go by; nil: they are all allowed.
function Gates.stamp(origin)
  if Books.v.obey_robots == 0 then return nil end
  local gate = Gates.get(origin)
  return gate and gate[1] == 'text' and gate[3] or nil
end

-- The host and the label of the origin of a URL.
local function place_of(url)
  local scheme, authority = string.match(url, '^(%a+)://([^/]*)')
  authority = string.match(authority, '([^@]*)$')
  local host, port = string.match(authority, '^(%[[^%]]*%])(.*)$')
  if not host then host, port = string.match(authority, '^([^:]*)(.*)$') end
  return host, scheme .. port
end

-- A robots task begins to wait; it opens the gate of a lane.
function Gates.ask(gate, host, label, fields)
  local stand = Stands.get(host)
  local lane = Stands.lane(stand, label)
  Books.count('last', 1)
  local task = {
    id = Books.v.last, attempts = 0, deaths = 0, crashes = 0, blob = pack(fields),
    prio = ROBOTS, label = label, host = host,
  }
  gate[2] = task.id
  Books.count('waiting:robots', 1)
  local queue = queue_of(task, lane[3][ROBOTS])
  Ring.add(stand, lane, ROBOTS, 1)
  queue.tail[#queue.tail + 1] = element_of(task)
end

-- The robots task that a lane needs, unless it is under way already.
function Gates.ask_for(stand, lane)
  if lane[2] then return end
  local url = origin_of(stand.host, lane[1]) .. '/robots.txt'
  Gates.ask(lane, stand.host, lane[1], {url, 'robots'})
end

-- The lane whose gate a robots task opens: of the first URL, whatever it moved to.
function Gates.lane_of(task)
  local host, label = place_of(Tasks.first(task))
  local stand = Stands.get(host)
  return stand, Stands.lane(stand, label)
end

-- A robots task is given up: its gate stays shut and may be asked for again.
function Gates.forget(task)
  if task.kind == ROBOTS then
    local _, lane = Gates.lane_of(task)
    lane[2] = false
  end
end

-- A gate's task is over.
function Gates.settle(task, verdict, reason, text, delay_s)
  local stand, lane = Gates.lane_of(task)
  local host, origin = Hosts.get(stand.host), origin_of(stand.host, lane[1])
  lane[2] = false
  Gates.at[origin] = {verdict, reason, NOW}
  write('SET', PREFIX .. 'o:' .. origin, pack({verdict, reason, NOW}), 'EX', 2 * ROBOTS_TTL_S)
  if verdict == 'text' then
    write('SET', PREFIX .. 't:' .. origin, text, 'EX', 2 * ROBOTS_TTL_S)
  end
  if delay_s > host.asked then
    host.asked = delay_s
    Slots.news(host)
  end
  Ring.wake(host)
end

-- Someone wants a host's dead tasks tried again: what forbade them all is asked anew.
function Gates.ask_again(stand)
  for _, lane in ipairs(stand.lanes) do
    local origin = origin_of(stand.host, lane[1])
    local gate = Gates.get(origin)
    if gate and gate[1] == 'forbid' then
      Gates.at[origin] = false
      write('DEL', PREFIX .. 'o:' .. origin)
    end
  end
end
