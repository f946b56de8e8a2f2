#include "setup/service_listeners.h"

#include "given_listeners.h"
#include "setup/service_files.h"
#include "temporary_root.h"

namespace culvert {
namespace {

using Lines = std::vector<std::string>;
using Catch::Matchers::Contains;

const std::string kBoth = "ListenStream=127.0.0.1:3128\nListenStream=[::1]:3128\nFreeBind=yes\n";
const std::string kGiven = "/run/credentials/culvert.service/";

SetupFacts facts_with(const TemporaryRoot& root, const Lines& listeners) {
  SetupFacts facts = root.facts();
  facts.listeners = given_listeners(listeners);
  return facts;
}

ServiceListeners sort(const SetupFacts& facts) {
  ServiceFiles files(facts);
  return service_listeners(facts, files);
}

ServiceListeners sort_with_bridge(const TemporaryRoot& root, const Lines& listeners,
                                  const std::string& bridge) {
  SetupFacts facts = facts_with(root, listeners);
  facts.bridge = bridge;
  return sort(facts);
}

TEST_CASE("systemd holds plain listeners") {
  const TemporaryRoot root;
  const ServiceListeners one = sort(root.facts());
  CHECK(one.config == Lines{"systemd"});
  CHECK(one.socket == kBoth);
  CHECK_FALSE(one.needs_network);
  const ServiceListeners all =
      sort(facts_with(root, {"127.0.0.1:1", "http://[::1]:2/", ":3", "0.0.0.0:4"}));
  CHECK(all.config == Lines{"systemd"});
  CHECK(all.socket ==
        "ListenStream=127.0.0.1:1\nListenStream=[::1]:2\nListenStream=3\nListenStream=0.0.0.0:4\n");
}

TEST_CASE("systemd holds both addresses of localhost, as serve does") {
  const TemporaryRoot root;
  for (const char* const given : {"localhost:3128", "3128", "http://localhost:3128"}) {
    INFO(given);
    CHECK(sort(facts_with(root, {given})).socket == kBoth);
  }
  CHECK(sort(facts_with(root, {"systemd", "http-only://127.0.0.1:3129"})).socket == kBoth);
}

TEST_CASE("a unix socket has mode and owner of systemd") {
  const TemporaryRoot root;
  CHECK(sort(facts_with(root, {"unix:/run/50%.sock"})).socket ==
        "ListenStream=/run/50%%.sock\nSocketMode=0600\n");
  CHECK(sort(facts_with(root, {"127.0.0.1:1", "unix:/a?owner=me&group=docker"})).socket ==
        "ListenStream=127.0.0.1:1\nListenStream=/a\nSocketMode=0660\nSocketUser=me\n"
        "SocketGroup=docker\n");
  CHECK(sort(facts_with(root, {"unix:/a?mode=0666", "unix:/b?mode=0666"})).problems.empty());
  CHECK(
      sort(facts_with(root, {"unix:/a?mode=0666", "unix:/b"})).problems ==
      Lines{"--listen unix:/b: a .socket unit has one mode and owner for all of its unix sockets"});
  CHECK(sort(facts_with(root, {"unix:/a?proxy-protocol=on"})).problems.size() == 1);
}

TEST_CASE("a unix socket that a unit cannot name is refused") {
  const TemporaryRoot root;
  const auto problem = [&](const std::string& listener) {
    const ServiceListeners refused = sort(facts_with(root, {listener}));
    CHECK(refused.socket.find("ListenStream=/") == std::string::npos);
    REQUIRE(refused.problems.size() == 1);
    return refused.problems[0];
  };
  CHECK(problem("unix:run/c.sock") ==
        "--listen unix:run/c.sock: the service starts in /; write the whole path of the socket");
  for (const std::string path : {"/run/c\\", "/run/c\nExecStart=/x", "/a?owner=a%0Ab"}) {
    INFO(path);
    const std::string text = problem("unix:" + path);
    CHECK_THAT(text, Contains("a .socket unit cannot have it"));
    CHECK(text.find('\n') == std::string::npos);
  }
  CHECK(sort(facts_with(root, {"unix:/a\\b"})).problems.empty());
}

TEST_CASE("names of users and groups are no specifiers of systemd") {
  const TemporaryRoot root;
  const std::string unit =
      sort(facts_with(root, {"unix:/a?mode=0660&owner=%25h&group=a%25b"})).socket;
  CHECK(unit == "ListenStream=/a\nSocketMode=0660\nSocketUser=%%h\nSocketGroup=a%%b\n");
  CHECK(read_socket_unit(unit).listeners == Lines{"unix:/a?mode=0660&owner=%25h&group=a%25b"});
}

TEST_CASE("what has options or a scheme is bound by the service, and they are unchanged") {
  const TemporaryRoot root;
  root.write("/etc/c.pem", "x", 0644);
  const Lines own = {"https://10.0.0.5:3129?cert=/etc/c.pem", "127.0.0.1:3130?proxy-protocol=on",
                     "http-only://127.0.0.1:3131"};
  const ServiceListeners all = sort(facts_with(root, own));
  CHECK(all.config == own);
  CHECK(all.socket.empty());
  CHECK(all.needs_network);
  const ServiceListeners mixed = sort(facts_with(root, {own[1], "127.0.0.1:1"}));
  CHECK(mixed.config == Lines{"systemd", own[1]});
  CHECK(mixed.socket == "ListenStream=127.0.0.1:1\n");
  CHECK_FALSE(mixed.needs_network);
  CHECK(sort(facts_with(root, {"https://0.0.0.0:443?cert=/etc/c.pem"})).problems.size() == 1);
}

TEST_CASE("certificate and key that not everybody can read are handed over, both") {
  const TemporaryRoot root;
  root.write("/etc/tls/c.crt", "x", 0644);
  root.write("/etc/tls/c.key", "x", 0600);
  root.write("/etc/tls/ca.crt", "x", 0640);
  const SetupFacts facts = facts_with(
      root,
      {"https://127.0.0.1:1?cert=/etc/tls/c.crt&KEY=/etc/tls/c.key&client-ca=/etc/tls/ca.crt"});
  ServiceFiles files(facts);
  CHECK(service_listeners(facts, files).config ==
        Lines{"https://127.0.0.1:1?cert=" + kGiven + "c.crt&key=" + kGiven +
              "c.key&client-ca=" + kGiven + "ca.crt"});
  CHECK(files.unit_lines() ==
        "LoadCredential=c.crt:/etc/tls/c.crt\nLoadCredential=c.key:/etc/tls/c.key\n"
        "LoadCredential=ca.crt:/etc/tls/ca.crt\n");
}

TEST_CASE("sockets of a unit of the user's own have their name") {
  const TemporaryRoot root;
  root.write("/etc/c.pem", "x", 0644);
  const ServiceListeners own = sort(facts_with(root, {"systemd:tls?cert=/etc/c.pem"}));
  CHECK(own.config == Lines{"systemd:tls?cert=/etc/c.pem"});
  CHECK(own.socket.empty());
  REQUIRE(own.notes.size() == 1);
  CHECK_THAT(own.notes[0], Contains("FileDescriptorName=tls and Service=culvert.service"));
  CHECK(sort(facts_with(root, {"systemd:tls", "127.0.0.1:1"})).config ==
        Lines{"systemd:culvert.socket", "systemd:tls"});
  const ServiceListeners ours = sort(facts_with(root, {"systemd"}));
  CHECK(ours.config == Lines{"systemd"});
  CHECK(ours.socket == kBoth);
  CHECK(sort(facts_with(root, {"systemd?cert=/etc/c.pem"})).problems.size() == 1);
}

TEST_CASE("the bridge is listened on once") {
  const TemporaryRoot root;
  root.write("/etc/c.pem", "x", 0644);
  const auto socket = [&](const Lines& listeners) {
    return sort_with_bridge(root, listeners, "172.17.0.1").socket;
  };
  CHECK(
      socket({"127.0.0.1:1"}) ==
      "ListenStream=127.0.0.1:1\n# --bridge 172.17.0.1\nListenStream=172.17.0.1:1\nFreeBind=yes\n");
  CHECK(
      socket({"127.0.0.1:1", "172.17.0.1:2"}) ==
      "ListenStream=127.0.0.1:1\nListenStream=172.17.0.1:2\n# --bridge 172.17.0.1\nFreeBind=yes\n");
  CHECK(socket({":1"}) == "ListenStream=1\n");
  CHECK(socket({"https://0.0.0.0:3129?cert=/etc/c.pem"}).empty());
  CHECK(socket({"https://172.17.0.1:3129?cert=/etc/c.pem"}).empty());
  CHECK(
      socket({"https://127.0.0.1:3129?cert=/etc/c.pem", "127.0.0.1:1"}) ==
      "ListenStream=127.0.0.1:1\n# --bridge 172.17.0.1\nListenStream=172.17.0.1:1\nFreeBind=yes\n");
}

TEST_CASE("the bridge is no way around the TLS of all listeners") {
  const TemporaryRoot root;
  root.write("/etc/c.pem", "x", 0644);
  const ServiceListeners refused = sort_with_bridge(
      root, {"https://127.0.0.1:3129?cert=/etc/c.pem", "unix:/run/c.sock"}, "172.17.0.1");
  CHECK(refused.socket.find("172.17.0.1") == std::string::npos);
  REQUIRE(refused.problems.size() == 1);
  CHECK_THAT(refused.problems[0], Contains("--listen https://172.17.0.1:3129?cert=...&key=..."));
  CHECK(sort_with_bridge(root, {"https://172.17.0.1:3129?cert=/etc/c.pem"}, "172.17.0.1")
            .problems.empty());
}

TEST_CASE("a socket unit tells which listeners made it") {
  const TemporaryRoot root;
  const auto read = [&](const Lines& listeners, const std::string& bridge) {
    return read_socket_unit(sort_with_bridge(root, listeners, bridge).socket);
  };
  const Lines all = {"127.0.0.1:1", ":2", "[::1]:3", "localhost:4",
                     "unix:/run/50%.sock?mode=0660&group=docker"};
  CHECK(read(all, "").listeners == all);
  CHECK(read(all, "").bridge.empty());
  CHECK(read({"5"}, "").listeners == Lines{"localhost:5"});
  for (const Lines& given :
       {Lines{"127.0.0.1:1"}, Lines{"172.17.0.1:1"}, Lines{"127.0.0.1:1", "172.17.0.1:2"},
        Lines{"localhost:1", "10.0.0.5:1"}, Lines{"172.17.0.1:2", "127.0.0.1:1"}}) {
    INFO(given[0]);
    CHECK(read(given, "172.17.0.1").listeners == given);
    CHECK(read(given, "172.17.0.1").bridge == "172.17.0.1");
    CHECK(read(given, "").bridge.empty());
  }
}

}  // namespace
}  // namespace culvert
