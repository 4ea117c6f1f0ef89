-- The end of a unit of work: all its writes, after all its reads and checks.
local Seq = 0

local function save_books()
  for _, name in ipairs(Books.order) do
    local by = Books.changes[name]
    if by ~= 0 then write('HINCRBY', KEYS[1], name, by) end
  end
  if Books.values[1] then write_many('HSET', KEYS[1], Books.values) end
  Books.order, Books.changes, Books.values = {}, {}, {}
end

-- What errs where a key is of another type than a write takes it for.
local READER = {
  SADD = 'SCARD', SREM = 'SCARD', ZADD = 'ZCARD', ZREM = 'ZCARD', HSET = 'HLEN', HDEL = 'HLEN',
  HINCRBY = 'HLEN', RPUSH = 'LLEN', LPUSH = 'LLEN', LPOP = 'LLEN', LREM = 'LLEN', XADD = 'XLEN',
  XDEL = 'XLEN',
}

local function check(reader, key)
  if reader and not checked[key] then
    call(reader, key)
    checked[key] = true
  end
end

local function check_types()
  for i = 1, #writes, 3 do check(READER[writes[i]], writes[i + 1]) end
  check('ZCARD', PREFIX .. 'hard')
  if Outbox.posts[1] then check('XLEN', MINE .. 'outbox') end
  if Tasks.deaths[1] then
    check('ZCARD', MINE .. 'dead')
    check('XLEN', MINE .. 'results')
  end
end

local function carry_out(name, key, arguments)
  local number = #arguments
  if number <= STEP then
    call(name, key, unpack(arguments))
    return
  end
  for start = 1, number, STEP do
    call(name, key, unpack(arguments, start, math.min(start + STEP - 1, number)))
  end
end

local function save_strings()
  for start = 1, #strings, STEP do
    call('MSET', unpack(strings, start, math.min(start + STEP - 1, #strings)))
  end
end

local function commit()
  Stands.save()
  Hosts.save()
  Queues.save()
  Tasks.save()
  Seen.save()
  Sessions.save()
  save_books()
  check_types()
  call('EXISTS', PREFIX .. 'none')  -- never there: errs where a Cluster moves this slot just now
  Seq = call('HINCRBY', KEYS[1], 'seq', 1)  -- refused where memory is full: nothing has happened
  save_strings()
  for i = 1, #writes, 3 do carry_out(writes[i], writes[i + 1], writes[i + 2]) end
  writes, strings = {}, {}
  Outbox.save()
  Tasks.save_deaths()
end
