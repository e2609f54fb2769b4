-- Lets clients go.
-- KEYS: see presence_members.lua. ARGV: the clients. Returns how many were there.
local left = 0
for _, client in ipairs(ARGV) do
  local expires = redis.call('ZSCORE', EXPIRIES, client)
  if expires and tonumber(expires) > now then
    left = left + 1
  end
  forget(client)
end
return left
