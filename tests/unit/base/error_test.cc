#include "base/error.h"

#include <set>
#include <string>

#include "support/catch.h"

using namespace culvert;

namespace {

constexpr int kCodes = static_cast<int>(Errc::canceled) + 1;

}  // namespace

TEST_CASE("every error has a status, a name of its own and a registered Proxy-Status type") {
  // The registry that RFC 9209 section 2.3 sets up.
  const std::set<std::string_view> registered = {"dns_timeout",
                                                 "dns_error",
                                                 "destination_not_found",
                                                 "destination_unavailable",
                                                 "destination_ip_prohibited",
                                                 "destination_ip_unroutable",
                                                 "connection_refused",
                                                 "connection_terminated",
                                                 "connection_timeout",
                                                 "connection_read_timeout",
                                                 "connection_write_timeout",
                                                 "connection_limit_reached",
                                                 "tls_protocol_error",
                                                 "tls_certificate_error",
                                                 "tls_alert_received",
                                                 "http_request_error",
                                                 "http_request_denied",
                                                 "http_response_incomplete",
                                                 "http_response_header_section_size",
                                                 "http_response_header_size",
                                                 "http_response_body_size",
                                                 "http_response_trailer_section_size",
                                                 "http_response_trailer_size",
                                                 "http_response_transfer_coding",
                                                 "http_response_content_coding",
                                                 "http_response_timeout",
                                                 "http_upgrade_failed",
                                                 "http_protocol_error",
                                                 "proxy_internal_response",
                                                 "proxy_internal_error",
                                                 "proxy_configuration_error",
                                                 "proxy_loop_detected"};
  std::set<std::string_view> names;
  for (int i = 0; i < kCodes; ++i) {
    const ErrcMeaning& meaning = meaning_of(static_cast<Errc>(i));
    CAPTURE(i, std::string(meaning.name));
    CHECK(meaning.status >= 400);
    CHECK(meaning.status < 600);
    CHECK(names.insert(meaning.name).second);
    CHECK(registered.count(meaning.rfc9209) == 1);
  }
}

TEST_CASE("hints are single printable sentences") {
  for (int i = 0; i < kCodes; ++i) {
    const std::string hint(meaning_of(static_cast<Errc>(i)).hint);
    CAPTURE(hint);
    CHECK(hint.size() <= 100);
    for (const char c : hint) CHECK((c >= ' ' && c <= '~'));
    if (!hint.empty()) CHECK((hint.back() == '.' || hint.back() == '?'));
  }
}

TEST_CASE("statuses follow the table of the design") {
  const auto status = [](Errc code) { return meaning_of(code).status; };
  CHECK(status(Errc::http_request_error) == 400);
  CHECK(status(Errc::proxy_auth_required) == 407);
  CHECK(status(Errc::http_request_denied) == 403);
  CHECK(status(Errc::upstream_denied) == 403);
  CHECK(status(Errc::http_request_timeout) == 408);
  CHECK(status(Errc::http_request_too_large) == 431);
  CHECK(status(Errc::http_uri_too_long) == 414);
  CHECK(status(Errc::client_connection_limit) == 429);
  CHECK(status(Errc::request_rate_limit) == 429);
  CHECK(status(Errc::connection_refused) == 502);
  CHECK(status(Errc::upstream_auth_failed) == 502);
  CHECK(status(Errc::upstreams_down) == 503);
  CHECK(status(Errc::proxy_draining) == 503);
  CHECK(status(Errc::connection_timeout) == 504);
  CHECK(status(Errc::method_not_implemented) == 501);
  CHECK(status(Errc::version_not_supported) == 505);
  CHECK(status(Errc::proxy_loop_detected) == 508);
}

TEST_CASE("sides have names") {
  CHECK(to_string(Side::client) == "client");
  CHECK(to_string(Side::upstream) == "upstream");
  CHECK(to_string(Side::target) == "target");
  CHECK(to_string(Side::local) == "local");
}
