#include "commands/needed_paths.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <string>
#include <vector>

#include "support/catch.h"
#include "support/sockets.h"

using namespace culvert;
using namespace culvert::test;
using Catch::Matchers::Contains;
using Use = PathGrant::Use;

namespace {

bool has(const std::vector<PathGrant>& grants, const std::string& path, Use use) {
  return std::find(grants.begin(), grants.end(), PathGrant{path, use}) != grants.end();
}

bool is_named(const std::vector<PathGrant>& grants, const std::string& path) {
  return std::any_of(grants.begin(), grants.end(),
                     [&](const PathGrant& grant) { return grant.path == path; });
}

}  // namespace

TEST_CASE("without files it is what names and certificates need") {
  const auto grants = needed_paths(Config());
  CHECK(has(grants, "/etc", Use::read));
  CHECK(has(grants, "/usr", Use::list));
  for (const char* path : {"/", "/home", "/root", "/var", "/tmp", "/run", "."}) {
    CHECK_FALSE(is_named(grants, path));
  }
  CHECK(std::none_of(grants.begin(), grants.end(), [](const PathGrant& grant) {
    return grant.use == Use::write || grant.use == Use::remove;
  }));
}

TEST_CASE("files that a reload reads are needed with their folders, links with both") {
  const TempDir dir;
  for (const char* folder : {"link", "real", "ca"}) {
    REQUIRE(mkdir(dir.path(folder).c_str(), 0700) == 0);
  }
  std::ofstream(dir.path("real/key")) << "x";
  REQUIRE(symlink(dir.path("real/key").c_str(), dir.path("link/key").c_str()) == 0);
  Config config;
  config.file = "/srv/culvert/culvert.toml";
  config.auth_file = "/srv/users/users";
  UpstreamConfig upstream;
  upstream.password_file = "/srv/passwords/office";
  upstream.ca = dir.path("ca");
  upstream.cert = "cert.pem";
  upstream.key = dir.path("link/key");
  config.upstreams = {upstream};
  ListenConfig listen;
  listen.certificates = {{"/srv/tls/cert.pem", "/srv/keys/key.pem"}};
  listen.client_ca = "/srv/ca/clients.pem";
  config.listen = {listen};
  const auto grants = needed_paths(config);
  CHECK(has(grants, "/srv/culvert", Use::read));
  CHECK(has(grants, "/srv/passwords", Use::read));
  CHECK(has(grants, dir.path("ca"), Use::list));
  CHECK(has(grants, ".", Use::read));
  CHECK(has(grants, dir.path("link"), Use::read));
  CHECK(has(grants, dir.path("real"), Use::read));
  for (const char* folder : {"/srv/users", "/srv/tls", "/srv/keys", "/srv/ca"}) {
    CHECK(has(grants, folder, Use::read));
  }
}

TEST_CASE("the folder of the access log is written to, but not one of devices") {
  Config config;
  config.access_log = "/srv/log/access.log";
  CHECK(has(needed_paths(config), "/srv/log", Use::write));
  config.access_log = "/dev/stdout";
  CHECK(has(needed_paths(config), "/dev/stdout", Use::write));
  CHECK_FALSE(is_named(needed_paths(config), "/dev"));
  for (const char* none : {"-", "off"}) {
    config.access_log = none;
    CHECK_FALSE(is_named(needed_paths(config), "."));
  }
}

TEST_CASE("unix sockets are removed at the end") {
  Config config;
  ListenConfig listen;
  listen.kind = ListenConfig::Kind::unix_socket;
  listen.path = "/run/culvert/proxy.sock";
  config.listen = {listen};
  CHECK(has(needed_paths(config), "/run/culvert", Use::remove));
}

TEST_CASE("the paths are told by what may be done with them") {
  CHECK(paths_text({{"/etc", Use::read}, {"/usr", Use::list}}) == "reads below /etc, /usr");
  CHECK(
      paths_text(
          {{"/etc", Use::read}, {"/var/log/culvert", Use::write}, {"/run/culvert", Use::remove}}) ==
      "reads below /etc; writes below /var/log/culvert; removes below /run/culvert");
}
