-- Leasing: hosts take turns; each gives what its gates, slots, holds and probes allow.
local Turns = {taken = {}, worked = false, cut = false}

-- Tasks of one host in its turn, and while no other host waits: nobody to be fair to then.
local TURN, ALONE = 8, 64
-- Turns of one call beyond one for each task asked for.
local EXTRA_TURNS = 64
-- Lanes of one host looked at in one turn; real hosts have two.
local LANES = 8
-- Tasks of hosts that are given up, buried in one call.
local BURIED = 256
-- Suspects looked at, and delayed tasks that begin to wait, in one call.
local SUSPECTS, RIPENED = 16, 256
local HOST_DOWN = 'host-down'
local IDLE_S, SOON_S = 1, 0.02
-- A host is looked at again after that, where a limit is all that is in the way.
local LIMITED_S = 30

-- Lets delayed tasks that are due wait as all others; answers whether there were any.
function Turns.ripen()
  local due = Ring.due(MINE .. 'delayed', RIPENED)
  for _, member in ipairs(due) do
    local task = Tasks.from_apart(member)
    Books.count(WAITING[task.kind], -1)
    Tasks.wait_again(task, true)
  end
  if due[1] then write_many('ZREM', MINE .. 'delayed', due) end
  return due[1] ~= nil
end

-- When the next delayed task is due.
local function next_due()
  return tonumber(call('ZRANGE', MINE .. 'delayed', 0, 0, 'WITHSCORES')[2])
end

-- When it is worth asking again, after all is written.
function Turns.next_in()
  if Turns.worked then return 0 end
  if Turns.cut then return SOON_S end
  local at, due = NOW + IDLE_S, next_due()
  at = math.min(at, Ring.next_time() or at)
  return math.max(0, math.min(at, due or at) - NOW)
end

-- Crawls that lease nothing bind no other; answers whether there were any. What happens at the host
-- does not wake them any more: its turn comes when they go on.
local function forget_idle(host)
  local some = false
  for crawl in pairs(host.crawls) do
    if crawl ~= CRAWL and not Books.runs(crawl) then
      Ring.wake_in(host, crawl)
      Hosts.forget_crawl(host, crawl)
      some = true
    end
  end
  return some
end

local function register(stand, host)
  local v, mine, news = Books.v, host.crawls[CRAWL], forget_idle(host)
  if not next(host.crawls) then Downs.forget(host, stand) end
  if Books.over() then  -- workers may stay
    host.crawls[CRAWL], news = nil, news or mine
  elseif not mine or mine[1] ~= v.per_host or mine[2] ~= v.delay_s
    or mine[3] ~= v.max_crawl_delay then
    host.crawls[CRAWL], news = {v.per_host, v.delay_s, v.max_crawl_delay}, true
  end
  if news then Slots.news(host) end
end

-- One host.

