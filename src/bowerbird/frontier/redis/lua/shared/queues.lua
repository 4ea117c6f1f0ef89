-- Lists that are read and changed within one call, and written at its end.
--
-- A waiting task is one string: number (6 bytes), attempts, deaths, crashes, whether a token
-- follows (a byte each, big-endian), the token (10 bytes), and the task as the client packed it.
local Queues = {at = {}, names = {}}

-- How many of the first tasks those that come back are put in order with.
local ORDERED = 64

function Queues.get(key)
  local queue = Queues.at[key]
  if not queue then
    local length = call('LLEN', key)
    queue = {key = key, stored = length, length = length, off = 0, tail = NONE, first = 1}
    Queues.at[key] = queue
  end
  return queue
end

-- The tasks of an origin that wait in one priority.
function Queues.of(prio, host, label)
  local name = Queues.names[prio]
  if not name then
    name = MINE .. 'q:' .. prio .. ':'
    Queues.names[prio] = name
  end
  return Queues.get(origin_of(host, label, name))
end

-- Elements go to the end; their table is the queue's from now on.
function Queues.push(queue, elements)
  local tail, number = queue.tail, #elements
  local last = #tail
  queue.length = queue.length + number
  if last == 0 then
    queue.tail = elements
  else
    for i = 1, number do tail[last + i] = elements[i] end
  end
end

-- How many tasks of a host wait: its stand knows it but about.
function Queues.waiting(stand)
  local sum = 0
  for _, lane in ipairs(stand.lanes) do
    for prio in pairs(lane[3]) do
      sum = sum + Queues.of(prio, stand.host, lane[1]).length
    end
  end
  return sum
end

function Queues.peek(queue, number)
  local found, first = {}, queue.first
  local last = math.min(queue.off + number, queue.stored)
  if last > queue.off then
    found = call('LRANGE', queue.key, queue.off, last - 1)
  end
  while #found < number and queue.tail[first] do
    found[#found + 1], first = queue.tail[first], first + 1
  end
  return found
end

-- An element comes back to the front, or is taken from wherever it is.
function Queues.put_back(queue, element)
  queue.back = queue.back or {}
  queue.back[#queue.back + 1] = element
  queue.length = queue.length + 1
end

function Queues.remove(queue, element)
  queue.gone = queue.gone or {}
  queue.gone[#queue.gone + 1] = element
  queue.length = queue.length - 1
end

function Queues.pop(queue, number)
  local stored = math.max(0, math.min(number, queue.stored - queue.off))
  queue.off = queue.off + stored
  queue.first = queue.first + number - stored
  queue.length = queue.length - number
end

local function number_of(element)
  return (struct.unpack('>I6', element))
end

-- What comes back takes its old place, as far as that is near the front.
local function back_in_order(queue)
  local back, gone = queue.back, {}
  for _, element in ipairs(queue.gone or {}) do gone[element] = true end
  table.sort(back, function(a, b) return number_of(a) < number_of(b) end)
  local heads, last = call('LRANGE', queue.key, 0, ORDERED - 1), number_of(back[#back])
  local merged, next_back, passed = {}, 1, 0
  while heads[passed + 1] and number_of(heads[passed + 1]) < last do
    local head = heads[passed + 1]
    while number_of(back[next_back]) < number_of(head) do
      merged[#merged + 1], next_back = back[next_back], next_back + 1
    end
    if gone[head] then gone[head] = nil else merged[#merged + 1] = head end
    passed = passed + 1
  end
  for i = next_back, #back do merged[#merged + 1] = back[i] end
  queue.gone = {}
  for element in pairs(gone) do queue.gone[#queue.gone + 1] = element end
  return merged, passed
end

local function reversed(list)
  local turned = {}
  for i = #list, 1, -1 do turned[#turned + 1] = list[i] end
  return turned
end

local function save_queue(queue)
  local key, tail = queue.key, queue.tail
  if queue.off > 0 then write_sure('LPOP', key, {queue.off}) end
  if queue.back then
    local merged, passed = back_in_order(queue)
    if passed > 0 then write_sure('LPOP', key, {passed}) end
    write_sure('LPUSH', key, reversed(merged))
  end
  for _, element in ipairs(queue.gone or NONE) do write_sure('LREM', key, {1, element}) end
  if queue.first > 1 then tail = {unpack(tail, queue.first)} end
  if tail[1] then write_sure('RPUSH', key, tail) end
end

-- A queue is either taken from or put back to within one unit of work, never both.
function Queues.save()
  for _, queue in pairs(Queues.at) do save_queue(queue) end
  Queues.at = {}
end
