// The first byte chooses the target, the second how the server's bytes are cut.
#include <array>

#include "codec/socks.h"
#include "fuzz/handshake_fuzz.h"

using namespace culvert;

FUZZ_TARGET(socks4a) {
  if (size < 2) return;
  constexpr std::array kTargets = {"gcr.io:443", "192.0.2.1:80"};
  const auto target = HostPort::parse(kTargets[data[0] % kTargets.size()]);
  const auto handshake = make_socks4a_handshake(*target, "alice");
  test::fuzz_handshake(*handshake, test::as_text(data + 2, size - 2), data[1], true);
}
