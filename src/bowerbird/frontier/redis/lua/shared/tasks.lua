-- Tasks on their way: leased, waiting again, delayed, dead, done.
local Tasks = {out = {}, given = {}, deaths = {}, finds = {}}

local SUSPECT_AFTER, CRASHES = 2, 2
-- Bytes of the URL of an example.
local EXAMPLE = 300

-- A task as its queue has it; of a lease a copy, made where it is wanted.
local function whole(task)
  if not task.element then task.element = string.sub(task.text, task.at) end
  return task.element
end

-- The task as the client packed it.
local function blob_of(task)
  if not task.blob then task.blob = string.sub(whole(task), task.last and 21 or 11) end
  return task.blob
end

local function element_of(task, token)
  return struct_pack('>I6BBBB', task.id, math.min(task.attempts, 255), math.min(task.deaths, 255),
    task.crashes, token and 1 or 0) .. (token or '') .. blob_of(task)
end

-- `at`: where in the text the task begins; nil: the text is the task.
local function task_of(text, prio, label, host, at)
  local start = at or 1
  local id, attempts, deaths, crashes, flag = struct.unpack('>I6BBBB', text, start)
  return {
    id = id, attempts = attempts, deaths = deaths, crashes = crashes,
    element = not at and text or nil, text = text, at = at,
    last = flag == 1 and string.sub(text, start + 10, start + 19) or nil,
    prio = prio, kind = kind_of(prio), label = label, host = host,
  }
end

-- A value of `out` begins with priority, label, host, session ('': it waits) and whether it is leased
-- alone; the task as its queue had it follows, of which an outcome seldom needs all.
local function in_out(task, session)
  return pack(task.prio, task.label, task.host, session, task.alone or false)
end

local function from_out(text, token)
  local at, prio, label, host, session, alone = cmsgpack.unpack_limit(text, 5)
  if type(prio) == 'string' then  -- of the first versions, where the task came first
    text, prio, label, host, session, alone = unpacked(text)
    at = nil
  end
  local task = task_of(text, prio, label, host, at and at + 1)
  task.token, task.session, task.alone = token, session, alone
  return task
end

