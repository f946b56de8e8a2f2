#include "codec/socks_reply.h"

#include "support/catch.h"

using namespace culvert;

namespace {

int reply_to(Errc code, Side side) {
  return static_cast<int>(socks_reply({code, side, 0, "it failed"}));
}

}  // namespace

TEST_CASE("a failure gets the SOCKS5 reply code that says most about it") {
  struct Row {
    Errc code;
    Side side;
    int reply;
  };
  const auto row = GENERATE(values<Row>({
      // Refused: a route, the guard, an upstream's rules.
      {Errc::http_request_denied, Side::local, 2},
      {Errc::destination_ip_prohibited, Side::local, 2},
      {Errc::proxy_auth_required, Side::client, 2},
      {Errc::upstream_denied, Side::upstream, 2},
      // About the target, whoever has found it out.
      {Errc::destination_ip_unroutable, Side::target, 3},
      {Errc::dns_error, Side::target, 4},
      {Errc::dns_timeout, Side::target, 4},
      {Errc::destination_unavailable, Side::target, 4},
      {Errc::connection_refused, Side::target, 5},
      {Errc::connection_timeout, Side::target, 6},
      // The same about an upstream is a failure of the server.
      {Errc::destination_ip_unroutable, Side::upstream, 1},
      {Errc::dns_error, Side::upstream, 1},
      {Errc::destination_unavailable, Side::upstream, 1},
      {Errc::connection_refused, Side::upstream, 1},
      {Errc::connection_timeout, Side::upstream, 1},
      {Errc::upstreams_down, Side::upstream, 1},
      {Errc::upstream_auth_failed, Side::upstream, 1},
      {Errc::upstream_unsupported, Side::upstream, 1},
      {Errc::proxy_loop_detected, Side::upstream, 1},
      {Errc::connection_limit_reached, Side::local, 1},
      {Errc::proxy_draining, Side::local, 1},
      {Errc::http_request_error, Side::client, 1},
      {Errc::http_request_timeout, Side::client, 1},
      {Errc::method_not_implemented, Side::client, 7},
  }));
  CAPTURE(meaning_of(row.code).name, to_string(row.side));
  CHECK(reply_to(row.code, row.side) == row.reply);
}

TEST_CASE("no failure is granted") {
  for (std::size_t i = 0; i < kErrcCount; ++i) {
    for (const Side side : {Side::client, Side::upstream, Side::target, Side::local}) {
      const int reply = reply_to(static_cast<Errc>(i), side);
      CHECK(reply >= 1);
      CHECK(reply <= 8);
    }
  }
}
