// A reason phrase is all that many a user sees, so it has the cause, however long the names are.
#include <cerrno>
#include <string>
#include <vector>

#include "support/catch.h"
#include "support/plain_scene.h"
#include "support/session_scene.h"

using namespace culvert;
using namespace culvert::test;
using namespace std::string_literals;
using Catch::Matchers::Contains;

namespace {

std::string name_of(std::size_t length) {
  std::string name;
  while (name.size() + 60 < length) name += std::string(59, 'n') + ".";
  return name + std::string(length - name.size(), 'n');
}

std::string connect_to(const std::string& target) {
  return "CONNECT " + target + " HTTP/1.1\r\nHost: " + target + "\r\n\r\n";
}

}  // namespace

TEST_CASE("a target with a long name that is denied") {
  const std::string target = name_of(197) + ":443";
  const bool plain = GENERATE(false, true);
  Scene scene;
  RoutingTable table;
  table.otherwise = {{}, "--route *=deny"};
  scene.router.emplace(std::move(table));
  scene.client
      .sends(plain ? "GET http://" + target + "/ HTTP/1.1\r\nHost: x\r\n\r\n" : connect_to(target))
      .ends();
  scene.start();
  const Answer answer = scene.answer();
  CHECK(answer.status == 403);
  CHECK_THAT(answer.reason, Contains("nn:443 is denied by --route *=deny"));
  CHECK_THAT(scene.access_text(), Contains("target=" + (plain ? "http://"s : ""s) + target));
}

TEST_CASE("an upstream with a long name, and a target with one") {
  UpstreamConfig proxy = http();
  proxy.address = HostPort::from(name_of(253), 3128).value();
  proxy.label = "http://" + proxy.address.to_string();
  const std::string target = name_of(200) + ":443";
  Scene scene;
  scene.add(proxy);
  scene.client.sends(connect_to(target)).ends();
  std::string cause;
  SECTION("that cannot be connected to") {
    scene.transport->fails(ECONNREFUSED);
    cause = "refused the connection - is the tunnel up? (for nn";
  }
  SECTION("that closes") {
    scene.upstream.ends();
    cause = "closed the connection instead of answering for nn";
  }
  SECTION("that speaks something else") {
    scene.upstream.sends("SSH-2.0-OpenSSH_9\r\n").ends();
    cause = "answered in SSH, not in HTTP";
  }
  scene.start();
  const Answer answer = scene.answer();
  CHECK(answer.reason.size() <= 200);
  CHECK_THAT(answer.reason, Contains(cause));
  CHECK_THAT(answer.reason, Contains("nn:3128 "));
  CHECK_THAT(scene.access_text(), Contains("upstream=" + proxy.label));
}

TEST_CASE("a plain request's failure also names a peer that does not speak HTTP") {
  struct Row {
    std::string reply;
    const char* cause;
  };
  const auto row = GENERATE(values<Row>({
      {"\x15\x03\x01\x00\x02\x02\x28"s, "answered in TLS, not in HTTP"},
      {"\x05\xff"s, "answered in SOCKS5, not in HTTP"},
      {"\x00\x5b\x00\x00\x00\x00\x00\x00"s, "answered in SOCKS4, not in HTTP"},
      {"SSH-2.0-OpenSSH_9\r\n", "answered in SSH, not in HTTP"},
      {"220 smtp ready\r\n", "did not answer in HTTP"},
  }));
  const bool by_bytes = GENERATE(false, true);
  const bool proxy = GENERATE(false, true);
  CAPTURE(row.cause, by_bytes, proxy);
  PlainScene::Options options;
  options.upstream = proxy ? "http://proxy.example" : "direct://";
  PlainScene scene(std::move(options));
  scene.send(crlf("GET http://a.example/ HTTP/1.1\nHost: a.example\n\n"));
  if (by_bytes && row.reply[0] != '\0') {
    // The first byte may be enough, and then the others are not read.
    for (const char c : row.reply) {
      scene.target().send({&c, 1});
      scene.settle();
    }
  } else {
    scene.answer(row.reply);
  }
  const std::string answer = scene.receive();
  CHECK_THAT(answer, Contains("HTTP/1.1 502 culvert: "s +
                              (proxy ? "upstream http://proxy.example:3128 (for a.example:80) "
                                     : "target a.example:80 ") +
                              row.cause + " - does the URL name the right protocol and port?\r\n"));
}

TEST_CASE("HTTP that goes wrong later is not taken for another protocol") {
  PlainScene scene;
  scene.send(crlf("GET http://a.example/ HTTP/1.1\nHost: a.example\n\n"));
  SECTION("behind an interim response") {
    scene.answer(crlf("HTTP/1.1 103 Early\n\n"));
    scene.receive();
    scene.answer("\x15\x03\x01");
    CHECK_THAT(scene.receive(), Contains("sent a bad answer: the head contains"));
  }
  SECTION("on a connection that has served") {
    scene.answer(crlf("HTTP/1.1 200 OK\nContent-Length: 0\n\n"));
    scene.receive();
    scene.send(crlf("GET http://a.example/ HTTP/1.1\nHost: a.example\n\n"));
    scene.answer("\x15\x03\x01");
    CHECK_THAT(scene.receive(), Contains("sent a bad answer: the head contains"));
  }
}
