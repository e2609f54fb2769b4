-- A feed's position and what follows an offset, read together. Makes the position if there is none.
-- KEYS: meta hash, history stream.
-- ARGV: epoch if there is none yet, seconds the meta is kept, limit (0: only the position), offset.
-- Returns the epoch, the top offset, and the entries after `offset`, oldest first.
local epoch = redis.call('HGET', KEYS[1], 'e')
if not epoch then
  epoch = ARGV[1]
  redis.call('HSET', KEYS[1], 'e', epoch, 's', 0)
  redis.call('DEL', KEYS[2])
end
redis.call('EXPIRE', KEYS[1], ARGV[2])
local top = tonumber(redis.call('HGET', KEYS[1], 's'))

local entries = {}
if tonumber(ARGV[3]) > 0 then
  local from = string.format('(%s-0', ARGV[4])
  entries = redis.call('XRANGE', KEYS[2], from, '+', 'COUNT', ARGV[3])
end
return { epoch, top, entries }
