// The first byte chooses target and credentials, the second how the server's bytes are cut.
#include <array>
#include <optional>

#include "codec/socks.h"
#include "fuzz/handshake_fuzz.h"

using namespace culvert;

FUZZ_TARGET(socks5) {
  if (size < 2) return;
  constexpr std::array kTargets = {"gcr.io:443", "192.0.2.1:80", "[2001:db8::1]:65535",
                                   "a-rather-long-name.of-a-host.in-some.sub-domain.example:8443"};
  const auto target = HostPort::parse(kTargets[data[0] % kTargets.size()]);
  std::optional<Credentials> credentials;
  if ((data[0] & 0x80) != 0) credentials = Credentials{"alice", Secret("s3cret")};
  const auto handshake = make_socks5_handshake(*target, credentials);
  test::fuzz_handshake(*handshake, test::as_text(data + 2, size - 2), data[1],
                       credentials.has_value());
}
