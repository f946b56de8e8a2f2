#include "server/server_text.h"

#include "support/catch.h"

using namespace culvert;
using namespace std::chrono_literals;

namespace {

Config with_upstream(UpstreamConfig::Kind kind) {
  Config config;
  config.upstreams.emplace_back().kind = kind;
  return config;
}

}  // namespace

TEST_CASE("a reload of a file says what is there now") {
  Config config = with_upstream(UpstreamConfig::Kind::socks5);
  config.file = "/etc/culvert/culvert.toml";
  config.access_log = "/var/log/culvert/access.log";
  CHECK(reloaded_text(config) ==
        "reloaded (upstreams: 1, routes: 0); open connections keep what they began with");
}

TEST_CASE("without a file nothing is read again, and that is said") {
  Config config = with_upstream(UpstreamConfig::Kind::socks5);
  CHECK(reloaded_text(config) == "reload: there is no --config, so nothing was read again");
  config.access_log = "/var/log/culvert/access.log";
  CHECK(reloaded_text(config) ==
        "reload: there is no --config, so nothing was read again; the access log was opened anew");
}

TEST_CASE("without a file, those that options name are read again") {
  const std::string text =
      "reloaded (there is no --config, so only the files that options name: passwords, "
      "certificates); open connections keep what they began with";
  Config config = with_upstream(UpstreamConfig::Kind::socks5);
  SECTION("a password") { config.upstreams[0].password_file = "/etc/culvert/password"; }
  SECTION("CAs") { config = with_upstream(UpstreamConfig::Kind::https); }
  SECTION("users") { config.auth_file = "/etc/culvert/users"; }
  SECTION("a certificate") { config.listen.emplace_back().certificates.emplace_back(); }
  SECTION("one of the status page") { config.admin.emplace_back().certificates.emplace_back(); }
  CHECK(reloaded_text(config) == text);
}

TEST_CASE("a drain says how it is ended, if there is something to end") {
  CHECK(draining_text(0, 30s) == "draining: no new connections, 0 to finish within 30 s");
  CHECK(draining_text(2, 30s) ==
        "draining: no new connections, 2 to finish within 30 s (a second SIGTERM or SIGINT, as "
        "Ctrl-C sends it, ends them at once)");
  CHECK(draining_text(1, std::nullopt) ==
        "draining: no new connections, 1 to finish, however long they take (a second SIGTERM or "
        "SIGINT, as Ctrl-C sends it, ends them at once)");
}
