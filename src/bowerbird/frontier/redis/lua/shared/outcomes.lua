-- What becomes of a lease: each outcome is taken whole, or refused and changes nothing.
--
-- An outcome is a map as the client packed it; what is missing is nothing:
--   v verb: retry, moved, dead, released (done)   a answered   w reason   t detail   i in_s
--   h hold_s   d delay_s   s status   c counts   f groups of tasks found, as for `add`
--   g URLs of these   k place in ARGV of records and sightings, packed
--   n y how many records, bytes
--   u {fingerprint, bytes} of records under another URL than their task's
--   o {groups of its target, url, hops, host, label} where moved; then, where that is of another
--     partition, this and the place of the message to it
--   x {partition, place of a message to it} of what it brings for others
--   r {verdict, place of the text, delay_s} of a robots.txt
-- Sessions whose oldest lease may be over, and what they have finished: session -> host -> how many.
local Outcomes = {found = {}, touched = {}, finished = {}}

local MAX_HOPS = 10
local UNREACHABLE, LOOP = 'robots-unreachable', 'redirect-loop'
-- What keeps us from an origin by a rule of ours. No fault of the network's.
local BARRED = {['bad-url'] = true, ['private-address'] = true, ['tls-certificate'] = true}

local function is_connection(task, outcome)
  if BARRED[outcome.w or ''] then return false end
  return outcome.v == 'retry' or (outcome.v == 'dead' and task.attempts >= Books.v.retries)
end

local function changed(host)
  Slots.news(host)
  Ring.wake(host)
end

-- Takes facts about a host; answers whether the connection failed.
local function learn(host, task, outcome, probe)
  local stand = task.stand
  if outcome.h and outcome.h > 0 then
    host.hold = math.max(host.hold, NOW + math.min(outcome.h, HOLD_CAP_S))
    host.why = outcome.w
    changed(host)
  end
  if outcome.d and outcome.d ~= host.delay then
    host.delay = math.min(math.max(outcome.d, 0), DELAY_CAP_S)
    changed(host)
  end
  if outcome.a then
    Downs.answered(host, stand)
  elseif outcome.a == false and is_connection(task, outcome) then
    Downs.failed(host, stand, outcome.w or '', probe)
    host.why = outcome.w
    return true
  end
  return false
end

-- Most outcomes bring little: what is not there costs a look, no loop.
local function collect(outcome)
  if outcome.f then
    for _, group in ipairs(outcome.f) do Outcomes.found[#Outcomes.found + 1] = group end
  end
  if outcome.k then Tasks.find('f', ARGV[outcome.k]) end
  if outcome.n then
    Books.count('records', outcome.n)
    Books.count('bytes', outcome.y)
  end
  if outcome.u then Tasks.count_records(outcome.u) end
  if outcome.x then
    for _, post in ipairs(outcome.x) do Outbox.post_given(post) end
  end
  if outcome.c then
    for name, number in pairs(outcome.c) do Books.count('count:' .. name, number) end
  end
end

local function retry(task, outcome)
  task.attempts = task.attempts + 1
  Tasks.delay(task, NOW + math.min(math.max(outcome.i or 0, 0), HOLD_CAP_S))
end

local function moved(task, outcome)
  local target = outcome.o
  local url = target and target[2]
  if not target or url == Tasks.value(task)[1] or url == Tasks.first(task)
    or target[3] > MAX_HOPS then
    local detail = target and 'to ' .. url or outcome.t
    Tasks.bury(task, target and LOOP or 'bad-redirect', detail)
    return
  end
  Tasks.done(task)
  Books.count('moved:' .. KINDS[task.kind], 1)
  for _, group in ipairs(target[1]) do Outcomes.found[#Outcomes.found + 1] = group end
  if target[6] then Outbox.post_given({target[6], target[7]}) end
  Tasks.lead(task, url, outcome.s or 0)
end

-- robots.txt.

-- Failing connections bring the host down, it is asked until then; all else forbids.
local function robots_failed(task, outcome)
  local unknown, reason = outcome.w == NO_SUCH_HOST, outcome.w or ''
  if outcome.a == false and is_connection(task, outcome) and not unknown then
    retry(task, outcome)
    return
  end
  local barred = BARRED[reason] and (Tasks.value(task)[4] or 0) == 0
  Gates.settle(task, 'forbid', (unknown or barred) and reason or UNREACHABLE, '', 0)
end

local function robots_moved(task, target)
  local fields, first = Tasks.value(task), Tasks.first(task)
  local hops, url = fields[4] or 0, target[2]
  if target[3] > ROBOTS_HOPS or hops >= ROBOTS_HOPS or url == fields[1] or url == first then
    Gates.settle(task, 'allow', '', '', 0)
    return
  end
  Gates.move(task, target[4], target[5], target[6], {url, 'robots', 0, hops + 1, first})
end

local function settle_robots(task, outcome)
  if outcome.v == 'retry' and task.attempts < Books.v.retries then
    retry(task, outcome)
  elseif outcome.v == 'retry' or outcome.v == 'dead' then
    robots_failed(task, outcome)
  elseif outcome.v == 'moved' and outcome.o then
    robots_moved(task, outcome.o)
  else
    local robots = outcome.r or {'allow', 0, 0}
    local verdict = robots[1]
    Gates.settle(task, verdict, verdict == 'forbid' and UNREACHABLE or '',
      ARGV[robots[2]] or '', robots[3])
  end
end

local function settle(task, outcome)
  collect(outcome)
  if outcome.v == 'released' then
    Tasks.wait_again(task, true)
  elseif task.kind == ROBOTS then
    settle_robots(task, outcome)
  elseif not outcome.v then
    Tasks.done(task)
  elseif outcome.v == 'moved' then
    moved(task, outcome)
  elseif outcome.v == 'retry' and task.attempts < Books.v.retries then
    retry(task, outcome)
  else
    Tasks.bury(task, outcome.w or 'unknown', outcome.t)
    for _, url in ipairs(outcome.g or {}) do Tasks.lead(task, url, outcome.s or 0) end
  end
end

function Outcomes.take(task, outcome)
  Outcomes.touched[task.session] = true
  if task.session ~= '' and outcome.v ~= 'released' then
    local counts = Outcomes.finished[task.session] or {}
    Outcomes.finished[task.session] = counts
    counts[task.host] = (counts[task.host] or 0) + 1
  end
  local probe = Tasks.is_probe(Hosts.get(task.host), task)
  local host = Tasks.let_go(task)
  local failed = learn(host, task, outcome, probe)
  if failed and host.down then
    Tasks.wait_again(task, true)
  else
    settle(task, outcome)
  end
end

function Outcomes.measure()
  for session, counts in pairs(Outcomes.finished) do
    local sum = 0
    for name, number in pairs(counts) do
      local host, slots = Hosts.get(name), 1
      for i = 1, #host.held, 2 do
        if host.held[i] == session then slots = host.held[i + 1] end
      end
      Hosts.measure(host, number, slots)
      sum = sum + number
    end
    if Sessions.attached(session) then
      write('HINCRBY', session_key(session), 'finished', sum)
    end
  end
end