local function candidates(stand, lane, kinds, number)
  local prios, found = {}, {}
  for prio in pairs(lane[3]) do
    if kinds[kind_of(prio)] and Books.room(kind_of(prio)) > 0 then prios[#prios + 1] = prio end
  end
  table.sort(prios)
  for _, prio in ipairs(prios) do
    local queue = Queues.of(prio, stand.host, lane[1])
    for _, element in ipairs(Queues.peek(queue, number - #found)) do
      local task = task_of(element, prio, lane[1], stand.host)
      task.queue, task.lane = queue, lane
      found[#found + 1] = task
    end
    if #found >= number then break end
  end
  return found
end

local function take_out(stand, tasks)
  local i = 1
  while tasks[i] do
    local first, number = tasks[i], 1
    while tasks[i + number] and tasks[i + number].queue == first.queue do number = number + 1 end
    Queues.pop(first.queue, number)
    Stands.note(stand, first.lane, first.prio, first.queue.length)
    i = i + number
  end
end

local EVERY = {[0] = true, true, true, true, true, true}
local BEHIND = {true, true, true, true, true}

local function bury_waiting(stand, tasks, reason)
  take_out(stand, tasks)
  for _, task in ipairs(tasks) do
    Books.count(WAITING[task.kind], -1)
    if task.last then Tasks.out[task.last] = false end
    Tasks.bury(task, reason)
  end
  if tasks[1] then Turns.worked = true end
end

local function has_behind(lane)
  for prio in pairs(lane[3]) do
    if prio ~= ROBOTS then return true end
  end
  return false
end

local function of_lane(session, stand, lane, room)
  local origin = origin_of(stand.host, lane[1])
  if not Gates.is_open(origin, lane) then
    if has_behind(lane) then Gates.ask_for(stand, lane) end
    return session.kinds[ROBOTS] and candidates(stand, lane, {[0] = true}, room) or {}
  end
  local reason = Gates.forbids(origin)
  if not reason then return candidates(stand, lane, session.kinds, room) end
  local doomed = {}
  for kind in pairs(session.kinds) do doomed[kind] = kind ~= ROBOTS end
  bury_waiting(stand, candidates(stand, lane, doomed, room), reason)
  return session.kinds[ROBOTS] and candidates(stand, lane, {[0] = true}, room) or {}
end

local function window(stand)
  local lanes, found = stand.lanes, {}
  if #lanes <= LANES then return lanes end
  stand.turned = (stand.turned + LANES) % #lanes
  for i = 0, LANES - 1 do found[#found + 1] = lanes[(stand.turned + i) % #lanes + 1] end
  return found
end

local function within_limits(tasks, room)
  if #tasks <= room and not Books.limited() then return tasks end
  local left, kept = {}, {}
  for i = 1, math.min(#tasks, room) do
    local kind = tasks[i].kind
    left[kind] = left[kind] or Books.room(kind)
    if left[kind] > 0 then
      left[kind], kept[#kept + 1] = left[kind] - 1, tasks[i]
    end
  end
  return kept
end

-- A host gave nothing: it is set aside where only an event can change that. A limit can be raised.
local function after_nothing(session, stand)
  local event = session.every and #stand.lanes <= LANES and not Books.tight()
  if not event or Turns.worked then
    Ring.again(stand)
  else
    Ring.aside(stand, Books.pages_full() and NOW + LIMITED_S or nil)
  end
end

-- What the lanes of a host have, in the order of its priorities.
local function of_lanes(session, stand, lanes, room)
  if #lanes == 1 then return of_lane(session, stand, lanes[1], room) end
  local found = {}
  for _, lane in ipairs(lanes) do
    for _, task in ipairs(of_lane(session, stand, lane, room)) do found[#found + 1] = task end
  end
  table.sort(found, function(a, b)
    if a.prio ~= b.prio then return a.prio < b.prio end
    return a.id < b.id
  end)
  return found
end

local function from_lanes(session, stand, room)
  local found = within_limits(of_lanes(session, stand, window(stand), room), room)
  take_out(stand, found)
  if not found[1] then after_nothing(session, stand) end
  return found
end

local buried = 0

local function bury_host(stand)
  for _, lane in ipairs(stand.lanes) do
    local left = BURIED - buried
    local tasks = left > 0 and candidates(stand, lane, EVERY, left) or {}
    bury_waiting(stand, tasks, HOST_DOWN)
    for _, task in ipairs(tasks) do Gates.forget(task) end
    buried = buried + #tasks
  end
  Turns.worked = true
  Ring.again(stand)
end

local function barred(stand, host)
  local until_ = host.hold
  stand.down = host.down and true or false
  if host.down then
    if Downs.doomed(host, stand) then
      bury_host(stand)
      return true
    end
    if host.probing then
      Ring.aside(stand)
      return true
    end
    until_ = math.max(until_, Downs.probe_at(host))
  end
  if until_ > NOW then
    Ring.aside(stand, until_)
    return true
  end
  return false
end

-- Others may have room where this session has none; without slots, no one has.
local function wait_for_slots(stand, host)
  if not host.held[1] then
    Ring.aside(stand, Slots.free_at(host))
  elseif Sessions.number() == 1 then
    Ring.aside(stand)  -- it is woken by the next finish here
  else
    Ring.again(stand)
  end
end

-- Counts these tasks as a session's leases; it has a slot for them.
local function hand_out(session, stand, host, tasks)
  local number, first = #tasks, #Turns.taken
  if not host.users[session.id] then host.marked = NOW end
  host.users[session.id] = (host.users[session.id] or 0) + number
  stand.leased = stand.leased + number
  local kinds = {}
  for i, task in ipairs(tasks) do
    kinds[task.kind] = (kinds[task.kind] or 0) + 1
    Turns.taken[first + i] = task
  end
  Tasks.give(tasks, session.id, ARGV[5], first)
  for kind, of_kind in pairs(kinds) do
    Books.count(LEASED[kind], of_kind)
    Books.count(WAITING[kind], -of_kind)
  end
  Sessions.hold(session.id, ARGV[5], number, first + number - 1, NOW)
  Slots.grow(session.id, host)
  Ring.again(stand)
end

local function turn(session, stand, room)
  local host, taken = Hosts.get(stand.host), {}
  local before = Hosts.held(host, session.id)
  register(stand, host)
  if not barred(stand, host) then
    local most = Ring.length() > 0 and TURN or ALONE
    room = math.min(room, most, Slots.room(session.id, host), host.down and 1 or most)
    if room > 0 then
      taken = from_lanes(session, stand, room)
      if host.down and taken[1] then host.probing = CRAWL .. ':' .. taken[1].id end
    else
      wait_for_slots(stand, host)
    end
  end
  if taken[1] then
    for _, task in ipairs(taken) do task.before = before end
    hand_out(session, stand, host, taken)
  end
  return #taken
end

-- Turns until there is enough, or no host has given anything in a whole round. Hosts of a crawl that
-- has all its images stay in line, should it be given more.
function Turns.round(session, limit)
  if Books.images_full() then return end
  local unmet = Ring.length()
  for _ = 1, limit + EXTRA_TURNS do
    local wants = #Turns.taken < limit and unmet > 0
    local stand = wants and Ring.next()
    if not stand then return end
    local given = turn(session, stand, limit - #Turns.taken)
    unmet = given > 0 and Ring.length() or unmet - 1
  end
  Turns.cut = true
end

-- Suspects: leased alone, to a session that has been let run empty.

local function bury_suspect(task, member)
  write('ZREM', MINE .. 'suspects', member)
  Books.count(WAITING[task.kind], -1)
  if task.last then Tasks.out[task.last] = false end
  Tasks.bury(task, HOST_DOWN)
  Gates.forget(task)
  Turns.worked = true
end

local function may_start(session, task, host, stand)
  local lane = Stands.lane(stand, task.label)
  if task.kind ~= ROBOTS and not Gates.is_open(origin_of(task.host, task.label), lane) then
    Gates.ask_for(stand, lane)
    return false
  end
  local waits = host.down and (host.probing or Downs.probe_at(host) > NOW)
  local slot = Hosts.held(host, session.id) > 0 or Slots.free(host) > 0
  return not waits and host.hold <= NOW and slot
end

local function suspect_for(session)
  for _, member in ipairs(call('ZRANGE', MINE .. 'suspects', 0, SUSPECTS - 1)) do
    local task = Tasks.from_apart(member)
    if session.kinds[task.kind] and Books.room(task.kind) > 0 then
      local host, stand = Hosts.get(task.host), Stands.get(task.host)
      if host.down and Downs.doomed(host, stand) then
        bury_suspect(task, member)
      elseif may_start(session, task, host, stand) then
        return task, member, host, stand
      end
    end
  end
end

-- Whether a suspect takes this call: it is leased, or the session is being let run empty for it.
function Turns.alone(session)
  if call('ZCARD', MINE .. 'suspects') == 0 then return false end
  if Books.chosen ~= session.id and Sessions.attached(Books.chosen) then return false end
  local task, member, host, stand = suspect_for(session)
  if not task then
    Books.choose('')
    return false
  end
  Books.choose(session.leases > 0 and session.id or '')
  if session.leases > 0 then return true end
  write('ZREM', MINE .. 'suspects', member)
  write('HSET', session_key(session.id), 'alone', 1)
  task.alone, task.before = true, Hosts.held(host, session.id)
  register(stand, host)
  if host.down then host.probing = CRAWL .. ':' .. task.id end
  hand_out(session, stand, host, {task})
  return true
end
