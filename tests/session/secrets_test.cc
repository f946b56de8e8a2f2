// Passwords and tokens that come over the wire, from either side, and show up nowhere else.
#include <string>
#include <vector>

#include "base/text.h"
#include "support/catch.h"
#include "support/plain_scene.h"
#include "support/session_scene.h"

using namespace culvert;
using namespace culvert::test;
using Catch::Matchers::Contains;

namespace {

const std::string kSecret = "hunter2SECRET";

std::string with_secret(std::string text) {
  for (std::size_t at; (at = text.find('$')) != std::string::npos;) text.replace(at, 1, kSecret);
  return text;
}

void check_hidden(const std::string& text) {
  INFO(text);
  CHECK_FALSE(text.empty());
  for (const std::string& form :
       {kSecret, base64_encode(kSecret).substr(0, 16), base64_encode("alice:" + kSecret)}) {
    CHECK(text.find(form) == std::string::npos);
  }
}

}  // namespace

TEST_CASE("a password where a client's request has no place for one is not repeated") {
  const Log::Format format = GENERATE(Log::Format::text, Log::Format::json);
  const std::string row = GENERATE(values<std::string>({
      "CONNECT u:$@a.example:443 HTTP/1.1\nHost: a.example\n\n",
      "CONNECT u:$ HTTP/1.1\nHost: a.example\n\n",
      "CONNECT u:12,$ HTTP/1.1\nHost: a.example\n\n",
      "CONNECT http://u:$@a.example/ HTTP/1.1\nHost: a.example\n\n",
      "GET http://u:$@a.example/ HTTP/1.1\nHost: a.example\n\n",
      "GET http://u:$/x@a.example/ HTTP/1.1\nHost: a.example\n\n",
      "GET http://u:x?$@a.example/ HTTP/1.1\nHost: a.example\n\n",
      "GET http://u:x/$@a.example/ HTTP/1.1\nHost: a.example\n\n",
      "GET https://u:$@a.example/ HTTP/1.1\nHost: a.example\n\n",
      "GET ftp://u:$@a.example/ HTTP/1.1\nHost: a.example\n\n",
      "GET u:$@a.example HTTP/1.1\nHost: a.example\n\n",
      "GET /p?token=$ HTTP/1.1\nHost: a.example\n\n",
      "GET http://a.example/ HTTP/1.1\nHost: u:$@h\n\n",
      "GET http://a.example/ HTTP/1.1\nHost: u:$\n\n",
      "GET http://a.example/ HTTP/1.1\nHost: u:12,$\n\n",
      "GET http://a.example/ HTTP/1.1\nHost: a.example\nExpect: $\n\n",
      "GET http://a.example/ HTTP/1.1\nHost: a.example\nTransfer-Encoding: $\n\n",
      "GET http://a.example/ HTTP/1.1\nHost: a.example\nContent-Length: $\n\n",
      "GET http://a.example/ HTTP/1.1\nHost: a.example\nProxy-Authorization : Basic $\n\n",
      "GET http://a.example/ HTTP/1.1\nHost: a.example\nCookie: $\n folded: $\n\n",
      "GET http://a.example/?token=$#x HTTP/1.1\nHost: a.example\n\n",
      "OPTIONS http://a.example/?token=$ HTTP/1.1\nHost: a.example\nMax-Forwards: 0\n\n",
      "TRACE http://a.example/ HTTP/1.1\nHost: a.example\nMax-Forwards: 0\nCookie: $\n\n",
  }));
  CAPTURE(row);
  Scene scene({}, {}, format);
  scene.client.sends(crlf(with_secret(row))).ends();
  scene.start();
  REQUIRE(scene.run());
  check_hidden(scene.client.received() + scene.access_text() + scene.log_text());
}

TEST_CASE("a proxy that repeats our password is not passed on") {
  const Log::Format format = GENERATE(Log::Format::text, Log::Format::json);
  const std::string status = GENERATE("403", "407", "405", "502", "504");
  const std::string echo = GENERATE(
      std::string("no $ here"), "no Basic " + base64_encode("alice:" + kSecret),
      "no " + base64_encode("alice:" + kSecret).substr(0, 26), "no " + base64_encode(kSecret));
  Scene scene({}, {}, format);
  scene.add(http_as("alice", kSecret));
  scene.upstream.sends(with_secret("HTTP/1.1 " + status + " " + echo + "\r\nX: $\r\n\r\n")).ends();
  scene.client.sends(std::string(kConnect)).ends();
  scene.start();
  const Answer answer = scene.answer();
  CHECK_THAT(answer.reason, Contains("answered " + status + " *** for gcr.io:443"));
  check_hidden(scene.client.received() + scene.access_text() + scene.log_text());
}

TEST_CASE("nor to a plain request, by any status") {
  for (const std::string status : {"103", "200", "403", "407", "503"}) {
    CAPTURE(status);
    PlainScene::Options options;
    options.upstream = "http://alice:" + kSecret + "@proxy.example";
    PlainScene scene(std::move(options));
    scene.send(crlf("GET http://a.example/ HTTP/1.1\nHost: a.example\n\n"));
    scene.answer(crlf(with_secret("HTTP/1.1 " + status + " $\nContent-Length: 0\n\n")));
    if (status == "103") scene.answer(crlf("HTTP/1.1 200 OK\nContent-Length: 0\n\n"));
    const std::string answer = scene.receive();
    scene.client().finish();
    scene.settle();
    check_hidden(answer + scene.access_lines().at(0));
  }
}

TEST_CASE("a target's own reason phrase passes unchanged") {
  PlainScene scene;
  scene.send(crlf("GET http://a.example/ HTTP/1.1\nHost: a.example\n\n"));
  scene.answer(crlf("HTTP/1.1 404 Not here\nContent-Length: 0\n\n"));
  CHECK_THAT(scene.receive(), Contains("HTTP/1.1 404 Not here\r\n"));
}

TEST_CASE("the access log has a URL without its query") {
  PlainScene scene;
  scene.send(crlf(with_secret("GET http://a.example/p?token=$ HTTP/1.1\nHost: a.example\n\n")));
  CHECK_THAT(scene.at_target(), Contains("GET /p?token=" + kSecret + " "));
  scene.answer(crlf("HTTP/1.1 200 OK\nContent-Length: 0\n\n"));
  scene.send(crlf(with_secret("GET http://a.example?$ HTTP/1.1\nHost: a.example\n\n")));
  scene.answer(crlf("HTTP/1.1 200 OK\nContent-Length: 0\n\n"));
  const auto lines = scene.access_lines();
  REQUIRE(lines.size() == 2);
  CHECK_THAT(lines[0], Contains(" target=http://a.example/p?... "));
  CHECK_THAT(lines[1], Contains(" target=http://a.example?... "));
  for (const std::string& line : lines) check_hidden(line);
}
