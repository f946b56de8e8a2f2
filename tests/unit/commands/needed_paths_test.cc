#include "commands/needed_paths.h"

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

#include "net/runtime_directory.h"
#include "net/tls_context.h"
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
  const auto grants = needed_paths(Config()).grants;
  CHECK(has(grants, "/etc", Use::read));
  CHECK(has(grants, "/usr", Use::list));
  // resolv.conf may be a link there, and its folder be made anew: by systemd-resolved, a VPN...
  CHECK(has(grants, "/run", Use::read));
  for (const char* path : {"/", "/home", "/root", "/var", "/tmp", "."}) {
    CHECK_FALSE(is_named(grants, path));
  }
  CHECK(std::none_of(grants.begin(), grants.end(), [](const PathGrant& grant) {
    return grant.use == Use::write ||
           (grant.use == Use::remove && grant.path != runtime_directory());
  }));
  // Where our own sockets are.
  CHECK(has(grants, runtime_directory(), Use::remove));
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
  const auto grants = needed_paths(config).grants;
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

TEST_CASE("CA certificates are read where their links lead to") {
  const TempDir dir;
  for (const char* folder : {"places", "store", "vendor", "private", "bundle"}) {
    REQUIRE(mkdir(dir.path(folder).c_str(), 0700) == 0);
  }
  for (const char* file : {"store/a.pem", "vendor/b.crt", "private/key", "bundle/ca.pem"}) {
    std::ofstream(dir.path(file)) << "x";
  }
  const auto link = [&](const char* to, const char* from) {
    REQUIRE(symlink(dir.path(to).c_str(), dir.path(from).c_str()) == 0);
  };
  // As update-ca-certificates makes them: a hashed name, a name, the file that somebody has added.
  link("vendor/b.crt", "store/b.pem");
  REQUIRE(symlink("b.pem", dir.path("store/0123abcd.0").c_str()) == 0);
  link("store", "places/certs");
  link("bundle/ca.pem", "places/cert.pem");
  setenv("SSL_CERT_DIR", dir.path("places/certs").c_str(), 1);
  setenv("SSL_CERT_FILE", dir.path("places/cert.pem").c_str(), 1);
  const auto grants = needed_paths(Config()).grants;
  unsetenv("SSL_CERT_DIR");
  unsetenv("SSL_CERT_FILE");
  CHECK(has(grants, dir.path("places/certs"), Use::list));
  CHECK(has(grants, dir.path("vendor"), Use::read));
  CHECK(has(grants, dir.path("bundle"), Use::read));
  CHECK_FALSE(is_named(grants, dir.path("private")));
  Config config;
  config.upstreams = {UpstreamConfig()};
  config.upstreams[0].ca = dir.path("store");
  CHECK(has(needed_paths(config).grants, dir.path("vendor"), Use::read));

  const pid_t pid = fork();
  if (pid == 0) {
    const bool has_landlock = enter_sandbox(grants).landlock > 0;
    const auto is_readable = [&](const char* file) {
      return std::ifstream(dir.path(file)).get() == 'x';
    };
    bool good = is_readable("private/key") != has_landlock;
    for (const char* file : {"places/certs/a.pem", "places/certs/0123abcd.0", "places/cert.pem"}) {
      good = good && is_readable(file);
    }
    _exit(good ? 0 : 1);
  }
  int status = -1;
  REQUIRE(waitpid(pid, &status, 0) == pid);
  CHECK(status == 0);
}

TEST_CASE("without variables it is where OpenSSL has been told to look") {
  const auto grants = needed_paths(Config()).grants;
  for (const std::string& place : system_ca_places()) {
    struct stat info {};
    const bool is_directory = stat(place.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
    CHECK(is_named(grants, is_directory ? place : place.substr(0, place.rfind('/'))));
  }
}

TEST_CASE("the folder of the access log is written to, but not one of devices") {
  Config config;
  config.access_log = "/srv/log/access.log";
  CHECK(has(needed_paths(config).grants, "/srv/log", Use::write));
  config.access_log = "/dev/stdout";
  CHECK(has(needed_paths(config).grants, "/dev/stdout", Use::write));
  CHECK_FALSE(is_named(needed_paths(config).grants, "/dev"));
  for (const char* none : {"-", "off", "journal"}) {
    config.access_log = none;
    CHECK_FALSE(is_named(needed_paths(config).grants, "."));
  }
}

TEST_CASE("a file in a folder of the system, or in a home, is granted without the folder") {
  const TempDir dir;
  const std::string home = dir.path("home");
  REQUIRE(mkdir(home.c_str(), 0700) == 0);
  const char* const given = std::getenv("HOME");
  const std::string before = given != nullptr ? given : "";
  setenv("HOME", home.c_str(), 1);
  Config config;
  config.file = home + "/culvert.toml";
  config.auth_file = "/htpasswd";
  config.access_log = "/access.log";
  UpstreamConfig upstream;
  upstream.key = "/home/alice/key.pem";
  upstream.cert = "/home/alice/tls/cert.pem";
  upstream.ca = "/etc/ca.pem";
  config.upstreams = {upstream};
  ListenConfig listen;
  listen.kind = ListenConfig::Kind::unix_socket;
  listen.path = "/proxy.sock";
  config.listen = {listen};
  const NeededPaths needed = needed_paths(config);
  setenv("HOME", before.c_str(), 1);
  CHECK(has(needed.grants, home + "/culvert.toml", Use::read));
  CHECK(has(needed.grants, "/htpasswd", Use::read));
  CHECK(has(needed.grants, "/access.log", Use::write));
  CHECK(has(needed.grants, "/home/alice/key.pem", Use::read));
  CHECK(has(needed.grants, "/home/alice/tls", Use::read));
  for (const std::string& path : {std::string("/"), std::string("/home/alice"), home}) {
    CHECK_FALSE(is_named(needed.grants, path));
  }
  const std::vector<std::string> alone = {home + "/culvert.toml", "/htpasswd",
                                          "/home/alice/key.pem", "/access.log"};
  CHECK(needed.alone == alone);
  CHECK_THAT(alone_text(alone), Contains("restart") && Contains("/htpasswd, /home/alice/key.pem"));
}

TEST_CASE("an access log in a folder of the system is written to without the folder") {
  for (const char* folder : {"/etc", "/root", "/tmp", "/run"}) {
    Config config;
    config.access_log = std::string(folder) + "/culvert-access.log";
    const NeededPaths needed = needed_paths(config);
    CHECK(has(needed.grants, config.access_log, Use::write));
    CHECK_FALSE(has(needed.grants, folder, Use::write));
    CHECK(needed.alone == std::vector<std::string>{config.access_log});
  }
}

TEST_CASE("unix sockets are removed at the end") {
  Config config;
  ListenConfig listen;
  listen.kind = ListenConfig::Kind::unix_socket;
  listen.path = "/run/proxies/proxy.sock";
  config.listen = {listen};
  CHECK(has(needed_paths(config).grants, "/run/proxies", Use::remove));
}

TEST_CASE("the paths are told by what may be done with them") {
  CHECK(paths_text({{"/etc", Use::read}, {"/usr", Use::list}}) == "reads below /etc, /usr");
  CHECK(
      paths_text(
          {{"/etc", Use::read}, {"/var/log/culvert", Use::write}, {"/run/culvert", Use::remove}}) ==
      "reads below /etc; writes below /var/log/culvert; removes below /run/culvert");
}
