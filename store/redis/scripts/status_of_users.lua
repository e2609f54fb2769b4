-- When users were last seen.
-- KEYS: sorted set of users. ARGV: the users.
-- Returns the time now, and one for each user, in milliseconds by Redis's clock.
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
return { now, redis.call('ZMSCORE', KEYS[1], unpack(ARGV)) }
