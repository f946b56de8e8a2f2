-- nmap's own sockets, which --proxies is for, fetch a page.
prerule = function() return true end
action = function()
  local s = nmap.new_socket()
  s:set_timeout(10000)
  local ok, why = s:connect(nmap.registry.args.host, tonumber(nmap.registry.args.port))
  if not ok then return "connect: " .. why end
  s:send("GET / HTTP/1.0\r\n\r\n")
  local got, data = s:receive()
  return (got and "received " or "failed: ") .. tostring(data)
end
