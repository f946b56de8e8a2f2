#include "codec/proxy_status.h"

#include "support/catch.h"

using namespace culvert;

TEST_CASE("Proxy-Status names the error of the proxy nearest to the target") {
  struct Row {
    const char* value;
    const char* error;
  };
  const auto row = GENERATE(values<Row>({
      {"far.example; error=dns_error; rcode=\"NXDOMAIN\"", "far.example: dns_error, NXDOMAIN"},
      {"\"a, b\";error=connection_refused;details=\"nobody; at \\\"home\\\"\"",
       "a, b: connection_refused, nobody; at \"home\""},
      {"a; received-status=502, b; error=x, c; error=y", "b: x"},
      {"a;error=tls_alert_received;alert-id=40;alert-message=\"handshake_failure\"",
       "a: tls_alert_received, handshake_failure"},
      {"a; next-hop=b; x; error = y; error=z", "a: z"},
      {";error=x", "x"},
      // Without an error, or nonsense.
      {"", ""},
      {"a", ""},
      {"a; details=\"x\"", ""},
      {"a; error", ""},
      {"a; error=", ""},
      {",;,;=;\"", ""},
      {"a; error=\"", ""},
      {"a; error=\"x\\", "a: x\\"},
      {"a; details=\"unfinished, b; error=x", ""},
      {"a; error=x; details=\"unfinished", "a: x, unfinished"},
  }));
  CAPTURE(row.value);
  CHECK(error_in_proxy_status(row.value) == row.error);
}
