// The first byte chooses credentials and port, the second how the server's bytes are cut.
#include "codec/http_connect.h"

#include <optional>

#include "fuzz/handshake_fuzz.h"

using namespace culvert;

FUZZ_TARGET(http_connect) {
  if (size < 2) return;
  const auto target = HostPort::parse((data[0] & 1) != 0 ? "gcr.io:8443" : "gcr.io:443");
  std::optional<Credentials> credentials;
  if ((data[0] & 0x80) != 0) credentials = Credentials{"alice", Secret("s3cret")};
  const auto handshake = make_http_connect_handshake(*target, credentials, "culvert-1");
  test::fuzz_handshake(*handshake, test::as_text(data + 2, size - 2), data[1],
                       credentials.has_value());
}
