-- Appends publications to a feed's history and publishes them as one frame: one order for both.
-- KEYS: meta hash, history stream.
-- ARGV: pub/sub channel, epoch if there is none yet, entries kept, seconds the history is kept,
--       seconds the meta is kept, then the publications.
-- Returns the epoch and the offset of the last publication.
local epoch = redis.call('HGET', KEYS[1], 'e')
if not epoch then
  epoch = ARGV[2]
  redis.call('HSET', KEYS[1], 'e', epoch, 's', 0)
  redis.call('DEL', KEYS[2]) -- a leftover of an epoch whose meta was evicted
end

local publications = {}
for i = 6, #ARGV do
  publications[#publications + 1] = ARGV[i]
end
local top = redis.call('HINCRBY', KEYS[1], 's', #publications)
local first = top - #publications + 1

for i, publication in ipairs(publications) do
  local id = string.format('%.0f-0', first + i - 1)
  redis.call('XADD', KEYS[2], 'MAXLEN', ARGV[3], id, 'd', publication)
end
redis.call('EXPIRE', KEYS[2], ARGV[4])
redis.call('EXPIRE', KEYS[1], ARGV[5])

local head = string.format('%s %.0f\n', epoch, first)
redis.call('PUBLISH', ARGV[1], head .. table.concat(publications, '\n'))
return { epoch, top }
