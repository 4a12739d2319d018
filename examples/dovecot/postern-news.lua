-- Tells Postern of mail at the moment it is delivered: by itself Dovecot tells IMAP clients half a second later. See postern-news.conf.
-- Where Postern does not answer, nothing is lost, for it hears of the mail over IMAP too.

local client

function script_init()
  client = dovecot.http.client({
    request_absolute_timeout_msecs = 500, connect_timeout_msecs = 200, max_attempts = 1, max_connect_attempts = 1
  })
  return 0
end

local escapes = { ['"'] = '\\"', ["\\"] = "\\\\" }

local function quote(text)
  return '"' .. text:gsub('[%c"\\]', function(char) return escapes[char] or string.format("\\u%04x", char:byte()) end) .. '"'
end

function dovecot_lua_notify_begin_txn(user)
  return { user = user, mailboxes = {} }
end

function dovecot_lua_notify_event_message_new(context, event)
  context.mailboxes[event.mailbox] = true
end

function dovecot_lua_notify_end_txn(context, success)
  if not success then return end
  local news = {}
  for mailbox in pairs(context.mailboxes) do
    news[#news + 1] = '{"user":' .. quote(context.user.username) .. ',"mailbox":' .. quote(mailbox) .. "}"
  end
  -- Each Postern that a phone may wait at, parted by spaces: http://127.0.0.1:9080/news
  for url in (context.user:plugin_getenv("postern_news") or ""):gmatch("%S+") do
    local request = client:request({ url = url, method = "POST" })
    request:add_header("Content-Type", "application/json")
    request:set_payload("[" .. table.concat(news, ",") .. "]")
    local response = request:submit()
    if response:status() ~= 204 then
      dovecot.i_warning("Postern at " .. url .. " was not told of mail: " .. response:status() .. " " .. response:reason())
    end
  end
end
