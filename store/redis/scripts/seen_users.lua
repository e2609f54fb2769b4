-- Notes that users are here.
-- KEYS: sorted set of users. ARGV: milliseconds a user is remembered, then the users.
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local seen = {}
for i = 2, #ARGV do
  seen[#seen + 1] = now
  seen[#seen + 1] = ARGV[i]
end
redis.call('ZADD', KEYS[1], unpack(seen))
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - tonumber(ARGV[1]))
redis.call('PEXPIRE', KEYS[1], ARGV[1])
return #seen / 2
