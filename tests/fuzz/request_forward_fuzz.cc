// The first byte chooses the form, the rest is what a client sends. What goes on to the next hop
// means to a strict reader what the client's bytes meant to it.
#include "fuzz/forward_fuzz.h"
#include "support/forwarding.h"

using namespace culvert;
using namespace culvert::test;

namespace {

std::string expected_target(const StrictMessage& received, const std::string& host,
                            bool absolute_form) {
  std::string path = received.second.substr(received.second.find("://") + 3);
  path.erase(0, std::min(path.find_first_of("/?"), path.size()));
  const bool server_wide = received.first == "OPTIONS" && path.empty();
  if (path.empty() || path[0] == '?') path.insert(0, "/");
  if (absolute_form) return "http://" + host + (server_wide ? "" : path);
  return server_wide ? "*" : path;
}

}  // namespace

FUZZ_TARGET(request_forward) {
  if (size < 1) return;
  const bool absolute_form = (data[0] & 1) != 0;
  const std::string_view bytes = as_text(data + 1, size - 1);
  const auto forwarded = forward_request(bytes, absolute_form);
  if (!forwarded) {
    FUZZ_CHECK(is_clean(forwarded.error().text));
    return;
  }
  if (forwarded->sent.empty() || !forwarded->complete) return;

  StrictReader next_hop(forwarded->sent);
  const auto sent = next_hop.request();
  FUZZ_CHECK(sent.has_value());
  FUZZ_CHECK(next_hop.rest().empty());
  FUZZ_CHECK(sent->body == forwarded->body);
  FUZZ_CHECK(sent->third == "HTTP/1.1" && sent->count("host") == 1);
  FUZZ_CHECK(sent->count("proxy-authorization") == (absolute_form ? 1 : 0));
  check_hop_by_hop(*sent);

  // The same reader agrees on what the client sent, behind the empty lines that may come first.
  std::string_view message = bytes.substr(0, forwarded->used);
  while (message.starts_with("\r\n")) message.remove_prefix(2);
  const std::string careful = as_careful_request(message);
  StrictReader client(careful);
  const auto received = client.request();
  FUZZ_CHECK(received.has_value());
  FUZZ_CHECK(client.rest().empty());
  FUZZ_CHECK(received->first == sent->first);
  FUZZ_CHECK(received->body == sent->body);
  FUZZ_CHECK(sent->second == expected_target(*received, sent->value("host"), absolute_form));
  FUZZ_CHECK(end_to_end(sent->fields) == with_via(end_to_end(received->fields), received->third));
}
