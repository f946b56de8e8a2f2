require "net/http"

reply = Net::HTTP.get_response(URI(ARGV[0]))
puts reply.body
reply.value
