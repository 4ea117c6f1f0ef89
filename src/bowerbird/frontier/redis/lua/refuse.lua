-- refuse: leases that were just given out die before anything was asked: robots.txt forbids them.
--
-- KEYS[1]  the crawl's books, see base.lua
-- ARGV     now, identity, session, reason, {host -> slots the session had before} packed, tokens
-- Returns  {state, grants, seq} packed; '' where the session is gone
-- uses: base lives books seen hosts stands queues ring sessions slots outbox tasks commit
local wrong = Books.load()
if wrong then return wrong end
local tokens, new = {unpack(ARGV, 6)}, {}
local tasks = Tasks.of_tokens(tokens)
for i = 1, #tokens do
  if tasks[i] and tasks[i].session == ARGV[3] then
    Tasks.let_go(tasks[i])
    Tasks.bury(tasks[i], ARGV[4])
    new[tasks[i].host] = true
  end
end
-- Slots that it was given for these alone it has never known of: no request was under way.
for name, before in pairs(unpacked(ARGV[5])) do
  local host = Hosts.get(name)
  local held = Hosts.held(host, ARGV[3])
  local kept = math.max(before, math.min(held, host.users[ARGV[3]] or 0))
  if kept < held then
    Hosts.hold_slots(host, ARGV[3], kept)
    Ring.wake(host)
  end
end
local session = Sessions.load(ARGV[3])
local grants = session and Slots.grants(session, new) or {}
commit()
if session then Sessions.set_hard_end(session.id, session.hard) end
return session and pack({Books.shown_state(), grants, Seq}) or ''
