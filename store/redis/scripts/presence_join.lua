-- Enters clients, or enters them anew.
-- KEYS: see presence_members.lua. ARGV: milliseconds they stay, then client, user, info, ...
-- Returns how many were not there.
local new = 0
for i = 2, #ARGV, 3 do
  local client, user, info = ARGV[i], ARGV[i + 1], ARGV[i + 2]
  local member = redis.call('HGET', MEMBERS, client)
  local expires = member and redis.call('ZSCORE', EXPIRIES, client)
  if not expires or tonumber(expires) <= now then
    new = new + 1
  end
  if not member or (unfold(member)) ~= user then
    if member then
      uncount((unfold(member)))
    end
    redis.call('HINCRBY', USERS, user, 1)
  end
  redis.call('HSET', MEMBERS, client, #user .. ':' .. user .. info)
  redis.call('ZADD', EXPIRIES, now + tonumber(ARGV[1]), client)
  redis.call('ZADD', ORDER, 0, client)
end
keep(ARGV[1])
return new
