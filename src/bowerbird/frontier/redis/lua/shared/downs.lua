-- Hosts that do not answer: how they fall, are probed, and return or are given up.
local Downs = {}

local DOWN_AFTER, PROBES_S = 5, {60, 300, 900}
-- libcurl's word for a name that does not resolve: of a host that never answered, no fall.
local NO_SUCH_HOST = 'dns-failed'
-- Hosts given up in one call.
local GIVEN_UP = 256

function Downs.failed(host, stand, reason, probe)
  if reason == NO_SUCH_HOST and not stand.answered then return end
  host.failures = host.failures + 1
  if host.down then
    host.probes = host.probes + (probe and 1 or 0)
  elseif host.failures >= DOWN_AFTER then
    host.down, host.probes, stand.down = NOW, 0, true
  end
end

-- A host is as good as new.
function Downs.raise_up(host)
  host.failures, host.probes, host.down = 0, 0, false
  Stands.get(host.name).down = false
  Ring.wake(host)
end

function Downs.answered(host, stand)
  if stand.answered and host.failures == 0 then return end
  if not stand.answered then Books.count('hosts-answered', 1) end
  stand.answered = true
  Downs.raise_up(host)
end

-- Whether the last probe has failed: one for a host that never answered the crawl, else three. So
-- each crawl gives up by itself, what another one waits for is not its own.
function Downs.doomed(host, stand)
  if host.probes >= (stand.answered and #PROBES_S or 1) then stand.given_up = host.down end
  return stand.given_up == host.down
end

-- A host where no crawl waits any more is probed by nobody: who has not seen it down tries for
-- himself. `stand`: of a crawl whose turn it is, the first one there.
function Downs.forget(host, stand)
  if host.down and not stand.down and not host.probing then Downs.raise_up(host) end
end

function Downs.probe_at(host)
  return host.down + PROBES_S[host.probes + 1]
end

-- Where no host of the crawl ever answered and all that is left is down, no probe is waited for;
-- answers whether that is so. Called when all else is written.
function Downs.give_up()
  local down = call('SCARD', MINE .. 'down')
  if Books.v['hosts-answered'] > 0 or down == 0 or down ~= Books.v.busy then return false end
  local names = call('SRANDMEMBER', MINE .. 'down', GIVEN_UP)
  Hosts.fetch(names)
  Stands.fetch(names)
  for _, name in ipairs(names) do
    local host = Hosts.get(name)
    if host.down then Stands.get(name).given_up = host.down end
    Ring.wake(host)
  end
  return true
end
