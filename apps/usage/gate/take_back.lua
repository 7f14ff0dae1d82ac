-- Takes back what was counted for one call: the counter goes down, an event of the opposite sign joins the stream.
--
-- KEYS  1 counter of the period  2 stream of events  3 whether this was taken back already
-- ARGV  1 category  2 event
if redis.call('SET', KEYS[3], '1', 'NX', 'EX', 600) then
  if redis.call('EXISTS', KEYS[1]) == 1 then
    redis.call('HINCRBY', KEYS[1], '', -1)
    redis.call('HINCRBY', KEYS[1], ARGV[1], -1)
  end
  redis.call('XADD', KEYS[2], '*', 'e', ARGV[2])
end