-- The leases, or waiting tasks, that tokens stand for; nil where they stand for none.
function Tasks.of_tokens(tokens)
  local found = {}
  if not tokens[1] then return found end
  local values, names = call('HMGET', MINE .. 'out', unpack(tokens)), {}
  for i, value in ipairs(values) do
    if value then
      found[i] = from_out(value, tokens[i])
      names[#names + 1] = found[i].host
    end
  end
  Hosts.fetch(names)
  Stands.fetch(names)
  return found
end

local function queue_of(task)
  return Queues.of(task.prio, task.host, task.label)
end

local function is_suspect(task)
  return task.deaths >= SUSPECT_AFTER
end

-- A task as a member of the sets of those that wait apart.
local function apart(task)
  return pack(whole(task), task.prio, task.label, task.host)
end

function Tasks.from_apart(member)
  return task_of(unpacked(member))
end

-- A session has leases, by tokens of which `first` is the number of the first.
function Tasks.give(tasks, session, call_id, first)
  local given, prio, label, lease = Tasks.given, nil, nil, nil
  local at = #given
  for i, task in ipairs(tasks) do
    if task.last then
      Tasks.out[task.last] = false
      task.element, task.last = element_of(task), nil
    end
    if task.prio ~= prio or task.label ~= label then
      prio, label, lease = task.prio, task.label, in_out(task, session)
    end
    given[at + 1] = call_id .. struct_pack('>I2', first + i - 1)
    given[at + 2] = lease .. task.element
    at = at + 2
  end
end

local function stop_waiting(task)
  Books.count(WAITING[task.kind], -1)
  if is_suspect(task) then
    write('ZREM', MINE .. 'suspects', apart(task))
    return
  end
  local stand, queue = task.stand, queue_of(task)
  Queues.remove(queue, whole(task))
  Stands.note(stand, Stands.lane(stand, task.label), task.prio, queue.length)
end

-- Whether a task is the probe of a host that is down.
function Tasks.is_probe(host, task)
  return host.probing and host.probing == CRAWL .. ':' .. task.id
end

local function leave_host(host, session)
  local left = (host.users[session] or 0) - 1
  if left > 0 then
    host.users[session] = left
  else
    host.users[session] = nil
    Sessions.tell(session, host.name)
  end
end

-- A task is no one's any more, neither leased nor waiting; its token is spent.
function Tasks.let_go(task)
  local host, stand = Hosts.get(task.host), Stands.get(task.host)
  Tasks.out[task.token], task.stand = false, stand
  if task.session == '' then
    stop_waiting(task)
    return host
  end
  Books.count(LEASED[task.kind], -1)
  stand.leased = stand.leased - 1
  leave_host(host, task.session)
  Sessions.drop(task.session, task.token)
  if task.alone then write('HDEL', session_key(task.session), 'alone') end
  if Tasks.is_probe(host, task) then host.probing = false end
  Ring.wake_aside(host)
  return host
end

-- A task that was let go waits as before; unless spent, its last token stays good.
function Tasks.wait_again(task, spent)
  local token = not spent and task.token or nil
  task.element, task.alone = element_of(task, token), false
  Books.count(WAITING[task.kind], 1)
  if token then Tasks.out[token] = in_out(task, '') .. task.element end
  if is_suspect(task) then
    write('ZADD', MINE .. 'suspects', task.id, apart(task))
    return
  end
  local stand, queue = Stands.get(task.host), queue_of(task)
  Queues.put_back(queue, task.element)
  Ring.add(stand, Stands.lane(stand, task.label), task.prio, queue)
end

-- A task that was let go waits until it is due.
function Tasks.delay(task, due)
  task.element = element_of(task)
  Books.count(WAITING[task.kind], 1)
  write('ZADD', MINE .. 'delayed', due, apart(task))
end

-- A task that was let go is done.
function Tasks.done(task)
  Books.count(DONE[task.kind], 1)
  task.stand.done = task.stand.done + 1
end

-- A task that no longer counts as waiting or leased is dead; robots tasks are forgotten.
function Tasks.bury(task, reason, detail)
  if task.kind == ROBOTS then return end
  Books.count('dead:' .. reason, 1)
  Books.count('dead-kind:' .. KINDS[task.kind], 1)
  local stand = Stands.get(task.host)
  stand.dead = stand.dead + 1
  Tasks.deaths[#Tasks.deaths + 1] = {task, reason, detail or ''}
end

-- The fields of the value that the client packed: url, kind, depth, hops, first_url ...
function Tasks.value(task)
  if not task.fields then task.fields = unpacked(blob_of(task)) end
  return task.fields
end

function Tasks.first(task)
  local fields = Tasks.value(task)
  return (fields[5] and fields[5] ~= '') and fields[5] or fields[1]
end

-- What one outcome brought for the catalog: a field of the call's entry in the stream.
function Tasks.find(name, value)
  Tasks.finds[#Tasks.finds + 1] = name
  Tasks.finds[#Tasks.finds + 1] = value
end

-- What was seen under one URL is to be found under another: moved there, or its spare.
function Tasks.lead(task, target, status)
  Tasks.find('m', pack({Tasks.value(task)[1], target, status}))
end

local function save_outs()
  local kept, gone = {}, {}
  for token, value in pairs(Tasks.out) do
    if value then
      kept[#kept + 1] = token
      kept[#kept + 1] = value
    else
      gone[#gone + 1] = token
    end
  end
  if kept[1] then write_many('HSET', MINE .. 'out', kept) end
  if Tasks.given[1] then write_many('HSET', MINE .. 'out', Tasks.given) end
  if gone[1] then write_many('HDEL', MINE .. 'out', gone) end
  Tasks.out, Tasks.given = {}, {}
end

function Tasks.save()
  save_outs()
  for start = 1, #Tasks.finds, STEP - 2 do  -- with '*', in pairs
    write('XADD', MINE .. 'results', '*',
      unpack(Tasks.finds, start, math.min(start + STEP - 3, #Tasks.finds)))
  end
  Tasks.finds = {}
end

-- Deaths can be undone one by one: each has an entry of the stream, and knows its name.
function Tasks.save_deaths()
  for _, death in ipairs(Tasks.deaths) do
    local task, reason, detail = death[1], death[2], death[3]
    local value = pack({Tasks.value(task)[1], Tasks.first(task), KINDS[task.kind], reason, detail})
    local entry = call('XADD', MINE .. 'results', '*', 'd', value)
    task.attempts, task.deaths, task.crashes = 0, 0, 0
    call('ZADD', MINE .. 'dead', task.id,
      pack(element_of(task), task.prio, task.label, task.host, reason, entry))
  end
  Tasks.deaths = {}
end

-- Whether a host has no lane for a group, and may have no more. Where tasks wait there is one.
local function lacks_lane(group, queue)
  return queue.length == 0 and Stands.is_full(Stands.get(group[1]), group[2])
end

-- How many more tasks of a group are taken, and what kind of trap all others are. Images are
-- welcome, however many.
local function room_of(group, queue)
  if lacks_lane(group, queue) then return 0, 'host-origins' end
  local most = Books.v.max_host_urls
  if most == 0 or kind_of(group[3]) == IMAGE then return math.huge end
  local stand = Stands.get(group[1])
  local room = most - stand.leased - stand.done - stand.dead
  if Stands.most_waiting(stand) + #group[4] <= room then return math.huge end
  return room - Queues.waiting(stand), 'host-urls'
end

-- A task that is too many; the first of a kind is told as an example.
local function leave_aside(kind, fingerprint, blob)
  if Seen.fresh[fingerprint] or Seen.has(fingerprint) then return end
  local beyond = 'count:trap:' .. kind
  if not Books.changes[beyond] and not call('HGET', KEYS[1], beyond) then
    Books.count('count:trap-at:' .. kind .. ' ' .. string.sub(unpacked(blob)[1], 1, EXAMPLE), 1)
  end
  Books.count(beyond, 1)
end

-- Those of a group that are new, as elements of its queue; how many.
local function new_of(group, queue, arguments, again)
  local found, count, places = {}, 0, group[4]
  local base, room, trap = Books.v.last, math.huge, nil
  if not again then room, trap = room_of(group, queue) end
  for i = 1, #places do
    local place = places[i]
    if count >= room then
      leave_aside(trap, arguments[place], arguments[place + 1])
    elseif again or Seen.add(arguments[place]) then
      count = count + 1
      found[count] = struct_pack('>I6I4c0', base + place, 0, arguments[place + 1])
    end
  end
  return found, count
end

-- New tasks: groups of {host, label, prio, {place of each in the arguments}}; fingerprint, then task.
-- `again`: they have been seen, and are as new.
function Tasks.add(groups, arguments, again)
  local new = 0
  for i = 1, #groups do
    local group = groups[i]
    local host, label, prio = group[1], group[2], group[3]
    local queue = Queues.of(prio, host, label)
    local found, count = new_of(group, queue, arguments, again)
    if count > 0 then
      Queues.push(queue, found)
      if again or Stands.is_news(queue.length, queue.length - count) then
        local stand = Stands.get(host)
        Ring.add(stand, Stands.lane(stand, label), prio, queue)
      end
      Books.count(WAITING[kind_of(prio)], count)
      new = new + count
    end
  end
  if new > 0 then Books.count('last', #arguments) end
  return new
end

-- Records under another URL than their task's, {fingerprint, bytes} each: many tasks may bring one.
function Tasks.count_records(others)
  local records, bytes = 0, 0
  for _, other in ipairs(others) do
    if Seen.add(other[1]) then records, bytes = records + 1, bytes + other[2] end
  end
  if records > 0 then
    Books.count('records', records)
    Books.count('bytes', bytes)
  end
end
