-- What a crawl has at a host: one string, in this order.
--   seat      where the host is in the crawl's ring
--   leased done dead   how many of its tasks
--   answered  whether it ever answered this crawl
--   down listed   known to be down; a member of the crawl's set of those
--   bits      how many bits the number of its open tasks has, to the next even number and 4 at
--             least, as the zset `hosts` knows it: there a change costs most, where a crawl has many
--             hosts; 0: it has none
--   turned    where among many lanes the next turn begins
--   lanes     {label, robots task or false, {prio -> waiting tasks}, whether this crawl has had its
--             robots.txt} of each origin; the label is its scheme and port: 'http', 'https:8443'
--   given_up  since when it was down when this crawl gave it up; false: it never did
-- How many tasks wait is noted about: the noted number has as many bits, counted so, as that of the
-- queue. So most adds neither read nor write the stand, for they add to a queue that has
-- some. What reads it for another reason notes the number as it is.
local Stands = {at = {}, own = {}, order = {}, busy = {}}

local IDLE, QUEUED, TIMED, ASIDE = 0, 1, 2, 3
local STAND = MINE .. 'stand:'
-- Origins of a host: it has 65,535 ports for each scheme, and every call at it reads and writes what is
-- noted of them all.
local ORIGINS = 64

local function waiting_in(lanes)
  local sum = 0
  for i = 1, #lanes do
    for _, count in pairs(lanes[i][3]) do sum = sum + count end
  end
  return sum
end

local function made_stand(id, name, crawl, raw)
  local seat, leased, done, dead, answered, down, listed, bits, turned, lanes, given_up
  if raw then
    seat, leased, done, dead, answered, down, listed, bits, turned, lanes, given_up = unpacked(raw)
  end
  local stand = {
    host = name, crawl = crawl, id = id, raw = raw, seat = seat or IDLE, leased = leased or 0,
    done = done or 0, dead = dead or 0, answered = answered or false, down = down or false,
    listed = listed or false, bits = bits or 0, turned = turned or 0, lanes = lanes or {},
    given_up = given_up or false, waiting = waiting_in(lanes or NONE),
  }
  Stands.at[id] = stand
  if crawl == CRAWL then Stands.own[name] = stand end
  Stands.order[#Stands.order + 1] = stand
  return stand
end

function Stands.fetch(names)
  local keys, wanted, number = {}, {}, 0
  for i = 1, #names do
    local name = names[i]
    if not Stands.own[name] and not wanted[name] then
      number = number + 1
      keys[number], wanted[number], wanted[name] = STAND .. name, name, true
    end
  end
  local found = read(keys)
  for i = 1, number do made_stand(keys[i], wanted[i], CRAWL, found[i]) end
end

function Stands.get(name, crawl)
  local own = not crawl and Stands.own[name]
  if own then return own end
  local id = crawl and PREFIX .. 'c:' .. crawl .. ':stand:' .. name or STAND .. name
  return Stands.at[id] or made_stand(id, name, crawl or CRAWL, call('GET', id))
end

local function lane_of(stand, label)
  local lanes = stand.lanes
  for i = 1, #lanes do
    if lanes[i][1] == label then return lanes[i] end
  end
end

-- Whether a host has no lane of that label, and may have no more.
function Stands.is_full(stand, label)
  return #stand.lanes >= ORIGINS and not lane_of(stand, label)
end

function Stands.lane(stand, label)
  local lane = lane_of(stand, label)
  if not lane then
    lane = {label, false, {}, false}
    stand.lanes[#stand.lanes + 1] = lane
  end
  return lane
end

-- So many tasks of a lane wait in a priority.
function Stands.note(stand, lane, prio, number)
  if stand.waiting == 0 then Books.count('busy', 1) end
  stand.waiting = stand.waiting + number - (lane[3][prio] or 0)
  if stand.waiting == 0 then Books.count('busy', -1) end
  lane[3][prio] = number > 0 and number or nil
end

-- Up to 15 are a few.
local FEW_BITS, FEW = 4, 15

local function bits_of(number)
  local _, bits = math.frexp(number)
  return number > FEW and bits + bits % 2 or math.min(number, 1) * FEW_BITS
end

-- Whether a number of waiting tasks is to be noted where another one was.
function Stands.is_news(number, noted)
  return bits_of(number) ~= bits_of(noted)
end

-- More tasks of a host cannot wait: numbers with as many bits differ by less than four times, save
-- the few.
function Stands.most_waiting(stand)
  return FEW * stand.waiting
end

local function list_down(stand)
  local listed = stand.down and stand.waiting > 0
  if listed ~= stand.listed then
    stand.listed = listed
    Books.count('downs', listed and 1 or -1)
    write(listed and 'SADD' or 'SREM', MINE .. 'down', stand.host)
  end
end

local function settle_stand(stand)
  list_down(stand)
  local bits = bits_of(stand.waiting + stand.leased)
  if not stand.raw then Books.count('hosts', 1) end
  if not stand.raw or bits ~= stand.bits then
    stand.bits = bits
    Stands.busy[#Stands.busy + 1] = bits
    Stands.busy[#Stands.busy + 1] = stand.host
  end
  local host = Hosts.at[stand.host]
  if host and bits == 0 then host.crawls[CRAWL] = nil end
end

function Stands.save()
  for _, stand in ipairs(Stands.order) do
    if stand.raw or stand.lanes[1] then
      if stand.crawl == CRAWL then settle_stand(stand) end
      local raw = pack(stand.seat, stand.leased, stand.done, stand.dead, stand.answered,
        stand.down, stand.listed, stand.bits, stand.turned, stand.lanes, stand.given_up)
      if raw ~= stand.raw then write_string(stand.id, raw) end
      stand.raw = raw
    end
  end
  if Stands.busy[1] then write_many('ZADD', MINE .. 'hosts', Stands.busy) end
  Stands.busy = {}
end
