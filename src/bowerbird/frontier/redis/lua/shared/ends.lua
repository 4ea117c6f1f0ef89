-- How sessions end: their slots return at once, their leases in bounded steps.
local Ends = {}

local KILLS = 'kills-worker'
-- Dead sessions ended, and leases brought back, by one call.
local REAPED, RETURNED = 8, 256
local PAST = string.format('(%.17g', NOW)

local function worker_key(crawl, worker)
  return PREFIX .. 'c:' .. crawl .. ':worker:' .. worker
end

-- A session whose worker may still use its slots is lost; one whose worker has died for all that is
-- known leaves a death with each task. Of earlier lives no worker has died: it was Redis that could
-- not be reached; nor of those who were cut off (Ends.excuse).
local function has_died(session, life)
  local deadline = tonumber(call('ZSCORE', PREFIX .. 'sessions', session)) or NOW
  return life == Lives.now().id and deadline > Lives.now().cut
end

-- A worker comes again: it was cut off, and so may have been all who are overdue now.
function Ends.excuse()
  if call('ZCOUNT', PREFIX .. 'sessions', '-inf', PAST) > 0 then Lives.cut_off() end
end

-- Its leases stand in its books until they have gone back; where its crawl was removed, they are no
-- more, even if another one has its name. Answers whether they stand.
function Ends.close_books(session, crawl, died)
  local key, its = session_key(session), PREFIX .. 'c:' .. crawl .. ':'
  local found = call('HMGET', key, 'name', 'home', 'identity')
  local identity = call('HGET', its .. 'books', 'identity')
  if not identity or identity ~= (found[3] or identity) then
    write('DEL', key, key .. ':leases')
    return false
  end
  write('HSET', key, 'lost', died and 1 or 0)
  write('SADD', its .. 'ended', session)
  write('SREM', worker_key(crawl, found[1] or ''), session)
  if found[2] ~= '0' then write('HINCRBY', its .. 'books', 'sessions', -1) end
  return true
end

-- Nobody waits for a probe of a crawl that may never call again to have its leases back.
local function forget_probe(host, crawl, stand)
  if (crawl ~= CRAWL or not stand) and host.probing and string.match(host.probing, '^[^:]+') == crawl then
    host.probing = false
  end
end

-- A session is no more.
function Ends.leave(session, crawl, lost, died)
  local key = session_key(session)
  local told = call('HKEYS', key .. ':told')
  Sessions.number()
  Sessions.count, Sessions.known[session] = Sessions.count - 1, false
  Sessions.news[session] = nil
  local stand = Ends.close_books(session, crawl, died)
  Hosts.fetch(told)
  for _, name in ipairs(told) do
    local host = Hosts.get(name)
    if host.users[session] then forget_probe(host, crawl, stand) end
    if not stand then host.users[session] = nil end
    Slots.leave(session, host, lost)
    Ring.wake(host)
  end
  write('ZREM', PREFIX .. 'sessions', session)
  write('ZREM', PREFIX .. 'hard', session)
  write('DEL', key .. ':told', key .. ':news')
end

local function came_back(task, died)
  Tasks.let_go(task)
  if died then
    task.deaths = task.deaths + 1
    task.crashes = task.crashes + (task.alone and 1 or 0)
    if task.crashes >= CRASHES then
      Tasks.bury(task, KILLS)
      if task.kind == ROBOTS then Gates.settle(task, 'forbid', KILLS, '', 0) end
      return
    end
  end
  Tasks.wait_again(task, false)
end

-- Brings back leases of an ended session of this crawl; answers whether that was all.
function Ends.collect(session, died)
  local key = session_key(session)
  local tokens, all = Sessions.tokens(session, RETURNED)
  local tasks = Tasks.of_tokens(tokens)
  for i = 1, #tokens do
    if tasks[i] and tasks[i].session == session then came_back(tasks[i], died) end
  end
  if not all then return false end
  Sessions.gone[session] = true
  write('SREM', MINE .. 'ended', session)
  write('DEL', key, key .. ':leases')
  return true
end

function Ends.finish_off(session, lost, died)
  Ends.leave(session, CRAWL, lost, died)
  return Ends.collect(session, died)
end

-- Ends sessions that were silent for too long, or sit on a lease past its hard end. The slots of
-- other crawls' sessions are freed too; their leases go back with the next call of their own.
function Ends.reap()
  local met = {}
  for _, set in ipairs({'sessions', 'hard'}) do
    local found = call('ZRANGEBYSCORE', PREFIX .. set, '-inf', PAST, 'LIMIT', 0, REAPED)
    for _, session in ipairs(found) do
      local crawl, life = unpack(call('HMGET', session_key(session), 'crawl', 'life'))
      if not met[session] and crawl then
        local died = has_died(session, life)
        met[session] = true
        Ends.leave(session, crawl, life == Lives.now().id, died)
        if crawl == CRAWL then Ends.collect(session, died) end
      end
    end
  end
  for _, session in ipairs(call('SRANDMEMBER', MINE .. 'ended', 1)) do
    if not met[session] then
      met[session] = true
      Ends.collect(session, call('HGET', session_key(session), 'lost') == '1')
    end
  end
  return next(met) ~= nil
end

-- A session that calls: nil where it is unknown, has just been ended, or is one of an earlier life
-- of Redis: its leases stand until its worker comes again.
function Ends.alive(session)
  local found = Sessions.load(session)
  if not found then return nil end
  local lasts = found.life == Lives.now().id
  if lasts and not Sessions.overdue(session) then
    Sessions.live_on(session)
    return found
  end
  if lasts then Ends.finish_off(session, true, has_died(session, found.life)) end
  commit()
  return nil
end
