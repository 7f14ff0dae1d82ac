-- Begins the counter of a period from what the database says, plus what is still on its way there.
--
-- KEYS  1 counter  2 stream of events
-- ARGV  1 the last event that the database has  2 organization and period, as events begin  3 seconds to keep it
--       4… pairs of category and calls ("" is all)
--
-- The counter's field "@" is the life of the server in which it was begun: see admit.lua.
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], '@', string.match(redis.call('INFO', 'server'), 'run_id:(%x+)'))
for i = 4, #ARGV, 2 do redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1]) end
for _, entry in ipairs(redis.call('XRANGE', KEYS[2], '(' .. ARGV[1], '+')) do
  local event = entry[2][2]
  if string.sub(event, 1, #ARGV[2]) == ARGV[2] then
    local value, category = string.match(event, '^([^|]*)|([^|]*)|', #ARGV[2] + 1)
    redis.call('HINCRBY', KEYS[1], '', value)
    redis.call('HINCRBY', KEYS[1], category, value)
  end
end
redis.call('EXPIRE', KEYS[1], ARGV[3])
