-- Publishes one frame on each of several channels, in order, with one answer for all.
-- KEYS: none. ARGV: channel, frame, channel, frame, ...
for i = 1, #ARGV, 2 do
  redis.call('PUBLISH', ARGV[i], ARGV[i + 1])
end
return #ARGV / 2
