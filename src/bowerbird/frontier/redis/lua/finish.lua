-- finish: outcomes, each taken whole or refused.
--
-- KEYS[1]  the crawl's books, see base.lua
-- ARGV     now, identity, session, {host -> slots given back} packed, outcomes packed (see
--          outcomes.lua), how many, the token of each, then all that outcomes point to
-- Returns  {accepted, grants, state, seq, {{partition, entry, place}}} packed, accepted being '1'
--          or '0' for each; the last are what is now in the outbox, and where in ARGV it was (0: not)
-- uses: base lives books seen hosts stands queues ring sessions slots outbox tasks commit downs gates outcomes
local wrong = Books.load()
if wrong then return wrong end
Seen.grow()
local outcomes, number = unpacked(ARGV[5]), tonumber(ARGV[6])
local tokens, accepted, met = {unpack(ARGV, 7, 6 + number)}, {}, {}
local tasks = Tasks.of_tokens(tokens)
for i = 1, number do
  local good = tasks[i] and not met[tokens[i]]
  accepted[i] = good and '1' or '0'
  met[tokens[i]] = true
  if good then Outcomes.take(tasks[i], outcomes[i]) end
end
Outcomes.measure()
Tasks.add(Outcomes.found, ARGV)
local session = Sessions.load(ARGV[3])
local grants = {}
if session then
  Slots.take_back(session.id, unpacked(ARGV[4]))
  grants = Slots.grants(session, {})
end
commit()
for id in pairs(Outcomes.touched) do
  local hard = Sessions.attached(id) and call('HGET', session_key(id), 'hard')
  if hard then Sessions.set_hard_end(id, tonumber(hard)) end
end
return pack({table.concat(accepted), grants, Books.shown_state(), Seq, Outbox.sent})
