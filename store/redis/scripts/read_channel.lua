-- A channel's position and a part of its history, read together. Makes the position if there is none.
-- KEYS: meta hash, history stream.
-- ARGV: epoch if there is none yet, seconds the meta is kept, seconds it is kept while nothing has
--       been published, limit (0: only the position), bytes after which a page ends, epoch that is
--       asked for ('' any), offset ('' none), 1 for newest first,
--       this server's run id.
-- Returns the epoch, the top offset, and the entries after that offset (before it, newest first).
local SLICE = 64

local meta = redis.call('HMGET', KEYS[1], 'e', 's', 'r')
local epoch, top = meta[1], tonumber(meta[2] or 0)
if not epoch then
  epoch, top = ARGV[1], 0
  redis.call('HSET', KEYS[1], 'e', epoch, 's', 0, 'r', ARGV[9])
  redis.call('DEL', KEYS[2]) -- a leftover of an epoch whose meta was evicted
elseif meta[3] ~= ARGV[9] then
  epoch = ARGV[1] -- it may stand where it stood earlier: positions of the old epoch prove nothing
  redis.call('HSET', KEYS[1], 'e', epoch, 'r', ARGV[9])
end
redis.call('EXPIRE', KEYS[1], top > 0 and ARGV[2] or ARGV[3])

local entries = {}
local limit, bytes = tonumber(ARGV[4]), tonumber(ARGV[5])
if limit == 0 or (ARGV[6] ~= '' and ARGV[6] ~= epoch) then
  return { epoch, top, entries }
end

local command, from, to = 'XRANGE', '-', '+'
if ARGV[8] == '1' then
  command, from, to = 'XREVRANGE', '+', '-'
end
if ARGV[7] ~= '' then
  from = string.format('(%s-0', ARGV[7])
end
while #entries < limit do
  local count = math.min(limit - #entries, SLICE)
  local found = redis.call(command, KEYS[2], from, to, 'COUNT', count)
  for _, entry in ipairs(found) do
    entries[#entries + 1] = entry
    for _, text in ipairs(entry[2]) do
      bytes = bytes - #text
    end
    if bytes <= 0 then
      return { epoch, top, entries }
    end
  end
  if #found < count then
    break
  end
  from = '(' .. found[#found][1]
end
return { epoch, top, entries }
