-- Slots: the right to have one request in flight at a host. Numbers are absolute for (session,
-- host); their sum never exceeds per_host, and a host with a delay has one. A number falls only
-- when its holder gives back; `wished` is what it should come down to.
local Slots = {}

local AHEAD_S = 30
-- Hosts a session is told about in one answer.
local TOLD = 512

function Slots.quota(host)
  return math.ceil(Hosts.per_host(host) / math.max(1, Sessions.number()))
end

-- Since when none is in use that this life of Redis does not know of.
local function settled()
  return Lives.now().since + DEADLINE_S + LOST_S
end

-- Slots that nobody holds and that may be used now.
function Slots.free(host)
  local out, cooling = Hosts.out(host), {}
  for _, until_ in ipairs(host.cooling) do
    if until_ > NOW then cooling[#cooling + 1] = until_ end
  end
  host.cooling, out = cooling, out + #cooling
  local delay, free = Hosts.delay_s(host), Hosts.per_host(host) - out
  if delay > 0 then free = (out == 0 and NOW >= host.freed + delay) and 1 or 0 end
  return (free > 0 and NOW < settled() + delay) and 0 or free
end

-- When the next slot will have cooled down, if time is all that is missing.
function Slots.free_at(host)
  if host.held[1] then return nil end
  local delay, first, last = Hosts.delay_s(host), nil, nil
  for _, until_ in ipairs(host.cooling) do
    if until_ > NOW then
      first, last = math.min(first or until_, until_), math.max(last or until_, until_)
    end
  end
  local calm = settled()
  if delay > 0 then return math.max(math.max(host.freed, calm) + delay, last or calm) end
  return calm > NOW and calm or first
end

-- What a session's number should be, of what it holds.
function Slots.wished(session, host)
  if not host.users[session] then return 0 end
  local held = Hosts.held(host, session)
  if Hosts.delay_s(host) > 0 then
    for i = 1, #host.held, 2 do
      if host.users[host.held[i]] then
        return math.min(held, host.held[i] == session and 1 or 0)
      end
    end
    return 0
  end
  return math.min(held, Slots.quota(host))
end

-- How many more tasks of a host a session may lease: what can start within AHEAD_S.
function Slots.room(session, host)
  local held, delay = Hosts.held(host, session), Hosts.delay_s(host)
  local slots = math.min(Slots.quota(host), held + math.max(0, Slots.free(host)))
  if held > 0 and delay > 0 then
    slots = host.users[session] and Slots.wished(session, host) or 1
  end
  if slots < 1 then return 0 end
  local ahead = delay > 0 and AHEAD_S / delay or slots * AHEAD_S / host.mean
  return math.max(slots, math.floor(ahead)) - (host.users[session] or 0)
end

-- Gives a session the slots it has leases for, as far as its share and the host go.
function Slots.grow(session, host)
  local held = Hosts.held(host, session)
  local more = math.min(Slots.quota(host), host.users[session] or 0) - held
  if more > 0 then more = math.min(more, Slots.free(host)) end
  if more > 0 then Hosts.hold_slots(host, session, held + more) end
end

-- All who have to do with a host will be told of it.
function Slots.news(host)
  for session in pairs(host.users) do Sessions.tell(session, host.name) end
  for i = 1, #host.held, 2 do Sessions.tell(host.held[i], host.name) end
end

local function release(session, host, slots, at)
  if slots < 1 then return end
  Slots.news(host)  -- the giver's too: it forgets the host where it has nothing any more
  Hosts.hold_slots(host, session, Hosts.held(host, session) - slots)
  host.freed = math.max(host.freed, at)
  Ring.wake(host)
end

-- A session returns surplus slots: requests that were under way there have ended.
function Slots.take_back(session, give)
  for name, surplus in pairs(give) do
    local host = Hosts.get(name)
    if surplus > 0 then
      release(session, host, math.min(surplus, Hosts.held(host, session)), NOW)
    end
  end
end

-- A session has ended: all its slots at a host return.
function Slots.leave(session, host, lost)
  local slots = Hosts.held(host, session)
  if lost then
    for _ = 1, slots do host.cooling[#host.cooling + 1] = NOW + LOST_S end
  end
  release(session, host, slots, lost and NOW + LOST_S or NOW)
end

-- What a session has to be told about.
local function news_of(session, new)
  local key, names, listed = session_key(session.id), {}, {}
  local function take(name)
    if not listed[name] then
      listed[name] = true
      names[#names + 1] = name
    end
  end
  for name in pairs(new) do take(name) end
  for name in pairs(Sessions.news[session.id] or {}) do take(name) end
  Sessions.news[session.id] = nil
  local stored = call('SRANDMEMBER', key .. ':news', TOLD)
  if stored[1] then write_many('SREM', key .. ':news', stored) end
  for _, name in ipairs(stored) do take(name) end
  local share = Sessions.number()
  if session.quota ~= share then  -- those who come and go change the share of all
    write('HSET', key, 'quota', share)
    session.quota = share
    for _, name in ipairs(call('HKEYS', key .. ':told')) do take(name) end
  end
  return names
end

local function is_news(told, slots, delay, hold)
  if not told then return slots ~= 0 end
  local knew_slots, knew_delay, knew_hold = unpacked(told)
  return slots ~= knew_slots or delay ~= knew_delay or hold ~= knew_hold
end

local function grant_of(session, host)
  Slots.grow(session, host)
  if host.users[session] and Hosts.held(host, session) == 0 then
    Sessions.tell(session, host.name)  -- it waits for a slot that has to cool first
  end
  return Slots.wished(session, host), Hosts.delay_s(host)
end

-- What to tell a session: {host, slots, delay_s, hold_s} of the hosts of new leases, and of those
-- where something has changed.
function Slots.grants(session, new)
  local names, found = news_of(session, new), {}
  if not names[1] then return found end
  Hosts.fetch(names)
  local key, kept, forgotten = session_key(session.id) .. ':told', {}, {}
  local told = call('HMGET', key, unpack(names))
  for i, name in ipairs(names) do
    local host = Hosts.get(name)
    local slots, delay = grant_of(session.id, host)
    local tells = new[name] or is_news(told[i], slots, delay, host.hold)
    if tells then
      found[#found + 1] = {name, slots, delay, math.max(0, host.hold - NOW)}
    end
    if not host.users[session.id] and Hosts.held(host, session.id) == 0 then
      forgotten[#forgotten + 1] = name
    elseif tells then
      kept[#kept + 1] = name
      kept[#kept + 1] = pack(slots, delay, host.hold)
    end
  end
  if kept[1] then write_many('HSET', key, kept) end
  if forgotten[1] then write_many('HDEL', key, forgotten) end
  return found
end
