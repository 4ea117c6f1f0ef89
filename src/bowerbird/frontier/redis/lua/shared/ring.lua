-- Whose turn it is: the hosts with waiting tasks, going round, and those set aside for a while.
local Ring = {}

-- Hosts looked at together.
local AHEAD_HOSTS = 16
-- Hosts whose time has come, woken in one call.
local WOKEN = 64

local RING = MINE .. 'ring'

local function enqueue(stand)
  stand.seat = QUEUED
  if stand.crawl ~= CRAWL then
    write('RPUSH', PREFIX .. 'c:' .. stand.crawl .. ':ring', stand.host)
    return
  end
  Queues.push(Queues.get(RING), {stand.host})
end

-- Seats a host at the end of the queue.
function Ring.again(stand)
  if stand.waiting > 0 and stand.seat ~= QUEUED then enqueue(stand) end
end

local function wake(stand)
  if stand.seat == TIMED then
    write('ZREM', PREFIX .. 'c:' .. stand.crawl .. ':timers', stand.host)
  end
  if stand.seat == ASIDE or stand.seat == TIMED then
    stand.seat = IDLE
    Ring.again(stand)
  end
end

-- Tasks of a host have begun to wait in a queue.
function Ring.add(stand, lane, prio, queue)
  Stands.note(stand, lane, prio, queue.length)
  if stand.seat == IDLE then enqueue(stand) else wake(stand) end
end

function Ring.length()
  return Queues.get(RING).length
end

-- The host whose turn it is, which then has to be given a new seat; nil: no one's.
function Ring.next()
  local ring = Queues.get(RING)
  while true do
    if not ring.ahead or not ring.ahead[ring.at] then
      ring.ahead, ring.at = Queues.peek(ring, AHEAD_HOSTS), 1
      if not ring.ahead[1] then return nil end
      Stands.fetch(ring.ahead)
      Hosts.fetch(ring.ahead)
    end
    local name = ring.ahead[ring.at]
    ring.at = ring.at + 1
    Queues.pop(ring, 1)
    local stand = Stands.get(name)
    if stand.seat == QUEUED then
      stand.seat = IDLE
      if stand.waiting > 0 then return stand end
    end
  end
end

-- Sets a host aside until some time, or until it is woken.
function Ring.aside(stand, until_)
  stand.seat = until_ and TIMED or ASIDE
  if until_ then write('ZADD', MINE .. 'timers', until_, stand.host) end
end

-- Its turn comes in another crawl.
function Ring.wake_in(host, crawl)
  wake(Stands.get(host.name, crawl))
end

-- Something happened at a host: its turn comes in every crawl that waits for it.
function Ring.wake(host)
  wake(Stands.get(host.name))
  for crawl in pairs(host.crawls) do
    if crawl ~= CRAWL then Ring.wake_in(host, crawl) end
  end
end

-- As `wake`, for hosts that were set aside without a time.
function Ring.wake_aside(host)
  local stand = Stands.get(host.name)
  if stand.seat == ASIDE then wake(stand) end
  for crawl in pairs(host.others[1] and host.crawls or NONE) do
    local other = crawl ~= CRAWL and Stands.get(host.name, crawl)
    if other and other.seat == ASIDE then wake(other) end
  end
end

-- Members of a set whose time has come; where there are none, those whose time is further off than
-- any is set: the clock of Redis was set back since.
function Ring.due(key, most)
  local due = call('ZRANGEBYSCORE', key, '-inf', NOW, 'LIMIT', 0, most)
  if due[1] then return due end
  return call('ZRANGEBYSCORE', key, '(' .. NOW + HOLD_CAP_S, '+inf', 'LIMIT', 0, most)
end

-- Wakes the hosts whose time has come.
function Ring.tick()
  local due = Ring.due(MINE .. 'timers', WOKEN)
  if not due[1] then return end
  Stands.fetch(due)
  for _, name in ipairs(due) do
    local stand = Stands.get(name)
    if stand.seat == TIMED then wake(stand) else write('ZREM', MINE .. 'timers', name) end
  end
end

-- When the next host is to be woken.
function Ring.next_time()
  return tonumber(call('ZRANGE', MINE .. 'timers', 0, 0, 'WITHSCORES')[2])
end
