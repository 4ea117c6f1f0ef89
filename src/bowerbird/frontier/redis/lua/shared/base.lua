-- What every script begins with: names of keys, time, and the writes of this call.
--
-- A script of Redis is no transaction: one that errs keeps its earlier writes. So everything is
-- read and decided first; what is to be written is collected and carried out by `commit`, whose
-- first write is one that can be refused for want of memory.
--
-- KEYS[1]  bowerbird:{p}:c:CRAWL:books   hash    counters, state and rules of the crawl
-- ARGV[1]  now       seconds; '' (always, but in tests): the time is Redis TIME
-- ARGV[2]  identity  of the crawl, as the caller knows it; '': it does not know it yet
--
-- All other keys carry the same tag {p}, so they lie in the slot of KEYS[1]:
-- bowerbird:{p}:h:HOST            string  what is going on at a host, for all crawls (hosts.lua)
-- bowerbird:{p}:o:ORIGIN          string  verdict, reason, judged: what its robots.txt came to
-- bowerbird:{p}:t:ORIGIN          string  text of that, as the client packed it
-- bowerbird:{p}:sessions          zset    session -> deadline, of all crawls
-- bowerbird:{p}:hard              zset    session -> hard end of its oldest lease
-- bowerbird:{p}:life              hash    id, since, cut: of this life of Redis (lives.lua)
-- bowerbird:{p}:s:SESSION         hash    crawl worker name kinds hard since seen off finished quota home
--                                         alone lost life identity; held: how many leases
-- bowerbird:{p}:s:SESSION:leases  hash    call of lease -> how many are left, since when, how many
-- bowerbird:{p}:s:SESSION:told    hash    host -> what it knows of its slots, delay and hold there
-- bowerbird:{p}:s:SESSION:news    set     hosts it has to be told about
-- bowerbird:{p}:c:CRAWL:
--   stand:HOST      string  what this crawl has at a host: seat and queues (stands.lua)
--   q:PRIO:ORIGIN   list    waiting tasks of an origin in one priority, first to go first
--   out             hash    token -> lease, and waiting tasks whose last token is still good
--   ring            list    hosts whose turn will come
--   timers          zset    host set aside -> until when
--   delayed         zset    task -> when its retry is due
--   suspects        zset    task -> its number
--   dead            zset    dead task -> its number
--   down            set     hosts that are down and have tasks
--   hosts           zset    host -> about how many bits its number of open tasks has (stands.lua)
--   ended           set     sessions that have ended and whose leases are still to go back
--   worker:NAME     set     sessions of a worker
--   seen:N          set     fingerprints of URLs (seen.lua)
--   results         stream  what the crawl brought
--   outbox          stream  what is on its way to other partitions (outbox.lua)
local call, pack, unpacked, struct_pack = redis.call, cmsgpack.pack, cmsgpack.unpack, struct.pack
local PREFIX, CRAWL = string.match(KEYS[1], '^(bowerbird:{%d+}:)c:([^:]+):books$')
local MINE = PREFIX .. 'c:' .. CRAWL .. ':'
local KINDS = {[0] = 'robots', 'image', 'stylesheet', 'sitemap', 'feed', 'page'}
local ROBOTS, IMAGE, PAGE = 0, 1, 5
-- Names of counters by kind.
local WAITING, LEASED, DONE = {}, {}, {}
for kind = ROBOTS, PAGE do
  WAITING[kind], LEASED[kind] = 'waiting:' .. KINDS[kind], 'leased:' .. KINDS[kind]
  DONE[kind] = 'done:' .. KINDS[kind]
end

local function time()
  local given = tonumber(ARGV[1])
  if given then return given end
  local now = call('TIME')
  return now[1] + now[2] / 1000000
end
local NOW = time()

-- A command, its key, its further arguments; the next one's. Those of `sure` are to keys that have
-- been read as what they are written as.
local writes, sure = {}, {}
-- Arguments in one call: Lua's stack has to bear them.
local STEP = 1000
-- Keys that have been read as what they are written as.
local checked = {[KEYS[1]] = true}

-- A command with any number of further arguments.
local function write_many(name, key, arguments)
  local at = #writes
  writes[at + 1], writes[at + 2], writes[at + 3] = name, key, arguments
end

local function write_sure(name, key, arguments)
  local at = #sure
  sure[at + 1], sure[at + 2], sure[at + 3] = name, key, arguments
end

local function write(name, key, ...)
  write_many(name, key, {...})
end

-- Strings are written together: a call from Lua costs more than what it does.
local strings = {}

-- What is not there, where a list could be.
local NONE = {}

local function write_string(key, value)
  strings[#strings + 1] = key
  strings[#strings + 1] = value
end

-- GETs of many keys. MGET passes over keys of a wrong type, which have to err.
local function read(keys)
  if #keys == 0 then return {} end
  local values, missing = call('MGET', unpack(keys)), {}
  for i = 1, #keys do
    if not values[i] then missing[#missing + 1] = keys[i] end
  end
  if missing[1] and call('EXISTS', unpack(missing)) > 0 then
    for _, key in ipairs(missing) do call('GET', key) end
  end
  return values
end

local function kind_of(prio)
  return prio > PAGE and PAGE or prio
end

local schemes, ports = {}, {}

-- `before`: what the text begins with.
local function origin_of(host, label, before)
  if not schemes[label] then
    schemes[label], ports[label] = string.match(label, '^(%a+)(.*)$')
    schemes[label] = schemes[label] .. '://'
  end
  return (before or '') .. schemes[label] .. host .. ports[label]
end
