-- What is on its way to other partitions of the crawl, which no script can write to: an entry of the
-- stream `outbox`, field: which partition, value: a message as deliver.lua takes it. It is written with
-- the outcome that it comes from, and removed once whoever carried it has been told that it arrived.
local Outbox = {posts = {}, sent = {}}

local OWN = tonumber(string.match(PREFIX, '%d+'))

-- `place`: where in ARGV the message is, for the caller; nil: it has to read it in the outbox.
function Outbox.post(partition, message, place)
  Outbox.posts[#Outbox.posts + 1] = {partition, message, place or 0}
end

-- A place in ARGV.
function Outbox.post_given(post)
  Outbox.post(post[1], ARGV[post[2]], post[2])
end

function Outbox.save()
  for _, post in ipairs(Outbox.posts) do
    local entry = call('XADD', MINE .. 'outbox', '*', post[1], post[2])
    Outbox.sent[#Outbox.sent + 1] = {post[1], entry, post[3]}
  end
  Outbox.posts = {}
end
