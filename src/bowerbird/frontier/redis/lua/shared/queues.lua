-- Lists that are read and changed within one call, and written at its end.
--
-- A waiting task is one string: number (6 bytes), attempts, deaths, crashes, whether a token
-- follows (a byte each, big-endian), the token (10 bytes), and the task as the client packed it.
local Queues = {at = {}, order = {}}

-- How many of the first tasks those that come back are put in order with.
local ORDERED = 64

function Queues.get(key, stored)
  local queue = Queues.at[key]
  if not queue then
    queue = {key = key, stored = stored, off = 0, tail = {}, first = 1}
    Queues.at[key] = queue
    Queues.order[#Queues.order + 1] = queue
  end
  return queue
end

function Queues.length(queue)
  return queue.stored - queue.off + #queue.tail - queue.first + 1
end

function Queues.peek(queue, number)
  local found, first = {}, queue.first
  local last = math.min(queue.off + number, queue.stored)
  if last > queue.off then
    found = call('LRANGE', queue.key, queue.off, last - 1)
    checked[queue.key] = true
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
end

function Queues.remove(queue, element)
  queue.gone = queue.gone or {}
  queue.gone[#queue.gone + 1] = element
end

function Queues.pop(queue, number)
  local stored = math.max(0, math.min(number, queue.stored - queue.off))
  queue.off = queue.off + stored
  queue.first = queue.first + number - stored
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
  if queue.off > 0 then write('LPOP', queue.key, queue.off) end
  if queue.back then
    local merged, passed = back_in_order(queue)
    if passed > 0 then write('LPOP', queue.key, passed) end
    write_many('LPUSH', queue.key, reversed(merged))
  end
  for _, element in ipairs(queue.gone or {}) do write('LREM', queue.key, 1, element) end
  local tail = queue.first == 1 and queue.tail or {unpack(queue.tail, queue.first)}
  if tail[1] then write_many('RPUSH', queue.key, tail) end
end

-- A queue is either taken from or put back to within one unit of work, never both.
function Queues.save()
  for _, queue in ipairs(Queues.order) do save_queue(queue) end
  Queues.at, Queues.order = {}, {}
end
