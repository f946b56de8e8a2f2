#include "codec/foreign_answer.h"

#include <string>

#include "support/catch.h"

using namespace culvert;
using namespace std::string_literals;

TEST_CASE("an alert ends TLS") { CHECK(tls_alert() == "\x15\3\3\0\2\2\x6f"s); }

TEST_CASE("HTTP/2 ends with our preface and a GOAWAY that names HTTP/1.1") {
  CHECK(http2_goaway("why") == "\0\0\0\4\0\0\0\0\0"s + "\0\0\x14\7\0\0\0\0\0"s +
                                   "\0\0\0\0\0\0\0\x0d"
                                   "culvert: why"s);
}

TEST_CASE("SSH ends with a packet that says why") {
  const std::string id = "SSH-2.0-culvert\r\n";
  for (std::size_t size = 0; size < 20; ++size) {
    const std::string why(size, 'w');
    const std::string answer = ssh_disconnect(why);
    REQUIRE(answer.starts_with(id));
    const std::string packet = answer.substr(id.size());
    CAPTURE(size);
    CHECK(packet.size() % 8 == 0);
    REQUIRE(packet.size() >= 16);
    CHECK(packet.substr(0, 3) == "\0\0\0"s);
    CHECK(static_cast<unsigned char>(packet[3]) == packet.size() - 4);
    const auto padding = static_cast<std::size_t>(packet[4]);
    CHECK(padding >= 4);
    const std::string payload = packet.substr(5, packet.size() - 5 - padding);
    CHECK(payload ==
          "\1\0\0\0\2\0\0\0"s + static_cast<char>(9 + size) + "culvert: " + why + "\0\0\0\0"s);
  }
}
