-- Refuses JSON bodies that the translation to protobuf would bend: a field that the message does not have (it would be
-- dropped), a field that is there twice (the last would win), a number that is not the one meant, broken text. One pass
-- over the bytes, along the message's type; nothing is built. TYPES stands above, written from the descriptors:
--   TYPES[message] = {fields by name}, a field = {id, type, oneof or nil}, a type = {kind, ...} as the readers take it.
-- Ranges of meaning, patterns and presence are the services' business, which check them for every way in.

local byte, find, sub, char, concat = string.byte, string.find, string.sub, string.char, table.concat
local VIOLATIONS_MAX, DEPTH_MAX, NAME_MAX = 20, 64, 100

-- State of the body in hand; the script never pauses while it reads one.
local text, violations, path, depth

local function syntax(position, why)
  error({position = position, why = why or "the body is not JSON"}, 0)
end

-- The place in the body as an answer shows it, such as items[2].name; names are the sender's, so: cut and cleaned.
local function field()
  local steps = {}
  for index, step in ipairs(path) do
    local name = type(step) == "string" and sub(step, 1, NAME_MAX):gsub("[^%w_-]", "?")
    steps[index] = name and (index > 1 and "." or "") .. name or "[" .. step .. "]"
  end
  return concat(steps)
end

local function refuse(rule, description)
  if #violations < VIOLATIONS_MAX then
    violations[#violations + 1] = {field = field(), rule = rule, description = description}
  end
end

-- The first position at or after this one that is no white space.
local function skip(position)
  local code = byte(text, position)
  if code and code > 32 then return position end
  return find(text, "[^ \t\r\n]", position) or #text + 1
end

local function utf8(code)
  if code < 0x80 then return char(code) end
  if code < 0x800 then return char(0xC0 + math.floor(code / 64), 0x80 + code % 64) end
  local low, middle = 0x80 + code % 64, 0x80 + math.floor(code / 64) % 64
  if code < 0x10000 then return char(0xE0 + math.floor(code / 4096), middle, low) end
  return char(0xF0 + math.floor(code / 262144), 0x80 + math.floor(code / 4096) % 64, middle, low)
end

local ESCAPES = {['"'] = '"', ["\\"] = "\\", ["/"] = "/", b = "\b", f = "\f", n = "\n", r = "\r", t = "\t"}

-- The letter that the escape at this backslash stands for, the position after it, and whether it is broken text.
local function escape(position)
  local simple = ESCAPES[sub(text, position + 1, position + 1)]
  if simple then return simple, position + 2, false end
  local first = tonumber(text:match("^\\u(%x%x%x%x)", position) or syntax(position), 16)
  if first < 0xD800 or first > 0xDFFF then return utf8(first), position + 6, first == 0 end
  local second = tonumber(text:match("^\\u(%x%x%x%x)", position + 6) or "0", 16)
  if first > 0xDBFF or second < 0xDC00 or second > 0xDFFF then return "?", position + 6, true end
  return utf8(0x10000 + (first - 0xD800) * 1024 + second - 0xDC00), position + 12, false
end

-- Reads the string at this quote: what it says, the position after it, and whether it is broken text.
local function string_at(position)
  local start = position + 1
  local stop = find(text, '["\\%z\1-\31]', start) or syntax(position)
  if byte(text, stop) == 34 then return sub(text, start, stop - 1), stop + 1, false end
  local parts, broken = {}, false
  while byte(text, stop) == 92 do
    local letter, after, bad = escape(stop)
    parts[#parts + 1] = sub(text, start, stop - 1)
    parts[#parts + 1] = letter
    start, broken = after, broken or bad
    stop = find(text, '["\\%z\1-\31]', start) or syntax(position)
  end
  if byte(text, stop) ~= 34 then syntax(stop) end
  parts[#parts + 1] = sub(text, start, stop - 1)
  return concat(parts), stop + 1, broken
end

-- The number at this position as it is spelled, the position after it, and whether it is a plain integer.
local function number_at(position)
  local _, stop = find(text, "^-?%d+", position)
  if not stop or find(text, "^-?0%d", position) then syntax(position) end
  local whole = stop
  local _, fraction = find(text, "^%.%d+", stop + 1)
  stop = fraction or stop
  local _, exponent = find(text, "^[eE][+-]?%d+", stop + 1)
  stop = exponent or stop
  return sub(text, position, stop), stop + 1, stop == whole
end

local function word_at(position)
  for _, word in ipairs({"true", "false", "null"}) do
    if sub(text, position, position + #word - 1) == word then return word, position + #word end
  end
  syntax(position)
end

local readers = {}

local function enter(position)
  depth = depth + 1
  if depth > DEPTH_MAX then syntax(position, "the body is nested too deeply") end
end

-- Walks an object: `member(name, broken, position)` reads a value and gives the position after it.
local function object_at(position, member)
  enter(position)
  position = skip(position + 1)
  if byte(text, position) ~= 125 then
    while true do
      if byte(text, position) ~= 34 then syntax(position) end
      local name, after, broken = string_at(position)
      position = skip(after)
      if byte(text, position) ~= 58 then syntax(position) end
      path[#path + 1] = name
      position = skip(member(name, broken, skip(position + 1)))
      path[#path] = nil
      local code = byte(text, position)
      if code == 125 then break end
      if code ~= 44 then syntax(position) end
      position = skip(position + 1)
    end
  end
  depth = depth - 1
  return position + 1
end

local function list_at(position, item)
  enter(position)
  position = skip(position + 1)
  if byte(text, position) ~= 93 then
    local index = 0
    while true do
      path[#path + 1] = index
      position = skip(item(position))
      path[#path] = nil
      local code = byte(text, position)
      if code == 93 then break end
      if code ~= 44 then syntax(position) end
      index, position = index + 1, skip(position + 1)
    end
  end
  depth = depth - 1
  return position + 1
end

-- Any JSON, as google.protobuf.Value takes it and as what is refused is skipped: `quiet` says nothing of its inside.
local function any(position, quiet)
  local code = byte(text, position)
  if code == 34 then
    local _, after, broken = string_at(position)
    if broken and not quiet then refuse("text", "must not contain NUL or half of a surrogate pair") end
    return after
  elseif code == 123 then
    local seen = {}
    return object_at(position, function(name, broken, value)
      if not quiet and (seen[name] or broken) then refuse("duplicate", "is there twice, or is broken text") end
      seen[name] = true
      return any(value, quiet)
    end)
  elseif code == 91 then
    return list_at(position, function(item) return any(item, quiet) end)
  elseif code == 45 or (code and code >= 48 and code <= 57) then
    local _, after = number_at(position)
    return after
  end
  local _, after = word_at(position)
  return after
end

local function wrong(position, rule, description)
  refuse(rule, description)
  return any(position, true)
end

local function read(position, kind)
  return readers[kind[1]](position, kind)
end

function readers.any(position) return any(position, false) end

function readers.struct(position)
  if byte(text, position) ~= 123 then return wrong(position, "object", "must be an object") end
  return any(position, false)
end

function readers.values(position)
  if byte(text, position) ~= 91 then return wrong(position, "list", "must be a list") end
  return any(position, false)
end

function readers.string(position)
  if byte(text, position) ~= 34 then return wrong(position, "string", "must be a string") end
  local _, after, broken = string_at(position)
  if broken then refuse("text", "must not contain NUL or half of a surrogate pair") end
  return after
end

function readers.bool(position)
  local code = byte(text, position)
  if code ~= 116 and code ~= 102 then return wrong(position, "bool", "must be true or false") end
  local _, after = word_at(position)
  return after
end

-- Whether the digits are at most the limit's, both without sign and leading zeros.
local function at_most(digits, limit)
  return #digits < #limit or (#digits == #limit and digits <= limit)
end

-- kind: {"integer", digits of the highest, digits of the lowest}
function readers.integer(position, kind)
  local code, value, after, whole = byte(text, position), nil, nil, true
  if code == 34 then
    value, after = string_at(position)
  elseif code == 45 or (code and code >= 48 and code <= 57) then
    value, after, whole = number_at(position)
  end
  local sign, digits = (value or ""):match("^(-?)(%d+)$")
  if not whole or not digits or find(digits, "^0.") then
    return wrong(position, "integer", "must be an integer without fraction or exponent")
  end
  if not at_most(digits, sign == "" and kind[2] or kind[3]) then refuse("range", "does not fit into its integer type") end
  return after
end

function readers.number(position)
  local code = byte(text, position)
  if code ~= 45 and not (code and code >= 48 and code <= 57) then return wrong(position, "number", "must be a number") end
  local _, after = number_at(position)
  return after
end

-- kind: {"enum", set of names and of numbers}
function readers.enum(position, kind)
  local code, value, after = byte(text, position), nil, nil
  if code == 34 then
    value, after = string_at(position)
    if find(value, "^-?%d") then value = nil end
  elseif code == 45 or (code and code >= 48 and code <= 57) then
    value, after = number_at(position)
  end
  if not value or not kind[2][value] then return wrong(position, "enum", "must be one of the names of the enum") end
  return after
end

-- kind: {"pattern", rule, description, pattern, ...}: a string that one of the patterns matches
function readers.pattern(position, kind)
  if byte(text, position) == 34 then
    local value, after = string_at(position)
    for index = 4, #kind do
      if find(value, kind[index]) then return after end
    end
  end
  return wrong(position, kind[2], kind[3])
end

-- kind: {"list", type of the items}
function readers.list(position, kind)
  if byte(text, position) ~= 91 then return wrong(position, "list", "must be a list") end
  return list_at(position, function(item)
    if byte(text, item) == 110 then return wrong(item, "null", "must not be null") end
    return read(item, kind[2])
  end)
end

-- kind: {"map", type of the values}
function readers.map(position, kind)
  if byte(text, position) ~= 123 then return wrong(position, "object", "must be an object") end
  local seen = {}
  return object_at(position, function(name, broken, value)
    if seen[name] then refuse("duplicate", "is there twice") end
    if broken then refuse("text", "must not contain NUL or half of a surrogate pair") end
    seen[name] = true
    if byte(text, value) == 110 then return wrong(value, "null", "must not be null") end
    return read(value, kind[2])
  end)
end

-- kind: {"message", name}
function readers.message(position, kind)
  if byte(text, position) ~= 123 then return wrong(position, "object", "must be an object") end
  local fields, seen = TYPES[kind[2]], {}
  return object_at(position, function(name, _, value)
    local field = fields[name]
    if not field then return wrong(value, "unknown", "is not a field of this message") end
    local id, oneof = field[1], field[3]
    if seen[id] then refuse("duplicate", "is there twice") end
    seen[id] = true
    if byte(text, value) == 110 then -- null is unset, as in ProtoJSON
      local _, after = word_at(value)
      return after
    end
    if oneof then
      if seen[oneof] then refuse("oneof", "excludes another field that is there: at most one of " .. oneof) end
      seen[oneof] = true
    end
    return read(value, field[2])
  end)
end

local DETAIL = '{"@type":"type.googleapis.com/google.rpc.'

local function answer(message, found)
  local details = {DETAIL .. 'ErrorInfo","reason":"INVALID_JSON","domain":"billing","metadata":{}}'}
  local fields = {}
  for index, each in ipairs(found) do
    fields[index] = ('{"field":"%s","description":"%s","reason":"json.%s"}'):format(each.field, each.description, each.rule)
  end
  if #fields > 0 then details[2] = DETAIL .. 'BadRequest","field_violations":[' .. concat(fields, ",") .. "]}" end
  return ('{"code":3,"message":"%s","details":[%s]}'):format(message, concat(details, ","))
end

-- The answer that refuses a body as this message; nil for a good one.
local function refusal(body, message)
  text, violations, path, depth = body, {}, {}, 0
  local fine, fault = pcall(function()
    local start = skip(1)
    if start > #text then syntax(start) end
    local after = skip(read(start, {"message", message}))
    if after <= #text then syntax(after) end
  end)
  local found = violations
  text, violations, path = nil, nil, nil
  if fine then return #found > 0 and answer("the body is not what this call takes", found) or nil end
  if type(fault) ~= "table" then error(fault, 0) end
  return answer(("%s, at byte %d"):format(fault.why, fault.position), {})
end

-- Status and text of what the caller gets instead; nil to go on. 422 is finished JSON, which the edge makes a 400.
local function judge(handle)
  local message = handle:filterContext():get("message")
  if message ~= "none" and message ~= "untyped" and not TYPES[message] then error("no such message", 0) end
  local body = handle:body()
  if not body or body:length() == 0 then return nil end
  if message == "none" then return "422", answer("this call takes no body", {}) end
  if message == "untyped" then return "415", "content-type must be application/json" end
  local refused = refusal(body:getBytes(0, body:length()), message)
  if refused then return "422", refused end
end

-- A mistake in here must never let a request through: the filter itself would.
function envoy_on_request(handle)
  local fine, status, answered = pcall(judge, handle)
  if not fine then
    handle:logErr("strict JSON: " .. tostring(status))
    handle:respond({[":status"] = "503"}, "the body cannot be checked")
  elseif status then
    handle:respond({[":status"] = status}, answered)
  end
end
