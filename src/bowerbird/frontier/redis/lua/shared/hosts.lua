-- What is going on at a host, for all crawls: one string, in this order (hosts.lua keeps it whole).
--   delay asked  least seconds between request starts: as workers found it, as robots.txt asks
--   hold freed   no request before; when a request may last have been under way
--   failures down probes - probing   connections failed in a row; since when it is down, failed
--                probes; (it said: given up); CRAWL:TASK of the probe that is out
--   mean marked  mean seconds of a request; since when it is being measured
--   users        session -> its leases here
--   held         {session, slots, session, slots ...}, oldest first
--   cooling      when slots of lost sessions may be used again
--   crawls       crawl -> {per_host, delay_s, max_crawl_delay}, of those with tasks here
--   why          it was last held or down, for people; nil: it never was
local Hosts = {at = {}, order = {}}

-- What is known of a host where nobody has anything to do is forgotten after that.
local KNOWN_S = 86400
-- No hold lasts longer; so long a request of a lost session may still be under way.
local HOLD_CAP_S, LOST_S = 3600, 1

local function unused(host)
  return not (next(host.users) or host.held[1] or host.probing)
end

local function neutral(host)
  if not unused(host) then return false end
  for _, until_ in ipairs(host.cooling) do
    if until_ > NOW then return false end
  end
  return true
end

-- Nothing goes on there: what was measured is forgotten.
local function tidy(host)
  if neutral(host) then host.mean, host.marked, host.cooling = 1, 0, {} end
end

-- The rules of other crawls there.
local function others_of(crawls)
  local others = NONE
  for crawl, rules in pairs(crawls or NONE) do
    if crawl ~= CRAWL then
      others = others == NONE and {} or others
      others[#others + 1] = rules
    end
  end
  return others
end

-- What lies further ahead than it is ever set was set before the clock of Redis was set back.
local function set_right(host)
  if host.hold > NOW then host.hold = math.min(host.hold, NOW + HOLD_CAP_S) end
  if host.freed > NOW then host.freed = math.min(host.freed, NOW + LOST_S) end
  if host.down and host.down > NOW then host.down = NOW end
  local cooling = host.cooling
  for i = 1, #cooling do
    if cooling[i] > NOW then cooling[i] = math.min(cooling[i], NOW + LOST_S) end
  end
end

local function made(name, raw)
  local delay, asked, hold, freed, failures, down, probes, _, probing, mean, marked, users, held,
    cooling, crawls, why
  if raw then
    delay, asked, hold, freed, failures, down, probes, _, probing, mean, marked, users, held,
      cooling, crawls, why = unpacked(raw)
  end
  local host = {
    name = name, raw = raw, delay = delay or 0, asked = asked or 0, hold = hold or 0,
    freed = freed or -1000000000, failures = failures or 0, down = down or false,
    probes = probes or 0, probing = probing or false, mean = mean or 1, marked = marked or 0,
    users = users or {}, held = held or {}, cooling = cooling or {}, crawls = crawls or {},
    why = why, others = others_of(crawls),
  }
  if raw then
    set_right(host)
    tidy(host)
  end
  Hosts.at[name] = host
  Hosts.order[#Hosts.order + 1] = host
  return host
end

function Hosts.fetch(names)
  local keys, wanted = {}, {}
  for _, name in ipairs(names) do
    if not Hosts.at[name] and not wanted[name] then
      wanted[name] = true
      keys[#keys + 1] = PREFIX .. 'h:' .. name
      wanted[#keys] = name
    end
  end
  for i, raw in ipairs(read(keys)) do made(wanted[i], raw) end
end

function Hosts.get(name)
  return Hosts.at[name] or made(name, call('GET', PREFIX .. 'h:' .. name))
end

-- Another crawl leaves.
function Hosts.forget_crawl(host, crawl)
  host.crawls[crawl] = nil
  host.others = others_of(host.crawls)
end

-- The strictest of this crawl's and of all that have tasks there. These two are called most of all.
function Hosts.per_host(host)
  local least, others = Books.v.per_host, host.others
  for i = 1, #others do
    if others[i][1] < least then least = others[i][1] end
  end
  return least
end

function Hosts.delay_s(host)
  local v, others = Books.v, host.others
  local delay, obeyed = host.delay, v.max_crawl_delay
  if v.delay_s > delay then delay = v.delay_s end
  for i = 1, #others do
    delay, obeyed = math.max(delay, others[i][2]), math.max(obeyed, others[i][3] or DELAY_CAP_S)
  end
  local asked = host.asked < obeyed and host.asked or obeyed
  return asked > delay and asked or delay
end

function Hosts.held(host, session)
  for i = 1, #host.held, 2 do
    if host.held[i] == session then return host.held[i + 1] end
  end
  return 0
end

function Hosts.hold_slots(host, session, slots)
  local held = host.held
  for i = 1, #held, 2 do
    if held[i] == session then
      if slots > 0 then
        held[i + 1] = slots
      else
        table.remove(held, i)
        table.remove(held, i)
      end
      return
    end
  end
  if slots > 0 then
    held[#held + 1] = session
    held[#held + 1] = slots
  end
end

function Hosts.out(host)
  local sum = 0
  for i = 2, #host.held, 2 do sum = sum + host.held[i] end
  return sum
end

function Hosts.measure(host, finished, slots)
  local took = (NOW - host.marked) * math.max(slots, 1) / finished
  host.mean = host.mean + 0.2 * (math.min(math.max(took, 0.001), 60) - host.mean)
  host.marked = NOW
end

local function plain(host)
  return host.delay == 0 and host.asked == 0 and host.hold <= NOW and host.failures == 0
    and not host.down and not next(host.crawls) and host.freed + Hosts.delay_s(host) <= NOW
end

function Hosts.save()
  for _, host in ipairs(Hosts.order) do
    tidy(host)
    local key = PREFIX .. 'h:' .. host.name
    if neutral(host) and plain(host) then
      if host.raw then write('DEL', key) end
      host.raw = false
    else
      local raw = pack(host.delay, host.asked, host.hold, host.freed, host.failures, host.down,
        host.probes, false, host.probing, host.mean, host.marked, host.users, host.held,
        host.cooling, host.crawls, host.why)
      if raw ~= host.raw then
        write_string(key, raw)
        if unused(host) and not next(host.crawls) then write('EXPIRE', key, KNOWN_S) end
      end
      host.raw = raw
    end
  end
end
