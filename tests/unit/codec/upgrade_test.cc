#include "codec/upgrade.h"

#include <string>

#include "support/catch.h"

using namespace culvert;

namespace {

RequestHead request(std::vector<Field> fields, int minor = 1) {
  RequestHead head;
  head.fields = std::move(fields);
  head.minor = minor;
  return head;
}

bool wanted(std::vector<Field> fields, int minor = 1) {
  const RequestHead head = request(std::move(fields), minor);
  return wants_upgrade(head, *connection_options(head));
}

std::string written(std::string_view value) {
  std::string out;
  append_upgrade(value, out);
  return out;
}

}  // namespace

TEST_CASE("an upgrade needs the field and the connection option (RFC 9110 7.8)") {
  CHECK(wanted({{"Connection", "Upgrade"}, {"Upgrade", "websocket"}}));
  CHECK(wanted({{"connection", "keep-alive, upgrade"}, {"upgrade", "h2c, WebSocket"}}));
  CHECK_FALSE(wanted({{"Upgrade", "websocket"}}));
  CHECK_FALSE(wanted({{"Connection", "upgrade"}}));
  CHECK_FALSE(wanted({{"Connection", "upgrade"}, {"Upgrade", ""}}));
  CHECK_FALSE(wanted({{"Connection", "upgrade"}, {"Upgrade", "websocket"}}, 0));
}

TEST_CASE("HTTP/2 is never the protocol that follows") {
  CHECK_FALSE(wanted({{"Connection", "upgrade, HTTP2-Settings"}, {"Upgrade", "h2c"}}));
  CHECK_FALSE(wanted({{"Connection", "upgrade"}, {"Upgrade", "H2C, HTTP/2.0, h2"}}));
}

TEST_CASE("an Upgrade field keeps the protocols that may follow") {
  CHECK(written("websocket") == "Upgrade: websocket\r\n");
  CHECK(written("h2c, websocket, http/3 ,foo/2") == "Upgrade: websocket, foo/2\r\n");
  CHECK(written("h2c").empty());
  CHECK(written("").empty());
}
