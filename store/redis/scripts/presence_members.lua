-- What the scripts of presence share. Times are Redis's own, in milliseconds.
-- KEYS: members hash, expiries sorted set, order sorted set, users hash.
local MEMBERS, EXPIRIES, ORDER, USERS = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local AT_ONCE = 1000

local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)

-- A member is kept as `<bytes of the user>:<user><info>`.
local function unfold(member)
  local length, rest = string.match(member, '^(%d+):(.*)$')
  return string.sub(rest, 1, tonumber(length)), string.sub(rest, tonumber(length) + 1)
end

local function uncount(user)
  if redis.call('HINCRBY', USERS, user, -1) <= 0 then
    redis.call('HDEL', USERS, user)
  end
end

local function forget(client)
  local member = redis.call('HGET', MEMBERS, client)
  if member then
    uncount((unfold(member)))
    redis.call('HDEL', MEMBERS, client)
  end
  redis.call('ZREM', EXPIRIES, client)
  redis.call('ZREM', ORDER, client)
end

-- Forgets who is gone; true when there may be more of them.
local function sweep()
  local gone = redis.call('ZRANGEBYSCORE', EXPIRIES, '-inf', now, 'LIMIT', 0, AT_ONCE)
  for _, client in ipairs(gone) do
    forget(client)
  end
  return #gone == AT_ONCE
end

-- All keys go together, with whoever would have been the last member.
local function keep(milliseconds)
  for _, key in ipairs(KEYS) do
    redis.call('PEXPIRE', key, milliseconds)
  end
end
