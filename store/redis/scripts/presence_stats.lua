-- How many are there.
-- KEYS: see presence_members.lua. ARGV: none.
-- Returns 1 when members that are gone are left to be forgotten: call again; else 0, clients, users.
if sweep() then
  return { 1, 0, 0 }
end
return { 0, redis.call('HLEN', MEMBERS), redis.call('HLEN', USERS) }
