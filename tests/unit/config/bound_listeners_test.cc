#include "config/bound_listeners.h"

#include "support/catch.h"

using namespace culvert;

namespace {

ListenConfig unix_socket(const std::string& path, const std::string& client_ca = {}) {
  ListenConfig listen;
  listen.kind = ListenConfig::Kind::unix_socket;
  listen.path = path;
  listen.client_ca = client_ca;
  return listen;
}

}  // namespace

TEST_CASE("bound listeners keep their order and take the new settings") {
  const auto out = bound_listeners({unix_socket("/a", "1"), unix_socket("/b", "1")},
                                   {unix_socket("/b", "2"), unix_socket("/a", "3")});
  REQUIRE(out.size() == 2);
  CHECK(out[0].path == "/a");
  CHECK(out[0].client_ca == "3");
  CHECK(out[1].path == "/b");
  CHECK(out[1].client_ca == "2");
}

TEST_CASE("a bound listener that is named no more keeps its settings, a new one is left out") {
  const auto out = bound_listeners({unix_socket("/a", "1")}, {unix_socket("/c", "2")});
  REQUIRE(out.size() == 1);
  CHECK(out[0].path == "/a");
  CHECK(out[0].client_ca == "1");
}

TEST_CASE("of two bound listeners with one name each takes the settings of its own") {
  const auto out = bound_listeners({unix_socket("/a", "1"), unix_socket("/a", "2")},
                                   {unix_socket("/a", "3"), unix_socket("/a", "4")});
  REQUIRE(out.size() == 2);
  CHECK(out[0].client_ca == "3");
  CHECK(out[1].client_ca == "4");
}

TEST_CASE("a listener has changed if it serves its clients in another way") {
  const std::vector<ListenConfig> before = {unix_socket("/a", "1"), unix_socket("/b", "1")};
  CHECK(changed_listeners(before, before).empty());
  std::vector<ListenConfig> now = before;
  SECTION("by its client-ca") { now[1].client_ca = "2"; }
  SECTION("by its scheme") { now[1].speaks = ListenConfig::Speaks::http_only; }
  SECTION("by a certificate") { now[1].certificates = {{"cert", "key"}}; }
  SECTION("by the header that comes first") { now[1].proxy_protocol = true; }
  const auto changed = changed_listeners(before, now);
  REQUIRE(changed.size() == 1);
  CHECK(changed[0].path == "/b");
}

TEST_CASE("what takes a restart changes nothing for clients") {
  std::vector<ListenConfig> now = {unix_socket("/a")};
  now[0].mode = 0666;
  CHECK(changed_listeners({unix_socket("/a")}, now).empty());
}
