-- Lives of the Redis that holds this partition: one ends when it is started anew, or when a replica
-- takes over. The next one may lack its last writes, and with them who was given slots. Whoever has
-- such a slot uses it until it hears of the new life, or until its session's deadline. So in a new
-- life nobody is given a slot before that (slots.lua), and sessions of earlier lives are gone
-- (ends.lua): their workers come again and say what they have under way.
--
-- And no script writes before the life was noted (life.lua), which whoever is refused here sees to,
-- when the append-only file is whole (log.py).
local Lives = {}

local LIFE = PREFIX .. 'life'
-- The first life that is noted follows no other.
local NEVER = -1000000000
local now

-- A user who may not ask is told nothing.
local function info(section)
  local text = redis.pcall('INFO', section)
  return type(text) == 'string' and text or ''
end

-- When a life began, at the latest. One that was promoted does not tell; any other began with
-- its process.
local function began(replication)
  local promoted = string.match(replication, 'second_repl_offset:(%-?%d+)') ~= '-1'
  local up_s = not promoted and string.match(info('server'), 'uptime_in_seconds:(%d+)')
  return NOW - (up_s or 0)
end

-- This life: {id, since, cut: until when sessions may have been cut off, new: whether it is still
-- to be noted}. Whoever meets the first one notes it,
-- with the next commit.
function Lives.now()
  if now then return now end
  local noted, text = call('HMGET', LIFE, 'id', 'since', 'cut'), info('replication')
  local id = string.match(text, 'master_replid:(%x+)') or noted[1] or ''
  now = {id = id, since = tonumber(noted[2]) or NEVER, cut = tonumber(noted[3]) or NEVER,
    new = id ~= (noted[1] or '')}
  if now.new and not noted[1] then
    now.new = false
    write('HSET', LIFE, 'id', id, 'since', NEVER)
  elseif now.new then
    now.since = began(text)
  elseif now.since > NOW then  -- the clock was set back
    now.since = NOW
    write('HSET', LIFE, 'since', NOW)
  end
  return now
end

-- Until now sessions may have been cut off.
function Lives.cut_off()
  Lives.now().cut = NOW
  write('HSET', LIFE, 'cut', string.format('%.17g', NOW))
end

-- What is wrong where nothing may be written yet, else nil.
function Lives.wrong()
  return Lives.now().new and {err = 'NEWLIFE nothing is written before it was noted'} or nil
end

-- From now on scripts write in this life.
function Lives.note()
  if Lives.now().new then call('HSET', LIFE, 'id', now.id, 'since', now.since) end
end
