-- divide: into how many partitions the hosts of all crawls are divided, and by which key. Written
-- once: a host's budget is kept in its partition, for whoever finds it.
--
-- KEYS[1]  bowerbird:{0}:division  hash    partitions, key
-- ARGV     partitions and key if it is new; '' and '': nothing is written
-- Returns  {partitions, key}, false where there is none; or an error NOPERM, as open.lua
for _, name in ipairs(redis.acl_check_cmd and {'hmget', 'exists', 'hset'} or {}) do
  local more = name ~= 'exists' and {'1', '1', name == 'hset' and '1' or nil} or {}
  if not redis.acl_check_cmd(name, KEYS[1], unpack(more)) then
    return {err = "NOPERM this user may not run the '" .. name .. "' command"}
  end
end
local found = redis.call('HMGET', KEYS[1], 'partitions', 'key')
if found[1] or ARGV[1] == '' then return found end
-- Crawls of before there were partitions have one.
local crawls = string.gsub(KEYS[1], 'division$', 'crawls')
local number = redis.call('EXISTS', crawls) == 1 and '1' or ARGV[1]
redis.call('HSET', KEYS[1], 'partitions', number, 'key', ARGV[2])
return {number, ARGV[2]}
