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
  for _, arguments in ipairs(writes) do check(READER[arguments[1]], arguments[2]) end
  check('ZCARD', PREFIX .. 'hard')
  if Outbox.posts[1] then check('XLEN', MINE .. 'outbox') end
  if Tasks.deaths[1] then
    check('ZCARD', MINE .. 'dead')
    check('XLEN', MINE .. 'results')
  end
end

local function write_all(name, arguments)
  for start = 1, #arguments, 1000 do
    call(name, unpack(arguments, start, math.min(start + 999, #arguments)))
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
  if strings[1] then write_all('MSET', strings) end
  for _, arguments in ipairs(writes) do call(unpack(arguments)) end
  writes, strings = {}, {}
  Outbox.save()
  Tasks.save_deaths()
  Ring.stored = nil
end
