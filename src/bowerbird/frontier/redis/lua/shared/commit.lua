-- The end of a unit of work: all its writes, after all its reads.
local Seq = 0

local function save_books()
  for _, name in ipairs(Books.order) do
    local by = Books.changes[name]
    if by ~= 0 then write('HINCRBY', KEYS[1], name, by) end
  end
  if Books.values[1] then write_many('HSET', KEYS[1], Books.values) end
  Books.order, Books.changes, Books.values = {}, {}, {}
end

local function commit()
  Stands.save()
  Hosts.save()
  Queues.save()
  Tasks.save()
  Sessions.save()
  save_books()
  local death = #Tasks.deaths > 0
  if death then
    call('ZCARD', MINE .. 'dead')
    call('XLEN', MINE .. 'results')
  end
  Seq = call('HINCRBY', KEYS[1], 'seq', 1)  -- refused where memory is full: nothing has happened
  for _, arguments in ipairs(writes) do call(unpack(arguments)) end
  writes = {}
  if death then Tasks.save_deaths() end
  Ring.stored = nil
end
