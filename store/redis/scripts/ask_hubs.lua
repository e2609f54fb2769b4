-- Publishes a question, if whoever asks can hear the answers.
-- KEYS: none. ARGV: where answers are heard, where the question goes, the question.
-- Returns how many hear it; -1: nobody was asked, since answers would not be heard.
if redis.call('PUBSUB', 'NUMSUB', ARGV[1])[2] == 0 then
  return -1
end
return redis.call('PUBLISH', ARGV[2], ARGV[3])
