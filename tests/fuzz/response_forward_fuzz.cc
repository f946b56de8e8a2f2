// The first byte chooses the request's method and the client's version, the rest is what an
// upstream sends before it closes. What goes on to the client means to a strict reader what the
// upstream's bytes meant to it.
#include <array>

#include "fuzz/forward_fuzz.h"
#include "support/forwarding.h"

using namespace culvert;
using namespace culvert::test;

FUZZ_TARGET(response_forward) {
  if (size < 1) return;
  constexpr std::array<std::string_view, 3> kMethods = {"GET", "HEAD", "POST"};
  const std::string_view method = kMethods[data[0] % kMethods.size()];
  const int client_minor = (data[0] & 0x80) != 0 ? 0 : 1;
  const std::string_view bytes = as_text(data + 1, size - 1);
  const auto forwarded = forward_response(bytes, method, client_minor);
  if (!forwarded) {
    FUZZ_CHECK(is_clean(forwarded.error().text));
    FUZZ_CHECK(forwarded.error().code == Errc::http_protocol_error);
    return;
  }
  if (forwarded->sent.empty() || !forwarded->complete) return;

  StrictReader client(forwarded->sent);
  const auto sent = client.response(method);
  FUZZ_CHECK(sent.has_value());
  FUZZ_CHECK(client.rest().empty());
  FUZZ_CHECK(sent->body == forwarded->body);
  FUZZ_CHECK(sent->first == "HTTP/1.1");
  FUZZ_CHECK(sent->ends_with_connection == false || client_minor == 0);
  if (client_minor == 0) FUZZ_CHECK(sent->count("transfer-encoding") == 0);
  if (sent->second[0] == '1' || sent->second == "204") {
    FUZZ_CHECK(sent->count("content-length") == 0);
  }
  check_hop_by_hop(*sent);

  const std::string careful = as_careful_response(bytes.substr(0, forwarded->used));
  StrictReader upstream(careful);
  const auto received = upstream.response(method);
  FUZZ_CHECK(received.has_value());
  FUZZ_CHECK(upstream.rest().empty());
  FUZZ_CHECK(received->second == sent->second && received->third == sent->third);
  FUZZ_CHECK(received->body == sent->body);
  const StrictFields expected = with_via(end_to_end(received->fields), received->first);
  FUZZ_CHECK(end_to_end(sent->fields) == expected);
}
