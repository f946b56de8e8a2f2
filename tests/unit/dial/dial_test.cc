#include "dial/dial.h"

#include <cerrno>

#include "support/catch.h"

using namespace culvert;

TEST_CASE("a failed connect() gets the code that RFC 9209 has for it, and a clause") {
  const auto code = [](int sys) { return connect_error(sys, Side::upstream).code; };
  CHECK(code(ECONNREFUSED) == Errc::connection_refused);
  CHECK(code(ETIMEDOUT) == Errc::connection_timeout);
  CHECK(code(ENETUNREACH) == Errc::destination_ip_unroutable);
  CHECK(code(EHOSTUNREACH) == Errc::destination_ip_unroutable);
  CHECK(code(EHOSTDOWN) == Errc::destination_ip_unroutable);
  CHECK(code(EAFNOSUPPORT) == Errc::destination_ip_unroutable);
  CHECK(code(ECONNRESET) == Errc::connection_terminated);
  CHECK(code(EMFILE) == Errc::connection_limit_reached);
  CHECK(code(EPERM) == Errc::destination_unavailable);
  CHECK(connect_error(ECONNREFUSED, Side::target).text == "refused the connection");
  CHECK(connect_error(EHOSTUNREACH, Side::target).text == "cannot be reached: No route to host");
}

TEST_CASE("a failed connect() is the peer's fault, unless we have no room") {
  for (const Side side : {Side::upstream, Side::target}) {
    CHECK(connect_error(ECONNREFUSED, side).side == side);
    CHECK(connect_error(EPERM, side).side == side);
    CHECK(connect_error(EMFILE, side).side == Side::local);
    CHECK(connect_error(ECONNREFUSED, side).sys == ECONNREFUSED);
  }
}

TEST_CASE("what this machine lacks or forbids is not said of the peer") {
  const Error no_port = connect_error(EADDRNOTAVAIL, Side::upstream);
  CHECK(no_port.code == Errc::connection_limit_reached);
  CHECK(no_port.side == Side::local);
  CHECK(no_port.text ==
        "cannot be connected to: no local port is free for it (Cannot assign requested address)");
  const Error no_ipv6 = connect_error(EADDRNOTAVAIL, Side::target, IpAddress::Family::v6);
  CHECK(no_ipv6.code == Errc::destination_ip_unroutable);
  CHECK(no_ipv6.text ==
        "cannot be reached: this machine has no IPv6 address or port for it (Cannot assign "
        "requested address)");
  const Error blackhole = connect_error(EINVAL, Side::target);
  CHECK(blackhole.code == Errc::destination_ip_unroutable);
  CHECK(blackhole.text ==
        "cannot be reached: this machine has a blackhole route there (Invalid argument)");
  CHECK(missing_from(connect_error(EINVAL, Side::upstream)) == Missing::route);
  CHECK(connect_error(EACCES, Side::target).text ==
        "cannot be connected to: this machine forbids it (Permission denied)");
}

TEST_CASE("what an upstream that just starts may be missing") {
  const auto missing = [](Errc code, int sys = 0) {
    return missing_from({code, Side::upstream, sys, {}});
  };
  CHECK(missing(Errc::connection_refused, ECONNREFUSED) == Missing::listener);
  CHECK(missing(Errc::dns_error) == Missing::name);
  CHECK(missing(Errc::dns_timeout) == Missing::name);
  for (const int sys : {EHOSTUNREACH, ENETUNREACH, EHOSTDOWN}) {
    CHECK(missing_from(connect_error(sys, Side::upstream)) == Missing::route);
  }
  // This machine's own lacks, and what a starting proxy does not do.
  for (const int sys : {EAFNOSUPPORT, EADDRNOTAVAIL, EMFILE, EPERM, ETIMEDOUT, ECONNRESET}) {
    CHECK(missing_from(connect_error(sys, Side::upstream)) == std::nullopt);
  }
  CHECK(missing(Errc::upstream_auth_failed) == std::nullopt);
  CHECK(missing(Errc::tls_protocol_error) == std::nullopt);
}

TEST_CASE("of two failures the more specific one is reported") {
  const auto less = [](Errc a, Errc b, Side side = Side::upstream) {
    return specificity({a, side, 0, {}}) < specificity({b, side, 0, {}});
  };
  CHECK(less(Errc::canceled, Errc::connection_timeout));
  // A missing address family proves nothing about the other.
  CHECK(less(Errc::destination_ip_unroutable, Errc::connection_refused));
  CHECK(less(Errc::destination_ip_unroutable, Errc::connection_timeout));
  CHECK(less(Errc::connection_timeout, Errc::connection_refused));
  CHECK(less(Errc::connection_refused, Errc::dns_error));
  CHECK(less(Errc::connection_refused, Errc::upstream_auth_failed));
  CHECK(less(Errc::upstream_protocol_error, Errc::upstream_denied));
  // The far end knows its target: a refusal there outweighs one of a tunnel that is down.
  CHECK(specificity({Errc::connection_refused, Side::target, 0, {}}) >
        specificity({Errc::connection_refused, Side::upstream, 0, {}}));
}
