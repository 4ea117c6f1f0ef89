-- Sessions: the lives of worker processes with the frontier. They belong to the partition: what
-- one crawl's workers hold at a host, another's may not have.
local Sessions = {known = {}, news = {}, calls = {}, gone = {}, count = nil}

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
  local found = call('HMGET', session_key(session), 'crawl', 'kinds', 'hard', 'quota', 'alone',
    'held', 'life')
  if found[1] ~= CRAWL or not Sessions.attached(session) then return nil end
  local kinds = {}
  for digit in string.gmatch(found[2], '%d') do kinds[tonumber(digit)] = true end
  return {
    id = session, kinds = kinds, every = #found[2] == 6, hard = tonumber(found[3]),
    quota = tonumber(found[4]), alone = found[5] and found[5] ~= '',
    leases = tonumber(found[6]) or 0, life = found[7],
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

-- The leases of a session are known by the calls that gave them: the first 8 bytes of a token are
-- the call's, the last two count within it.

local function change_of(session, id)
  local calls = Sessions.calls[session] or {}
  Sessions.calls[session], calls[id] = calls, calls[id] or {by = 0, size = 0, since = NOW}
  return calls[id]
end

-- A session has so many leases more of a call, the last of which has this number, since then.
function Sessions.hold(session, id, number, last, since)
  local change = change_of(session, id)
  change.by, change.size = change.by + number, math.max(change.size, last + 1)
  change.since = since
end

function Sessions.drop(session, token)
  local calls, id = Sessions.calls[session], string.sub(token, 1, 8)
  local change = calls and calls[id] or change_of(session, id)
  change.by = change.by - 1
end

-- When a lease of a session was given.
function Sessions.since(session, token)
  return unpacked(call('HGET', session_key(session) .. ':leases', string.sub(token, 1, 8)))[2]
end

-- All tokens that a session was given with some of its leases, of `most` or somewhat more; whether
-- these are all.
function Sessions.tokens(session, most)
  local flat, tokens = call('HGETALL', session_key(session) .. ':leases'), {}
  for i = 1, #flat, 2 do
    if #tokens >= most then return tokens, false end
    for n = 0, unpacked(flat[i + 1])[3] - 1 do
      tokens[#tokens + 1] = flat[i] .. struct.pack('>I2', n)
    end
  end
  return tokens, true
end

local function save_calls(session, calls)
  local key, ids, kept, gone, sum = session_key(session), {}, {}, {}, 0
  for id in pairs(calls) do ids[#ids + 1] = id end
  local stored = call('HMGET', key .. ':leases', unpack(ids))
  for i, id in ipairs(ids) do
    local change = calls[id]
    local left, since, size = unpack(stored[i] and unpacked(stored[i]) or {0, change.since, 0})
    left, sum = left + change.by, sum + change.by
    if left > 0 then
      kept[#kept + 1] = id
      kept[#kept + 1] = pack({left, since, math.max(size, change.size)})
    else
      gone[#gone + 1] = id
    end
  end
  if kept[1] then write_many('HSET', key .. ':leases', kept) end
  if gone[1] then write_many('HDEL', key .. ':leases', gone) end
  write('HINCRBY', key, 'held', sum)
end

function Sessions.save()
  for session, calls in pairs(Sessions.calls) do
    if not Sessions.gone[session] then save_calls(session, calls) end
  end
  for session, names in pairs(Sessions.news) do
    local list = {}
    for name in pairs(names) do list[#list + 1] = name end
    write_many('SADD', session_key(session) .. ':news', list)
  end
  Sessions.calls, Sessions.news = {}, {}
end

-- After all is written: when the oldest lease of a session reaches its hard end.
function Sessions.set_hard_end(session, hard)
  local oldest
  for _, raw in ipairs(call('HVALS', session_key(session) .. ':leases')) do
    local since = unpacked(raw)[2]
    oldest = math.min(oldest or since, since)
  end
  if oldest then
    call('ZADD', PREFIX .. 'hard', oldest + hard, session)
  else
    call('ZREM', PREFIX .. 'hard', session)
  end
end
