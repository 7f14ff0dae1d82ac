-- Tells the fields of a counter, but for the life of the server in which it was begun; nothing of an earlier life's.
--
-- KEYS  1 counter
local life = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')
if redis.call('HGET', KEYS[1], '@') ~= life then return {} end
local told = {}
local fields = redis.call('HGETALL', KEYS[1])
for i = 1, #fields, 2 do
  if fields[i] ~= '@' then
    told[#told + 1] = fields[i]
    told[#told + 1] = fields[i + 1]
  end
end
return told
