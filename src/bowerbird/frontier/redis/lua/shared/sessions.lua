-- Sessions: the lives of worker processes with the frontier. They belong to the partition: what
-- one crawl's workers hold at a host, another's may not have.
local Sessions = {known = {}, ended_news = {}, news = {}, removed = {}, leased = {}, count = nil}

local DEADLINE_S = 8

local function session_key(session)
  return PREFIX .. 's:' .. session
end

-- Whether a session is attached.
function Sessions.attached(session)
  if session == '' then return false end
  if Sessions.known[session] == nil then
    Sessions.known[session] = call('ZSCORE', PREFIX .. 'sessions', session) and true or false
  end
  return Sessions.known[session]
end

-- How many are, over all crawls.
function Sessions.number()
  if not Sessions.count then Sessions.count = call('ZCARD', PREFIX .. 'sessions') end
  return Sessions.count
end

function Sessions.load(session)
  local found = call('HMGET', session_key(session), 'crawl', 'kinds', 'hard', 'quota', 'alone')
  if found[1] ~= CRAWL or not Sessions.attached(session) then return nil end
  local kinds = {}
  for digit in string.gmatch(found[2], '%d') do kinds[tonumber(digit)] = true end
  return {
    id = session, kinds = kinds, every = #found[2] == 6, hard = tonumber(found[3]),
    quota = tonumber(found[4]), alone = found[5] and found[5] ~= '',
    leases = call('ZCARD', session_key(session) .. ':leases'),
  }
end

function Sessions.overdue(session)
  local deadline = call('ZSCORE', PREFIX .. 'sessions', session)
  local hard = call('ZSCORE', PREFIX .. 'hard', session)
  return (deadline and NOW > tonumber(deadline)) or (hard and NOW > tonumber(hard))
end

-- A session that calls goes on living.
function Sessions.live_on(session)
  write('ZADD', PREFIX .. 'sessions', NOW + DEADLINE_S, session)
  write('HSET', session_key(session), 'seen', NOW)
end

-- It has to be told about a host.
function Sessions.tell(session, name)
  if not Sessions.attached(session) then return end
  local news = Sessions.news[session] or {}
  Sessions.news[session], news[name] = news, true
end

function Sessions.hold(session, token)
  local leased = Sessions.leased[session] or {}
  Sessions.leased[session] = leased
  leased[#leased + 1] = NOW
  leased[#leased + 1] = token
end

function Sessions.drop(session, token)
  local removed = Sessions.removed[session] or {}
  Sessions.removed[session] = removed
  removed[#removed + 1] = token
end

function Sessions.save()
  for session, tokens in pairs(Sessions.removed) do
    write_many('ZREM', session_key(session) .. ':leases', tokens)
  end
  for session, pairs_ in pairs(Sessions.leased) do
    write_many('ZADD', session_key(session) .. ':leases', pairs_)
  end
  for session, names in pairs(Sessions.news) do
    local list = {}
    for name in pairs(names) do list[#list + 1] = name end
    write_many('SADD', session_key(session) .. ':news', list)
  end
  Sessions.removed, Sessions.leased, Sessions.news = {}, {}, {}
end

-- After all is written: when the oldest lease of a session reaches its hard end.
function Sessions.set_hard_end(session, hard)
  local oldest = call('ZRANGE', session_key(session) .. ':leases', 0, 0, 'WITHSCORES')[2]
  if oldest then
    call('ZADD', PREFIX .. 'hard', tonumber(oldest) + hard, session)
  else
    call('ZREM', PREFIX .. 'hard', session)
  end
end
