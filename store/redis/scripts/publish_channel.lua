-- Appends one publication to a channel's history and publishes it: one order for both.
-- KEYS: meta hash, history stream, and where the result is kept when there is an idempotency key.
-- ARGV: pub/sub channel, epoch if there is none yet, entries kept (0: no history), milliseconds the
--       history is kept, milliseconds the meta is kept, version ('' none), version's epoch,
--       1 to send the previous data along, seconds the result is kept, this server's run id, data,
--       tags, info.
-- Returns the epoch, the offset, and 0 published, 1 was done before, 2 there is a newer version.
local data, tags, info = ARGV[11], ARGV[12], ARGV[13]
local result = KEYS[3]

if result then
  local found = redis.call('GET', result)
  if found then
    local epoch, offset = string.match(found, '^(%S*) (%d+)$')
    return { epoch, tonumber(offset), 1 }
  end
end

local function answer(epoch, offset, how)
  if result then
    redis.call('SET', result, string.format('%s %.0f', epoch, offset), 'EX', ARGV[9])
  end
  return { epoch, offset, how }
end

local now = redis.call('TIME')
local time = now[1] .. string.format('%03d', math.floor(tonumber(now[2]) / 1000))

local function publish(epoch, offset, previous)
  local head = string.format('=%s %.0f %s %d %d %d\n', epoch, offset, time, #tags, #info, #previous)
  redis.call('PUBLISH', ARGV[1], head .. tags .. info .. previous .. data)
end

if ARGV[3] == '0' then
  publish('', 0, '')
  return answer('', 0, 0)
end

-- Versions have up to 20 digits: more than a Lua number holds.
local function is_newer(version, than)
  return #version > #than or (#version == #than and version > than)
end

local meta = redis.call('HMGET', KEYS[1], 'e', 's', 'v', 've', 'r')
local epoch = meta[1]
if not epoch then
  epoch = ARGV[2]
  redis.call('HSET', KEYS[1], 'e', epoch, 's', 0, 'r', ARGV[10])
  redis.call('DEL', KEYS[2]) -- a leftover of an epoch whose meta was evicted
elseif meta[5] ~= ARGV[10] then
  epoch = ARGV[2] -- it may stand where it stood earlier: positions of the old epoch prove nothing
  redis.call('HSET', KEYS[1], 'e', epoch, 'r', ARGV[10])
end
if meta[3] and ARGV[6] ~= '' and meta[3] and (ARGV[7] == '' or ARGV[7] == meta[4]) then
  if not is_newer(ARGV[6], meta[3]) then
    redis.call('PEXPIRE', KEYS[1], ARGV[5])
    return answer(epoch, tonumber(meta[2]), 2)
  end
end
if ARGV[6] ~= '' then
  redis.call('HSET', KEYS[1], 'v', ARGV[6], 've', ARGV[7])
end
local top = redis.call('HINCRBY', KEYS[1], 's', 1)
redis.call('PEXPIRE', KEYS[1], ARGV[5])

local previous = ''
if ARGV[8] == '1' then
  local last = redis.call('XREVRANGE', KEYS[2], '+', '-', 'COUNT', 1)[1]
  if last and last[1] == string.format('%.0f-0', top - 1) then
    previous = last[2][4] -- after 't', the time, and 'd'
  end
end

local fields = { 't', time, 'd', data }
if tags ~= '' then
  fields[#fields + 1] = 'g'
  fields[#fields + 1] = tags
end
if info ~= '' then
  fields[#fields + 1] = 'i'
  fields[#fields + 1] = info
end
redis.call('XADD', KEYS[2], 'MAXLEN', ARGV[3], string.format('%.0f-0', top), unpack(fields))
redis.call('PEXPIRE', KEYS[2], ARGV[4])

publish(epoch, top, previous)
return answer(epoch, top, 0)
