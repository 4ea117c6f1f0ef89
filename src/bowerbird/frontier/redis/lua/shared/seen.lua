-- URLs that were seen: keyed 64-bit fingerprints, as decimal texts, in sets of integers that Redis
-- keeps at 8 bytes each as long as they are small (set-max-intset-entries, 512 by default).
-- Linear hashing (Litwin 1980): one bucket is split at a time, so their number grows with the set.
local Seen = {fresh = {}, added = {}, level = 1}

-- Mean entries of a bucket at which the next one is split: those to be split soon have up to twice
-- as many, and have to stay below 512.
local FULL = 225
-- Buckets split in one call.
local SPLITS = 4
local SEEN = MINE .. 'seen:%d'

local function level_of(buckets)
  local level = 1
  while level * 2 <= buckets do level = level * 2 end
  return level
end

local tail, number = string.sub, tonumber

local function hash_of(fingerprint)
  return number(tail(fingerprint, -9)) or number(string.match(fingerprint, '%d+'))
end

local function key_of_bucket(bucket)
  return string.format(SEEN, bucket)
end

-- Of the members of a bucket, those that leave it when there are twice as many buckets.
local function leaving(members, bucket, level)
  local found = {}
  for i = 1, #members do
    local member = members[i]
    if hash_of(member) % (level * 2) ~= bucket then found[#found + 1] = member end
  end
  return found
end

local function put(key, members)
  for start = 1, #members, 1000 do
    call('SADD', key, unpack(members, start, math.min(start + 999, #members)))
  end
end

-- Splits at once, before anything else is written, as a change of its own: what comes behind it may
-- be refused. The new bucket comes first.
local function split()
  local v = Books.v
  local level, new = level_of(v.buckets), v.buckets
  local old = new - level
  local moved = leaving(call('SMEMBERS', key_of_bucket(old)), old, level)
  call('SCARD', key_of_bucket(new))  -- errs where it is another program's
  Books.begin()
  put(key_of_bucket(new), moved)
  v.buckets = call('HINCRBY', KEYS[1], 'buckets', 1)
  if moved[1] then call('SDIFFSTORE', key_of_bucket(old), key_of_bucket(old), key_of_bucket(new)) end
  Books.seal()
end

function Seen.grow()
  if Books.v.buckets == 0 then
    Books.v.buckets = 1
    Books.set('buckets', 1)
  end
  for _ = 1, SPLITS do
    if Books.v.seen <= FULL * Books.v.buckets then break end
    split()
  end
  Seen.level = level_of(Books.v.buckets)
end

local function key_of(fingerprint)
  local hash, level = hash_of(fingerprint), Seen.level
  local bucket = hash % level
  if bucket < Books.v.buckets - level then bucket = hash % (level * 2) end
  return key_of_bucket(bucket)
end

-- Whether a fingerprint is new; from now on it has been seen.
function Seen.add(fingerprint)
  if Seen.fresh[fingerprint] then return false end
  local key = key_of(fingerprint)
  if call('SISMEMBER', key, fingerprint) == 1 then return false end
  Seen.fresh[fingerprint] = true
  local added = Seen.added[key]
  if added then
    added[#added + 1] = fingerprint
  else
    Seen.added[key] = {fingerprint}
  end
  return true
end

function Seen.has(fingerprint)
  return call('SISMEMBER', key_of(fingerprint), fingerprint) == 1
end

-- A fingerprint is as if it had never been seen.
function Seen.drop(fingerprint)
  if not Seen.has(fingerprint) then return end
  write('SREM', key_of(fingerprint), fingerprint)
  Books.count('seen', -1)
end

function Seen.save()
  for key, added in pairs(Seen.added) do
    write_sure('SADD', key, added)
    Books.count('seen', #added)
  end
  Seen.added = {}
end
