-- Counters that are never recounted, the state asked for, and the rules of the crawl.
local Books = {v = {}, changes = {}, values = {}, running = {}}
-- The number of the last change that this call has made.
local Seq = 0

-- The most that a host may ask for; obeyed whole by crawls of before `max_crawl_delay`.
local DELAY_CAP_S = 300
local NUMBERS = {
  'max_crawl_delay', 'max_host_urls',
  'per_host', 'delay_s', 'obey_robots', 'retries', 'max_pages', 'max_images', 'records',
  'hosts-answered', 'busy', 'done:page', 'moved:page', 'last', 'seen', 'buckets',
  'waiting:robots', 'waiting:image', 'waiting:stylesheet', 'waiting:sitemap', 'waiting:feed',
  'waiting:page', 'leased:robots', 'leased:image', 'leased:stylesheet', 'leased:sitemap',
  'leased:feed', 'leased:page',
}

-- Reads them; answers what is wrong where the crawl is not the caller's or cannot be gone on with,
-- else nil.
function Books.load()
  local texts = call('HMGET', KEYS[1], 'identity', 'state', 'seeds', 'chosen', 'parted', 'seq',
    'sealed')
  if not texts[1] then return {err = 'VANISHED the crawl is not there'} end
  if ARGV[2] ~= '' and ARGV[2] ~= texts[1] then return {err = 'VANISHED it is another crawl'} end
  if texts[7] and texts[7] ~= texts[6] then return {err = 'TORN a commit has no end'} end
  Books.identity, Books.state, Books.seeds = texts[1], texts[2], texts[3] == 'yes'
  Books.chosen, Books.parted = texts[4] or '', texts[5]
  local found = call('HMGET', KEYS[1], unpack(NUMBERS))
  for i, name in ipairs(NUMBERS) do Books.v[name] = tonumber(found[i]) or 0 end
  if not found[1] then Books.v.max_crawl_delay = DELAY_CAP_S end
  if Books.v.obey_robots == 0 then Books.v.max_crawl_delay = 0 end
  return Lives.wrong()
end

-- A change begins. It is refused where memory is full: nothing has happened.
function Books.begin()
  call('EXISTS', PREFIX .. 'none')  -- never there: errs where a Cluster moves this slot just now
  Seq = call('HINCRBY', KEYS[1], 'seq', 1)
end

-- A change is whole: a log that was cut off before this has half of it.
function Books.seal()
  call('HSET', KEYS[1], 'sealed', Seq)
end

function Books.count(name, by)
  local v, changes = Books.v, Books.changes
  v[name], changes[name] = (v[name] or 0) + by, (changes[name] or 0) + by
end

function Books.set(name, value)
  Books.values[#Books.values + 1] = name
  Books.values[#Books.values + 1] = value
end

function Books.choose(session)
  if Books.chosen ~= session then
    Books.chosen = session
    Books.set('chosen', session)
  end
end

-- Whether another crawl is there, and neither paused nor stopped, nor has all its images.
function Books.runs(crawl)
  if Books.running[crawl] == nil then
    local key = PREFIX .. 'c:' .. crawl .. ':books'
    local state, most, records = unpack(call('HMGET', key, 'state', 'max_images', 'records'))
    most, records = tonumber(most) or 0, tonumber(records) or 0
    Books.running[crawl] = state == 'running' and (most == 0 or records < most)
  end
  return Books.running[crawl]
end

-- For limits, what other partitions have counts too. Nothing of it is written.
function Books.add_others(records, images, read, pages)
  local v = Books.v
  v.records, v['leased:image'] = v.records + records, v['leased:image'] + images
  v['done:page'], v['leased:page'] = v['done:page'] + read, v['leased:page'] + pages
end

function Books.leased()
  local sum = 0
  for kind = 0, PAGE do sum = sum + Books.v[LEASED[kind]] end
  return sum
end

function Books.images_full()
  return Books.v.max_images > 0 and Books.v.max_images <= Books.v.records
end

function Books.pages_read()
  return Books.v['done:page'] - Books.v['moved:page']
end

function Books.pages_full()
  return Books.v.max_pages > 0 and Books.v.max_pages <= Books.pages_read()
end

-- Whether the user has set a limit.
function Books.limited()
  return Books.v.max_images > 0 or Books.v.max_pages > 0
end

-- How many more tasks of a kind may be leased now.
function Books.room(kind)
  local v = Books.v
  if Books.images_full() then return 0 end
  if kind == PAGE and v.max_pages > 0 then
    return math.max(0, v.max_pages - Books.pages_read() - v['leased:page'])
  end
  if kind == IMAGE and v.max_images > 0 then
    return math.max(0, v.max_images - v.records - v['leased:image'])
  end
  return 1073741824
end

-- Whether a limit is spent only for now: what is leased may yet fail.
function Books.tight()
  local v = Books.v
  if Books.images_full() then return false end
  if v.max_images > 0 and Books.room(IMAGE) == 0 then return true end
  return v.max_pages > 0 and Books.room(PAGE) == 0 and not Books.pages_full()
end

-- How many waiting tasks are still to be done; robots tasks only serve others.
function Books.left()
  if Books.images_full() then return 0 end
  local sum = 0
  for kind = 1, PAGE do sum = sum + Books.v[WAITING[kind]] end
  if Books.pages_full() then sum = sum - Books.v['waiting:page'] end
  return sum
end

-- Whether nothing is to be done, as far as is known here: what waits is beyond a limit.
function Books.over()
  return Books.left() == 0 and Books.leased() == 0
end

-- The state as callers see it: the end is no state but a fact. Of a crawl in several partitions only
-- a look at all of them can tell it.
function Books.shown_state()
  if Books.parted or Books.state == 'paused' or Books.leased() > 0 then return Books.state end
  local over = Books.state == 'draining' or (Books.seeds and Books.left() == 0)
  return over and 'ended' or Books.state
end
