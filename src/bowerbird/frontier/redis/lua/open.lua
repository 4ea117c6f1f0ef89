-- open: make a crawl, or take one up.
--
-- KEYS[1]  the crawl's books, see base.lua
-- ARGV     now, identity, identity if it is new, fingerprints' key if it is new, version,
--          rules: {name, value, ...}, packed; '': the rules stand as they are, nothing is made
-- Returns  {identity, key, version}, or an error VANISHED where there is no crawl and no rules
--          or NOPERM where the user may not run a command that scripts need: one that errs halfway
--          would keep what it wrote
-- uses: base lives
local NEEDED = {
  'del', 'exists', 'expire', 'get', 'mget', 'mset', 'set', 'hdel', 'hget', 'hgetall', 'hincrby',
  'hkeys', 'hlen', 'hmget', 'hset', 'hvals', 'llen', 'lpop', 'lpush', 'lrange', 'lrem', 'rpush',
  'sadd', 'scard', 'sismember', 'smembers', 'srandmember', 'srem', 'xadd', 'xdel', 'xlen', 'zadd',
  'zcard', 'zrange', 'zrangebyscore', 'zrem', 'zscore',
}
local MORE = {del = {}, exists = {}, mget = {}, mset = {'1'}}  -- what follows is a key too
for _, name in ipairs(redis.acl_check_cmd and NEEDED or {}) do  -- from Redis 7.0 on
  local more = MORE[name] or {'1', '1', '1'}
  if not redis.acl_check_cmd(name, KEYS[1], unpack(more)) then
    return {err = "NOPERM this user may not run the '" .. name .. "' command"}
  end
end
local found = call('HMGET', KEYS[1], 'identity', 'key', 'version')
if found[1] and (found[3] ~= ARGV[5] or ARGV[6] == '') then return found end
if ARGV[6] == '' then return {err = 'VANISHED the crawl is not there'} end
if Lives.wrong() then return Lives.wrong() end
local values = {unpack(unpacked(ARGV[6]))}
if not found[1] then
  for _, value in ipairs({'identity', ARGV[3], 'key', ARGV[4], 'version', ARGV[5],
    'state', 'running', 'began', NOW}) do
    values[#values + 1] = value
  end
  found = {ARGV[3], ARGV[4], ARGV[5]}
end
call('HSET', KEYS[1], unpack(values))
for i = 1, #writes, 3 do call(writes[i], writes[i + 1], unpack(writes[i + 2])) end
return found
