-- robots.txt (RFC 9309): a gate before each origin. What rules say is judged by the client; here
-- is only known whether they are: what an origin's robots.txt came to, and when. That is the same for
-- all crawls; but each asks for itself once, for what it names (sitemaps) is each one's own to find.
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

local function is_fresh(origin)
  local gate = Gates.get(origin)
  return gate and NOW - gate[3] < ROBOTS_TTL_S
end

function Gates.is_open(origin, lane)
  return Books.v.obey_robots == 0 or (lane[4] and is_fresh(origin))
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

-- The gate stays with the origin, in its partition. A robots task that a redirect leads elsewhere
-- waits where the budget of that host is, and knows its home; what it comes to is sent there.
local HOME = 8

local function home_of(task)
  return Tasks.value(task)[HOME] or OWN
end

-- A robots task begins to wait; it opens the gate of a lane, if that is in this partition.
function Gates.ask(gate, host, label, fields)
  local stand = Stands.get(host)
  local lane = Stands.lane(stand, label)
  Books.count('last', 1)
  local task = {
    id = Books.v.last, attempts = 0, deaths = 0, crashes = 0, blob = pack(fields),
    prio = ROBOTS, label = label, host = host,
  }
  if gate then gate[2] = task.id end
  Books.count('waiting:robots', 1)
  local queue = queue_of(task)
  Queues.push(queue, {element_of(task)})
  Ring.add(stand, lane, ROBOTS, queue)
end

-- The robots task that a lane needs, unless it is under way already.
function Gates.ask_for(stand, lane)
  if lane[2] then return end
  local url = origin_of(stand.host, lane[1]) .. '/robots.txt'
  Gates.ask(lane, stand.host, lane[1], {url, 'robots'})
end

-- The lane of an origin.
local function lane_at(host, label)
  local stand = Stands.get(host)
  return stand, Stands.lane(stand, label)
end

-- A robots task was moved here: it opens the gate of its first URL, if that is here too. A host that
-- has too many origins takes none.
function Gates.take_over(host, label, fields)
  if Stands.is_full(Stands.get(host), label) then
    Gates.settle({fields = fields}, 'forbid', 'robots-unreachable', '', 0)
    return
  end
  local gate
  if fields[HOME] == OWN then
    local _, lane = lane_at(place_of(fields[5]))
    gate, fields[HOME] = lane, nil
  end
  Gates.ask(gate, host, label, fields)
end

-- A robots task goes on at another URL, in this partition where none is named.
function Gates.move(task, host, label, partition, fields)
  fields[6], fields[7], fields[HOME] = '', {}, home_of(task)
  if partition then
    Outbox.post(partition, pack({'r', host, label, fields}))
  else
    Gates.take_over(host, label, fields)
  end
end

-- A gate's task is over.
function Gates.settle(task, verdict, reason, text, delay_s)
  local host, label = place_of(Tasks.first(task))
  if home_of(task) == OWN then
    Gates.close(host, label, verdict, reason, text, delay_s)
  else
    Outbox.post(home_of(task), pack({'g', host, label, verdict, reason, text, delay_s}))
  end
end

-- A robots task is given up: its gate stays shut and may be asked for again. That of another host,
-- which had sent it here, would send it here for ever: it is closed.
function Gates.forget(task)
  if task.kind ~= ROBOTS then return end
  local host, label = place_of(Tasks.first(task))
  if host ~= task.host then
    Gates.settle(task, 'forbid', 'robots-unreachable', '', 0)
  else
    local _, lane = lane_at(host, label)
    lane[2] = false
  end
end

local function keep(origin, verdict, reason, text)
  Gates.at[origin] = {verdict, reason, NOW}
  write('SET', PREFIX .. 'o:' .. origin, pack({verdict, reason, NOW}), 'EX', 2 * ROBOTS_TTL_S)
  if verdict == 'text' then
    write('SET', PREFIX .. 't:' .. origin, text, 'EX', 2 * ROBOTS_TTL_S)
  end
end

-- What an origin's robots.txt came to. If it could not be had, what another crawl had lately stands.
function Gates.close(name, label, verdict, reason, text, delay_s)
  local stand, lane = lane_at(name, label)
  local host, origin = Hosts.get(stand.host), origin_of(stand.host, lane[1])
  lane[2], lane[4] = false, true
  if verdict ~= 'forbid' or not is_fresh(origin) then keep(origin, verdict, reason, text) end
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
