-- A page of who is there, by client.
-- KEYS: see presence_members.lua. ARGV: limit, the client it begins after ('' from the first).
-- Returns 1 when members that are gone are left to be forgotten: call again; else 0, and client,
-- user, info, ... of up to one more than the limit.
if sweep() then
  return { 1, {} }
end
local from = ARGV[2] == '' and '-' or '(' .. ARGV[2]
local limit = tonumber(ARGV[1]) + 1
local clients = redis.call('ZRANGE', ORDER, from, '+', 'BYLEX', 'LIMIT', 0, limit)
local found = {}
if #clients > 0 then
  for i, member in ipairs(redis.call('HMGET', MEMBERS, unpack(clients))) do
    local user, info = unfold(member)
    found[#found + 1] = clients[i]
    found[#found + 1] = user
    found[#found + 1] = info
  end
end
return { 0, found }
