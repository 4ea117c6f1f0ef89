-- The end of a unit of work: all its writes, after all its reads and checks.

local function save_books()
  for name, by in pairs(Books.changes) do
    if by ~= 0 then write('HINCRBY', KEYS[1], name, by) end
  end
  if Books.values[1] then write_many('HSET', KEYS[1], Books.values) end
  Books.changes, Books.values = {}, {}
end

-- What errs where a key is of another type than a write takes it for.
local READER = {
  SADD = 'SCARD', SREM = 'SCARD', ZADD = 'ZCARD', ZREM = 'ZCARD', HSET = 'HLEN', HDEL = 'HLEN',
  HINCRBY = 'HLEN', RPUSH = 'LLEN', XADD = 'XLEN', XDEL = 'XLEN',
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

local function carry_out(some)
  for i = 1, #some, 3 do
    local name, key, arguments = some[i], some[i + 1], some[i + 2]
    local number = #arguments
    for start = 1, number > 0 and number or 1, STEP do
      local last = start + STEP - 1
      call(name, key, unpack(arguments, start, last < number and last or number))
    end
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
  Books.begin()
  save_strings()
  carry_out(sure)
  carry_out(writes)
  writes, sure, strings = {}, {}, {}
  Outbox.save()
  Tasks.save_deaths()
  Books.seal()
end
