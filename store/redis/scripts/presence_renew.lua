-- Lets clients stay for longer.
-- KEYS: see presence_members.lua. ARGV: milliseconds they stay, then the clients.
-- Returns the numbers of those that are not there, from 1.
local missing, scores = {}, {}
local clients = { unpack(ARGV, 2) }
for i, score in ipairs(redis.call('ZMSCORE', EXPIRIES, unpack(clients))) do
  if score then
    scores[#scores + 1] = now + tonumber(ARGV[1])
    scores[#scores + 1] = clients[i]
  else
    missing[#missing + 1] = i
  end
end
if #scores > 0 then
  redis.call('ZADD', EXPIRIES, unpack(scores))
  keep(ARGV[1])
end
return missing
