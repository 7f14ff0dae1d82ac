-- Admits one call and counts it, or neither: versions, calls a minute, quota, counter and event in one step.
--
-- KEYS  1 bucket  2 counter of the period  3 stream of events  4… versions
-- ARGV  1 microseconds per call  2 calls in a full bucket  3 ceiling (-1: none)  4 "1": counted  5 category
--       6, 7 start and end of the period (microseconds)  8 event  9 now, or ""  10… versions as the caller knows them
--
-- Answers {what, now, full at, used, event's id}; what: ok, stale, period, unknown (no counter yet), minute, quota.
--
-- What Redis read from its file when it was started lacks its last second. So versions and counters name the life of
-- the server in which they were made, and those of an earlier life hold no more.
local life = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')
local now = tonumber(ARGV[9])
if not now then
  local time = redis.call('TIME')
  now = time[1] * 1000000 + time[2]
end
for i = 4, #KEYS do
  local word = redis.call('GET', KEYS[i])
  if word ~= ARGV[i + 6] then return {'stale', now} end
  if word ~= '' and string.sub(word, 1, #life) ~= life then return {'stale', now} end
end

local used = 0
local counted = ARGV[4] == '1'
if counted then
  if now < tonumber(ARGV[6]) or now >= tonumber(ARGV[7]) then return {'period', now} end
  local found = redis.call('HMGET', KEYS[2], '', '@')
  if found[2] ~= life then return {'unknown', now} end
  used = tonumber(found[1])
end

local interval = tonumber(ARGV[1])
local full_at = tonumber(redis.call('GET', KEYS[1]) or 0)
local next_full_at = math.max(full_at, now) + interval
if next_full_at - now > interval * ARGV[2] then return {'minute', now, full_at, used} end
local ceiling = tonumber(ARGV[3])
if counted and ceiling >= 0 and used >= ceiling then return {'quota', now, full_at, used} end

redis.call('SET', KEYS[1], string.format('%.0f', next_full_at), 'PX', math.ceil((next_full_at - now) / 1000) + 1)
local id = ''
if counted then
  used = redis.call('HINCRBY', KEYS[2], '', 1)
  redis.call('HINCRBY', KEYS[2], ARGV[5], 1)
  id = redis.call('XADD', KEYS[3], '*', 'e', ARGV[8])
end
return {'ok', now, next_full_at, used, id}
