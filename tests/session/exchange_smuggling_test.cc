// Messages that two readers might read differently: from the client they end here, before a byte
// reaches the target; from the target they become a 502, and never the client's next response.

#include "support/catch.h"
#include "support/plain_scene.h"

using namespace culvert;
using namespace culvert::test;

namespace {

using std::string;

bool has(const string& text, std::string_view part) { return text.find(part) != string::npos; }

struct Vector {
  const char* name;
  string text;
};

string request(std::string_view fields, std::string_view behind = "") {
  return "POST http://a.example/ HTTP/1.1\r\nHost: a.example\r\n" + string(fields) + "\r\n" +
         string(behind);
}

const string kSmuggled = "GET http://a.example/smuggled HTTP/1.1\r\nHost: a.example\r\n\r\n";

bool is_one_answer(const string& received) {
  return received.starts_with("HTTP/1.1 ") && !has(received, "\nHTTP/1.") &&
         !has(received, "smuggled");
}

/// How the bytes come: in one piece, or each alone.
void send(PlainScene& scene, bool whole, const string& bytes) {
  if (whole) return scene.send(bytes);
  for (const char c : bytes) {
    scene.client().send({&c, 1});
    scene.settle();
  }
}

}  // namespace

TEST_CASE("RFC 9112 11.2: an ambiguous head reaches no target") {
  const Vector vectors[] = {
      {"CL and TE", request("Content-Length: 4\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n")},
      {"TE and CL", request("Transfer-Encoding: chunked\r\nContent-Length: 4\r\n", "0\r\n\r\n")},
      {"two lengths", request("Content-Length: 4\r\nContent-Length: 5\r\n", "12345")},
      {"two equal lengths", request("Content-Length: 4\r\nContent-Length: 4\r\n", "1234")},
      {"a list of lengths", request("Content-Length: 4, 4\r\n", "1234")},
      {"length +4", request("Content-Length: +4\r\n", "1234")},
      {"length -1", request("Content-Length: -1\r\n")},
      {"length 0x4", request("Content-Length: 0x4\r\n", "1234")},
      {"length 4 0", request("Content-Length: 4 0\r\n", "1234")},
      {"empty length", request("Content-Length:\r\n")},
      {"overflowing length", request("Content-Length: 18446744073709551617\r\n", "1")},
      {"chunked is not last", request("Transfer-Encoding: chunked, identity\r\n", "0\r\n\r\n")},
      {"chunked twice", request("Transfer-Encoding: chunked, chunked\r\n", "0\r\n\r\n")},
      {"chunked in two fields",
       request("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n")},
      {"identity", request("Transfer-Encoding: identity\r\n")},
      {"xchunked", request("Transfer-Encoding: xchunked\r\n", "0\r\n\r\n")},
      {"chunked with VT", request("Transfer-Encoding: \x0b"
                                  "chunked\r\n",
                                  "0\r\n\r\n")},
      {"quoted chunked", request("Transfer-Encoding: \"chunked\"\r\n", "0\r\n\r\n")},
      {"TE in HTTP/1.0",
       "POST http://a.example/ HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
      {"space before colon", request("Transfer-Encoding : chunked\r\n", "0\r\n\r\n")},
      {"tab before colon", request("Content-Length\t: 4\r\n", "1234")},
      {"space before name", request(" Content-Length: 4\r\n", "1234")},
      {"obs-fold", request("X: a\r\n Content-Length: 4\r\n", "1234")},
      {"obs-fold in TE", request("Transfer-Encoding:\r\n chunked\r\n", "0\r\n\r\n")},
      {"bare LF", request("X: a\nContent-Length: 4\r\n", "1234")},
      {"bare LF ends the head", "GET http://a.example/ HTTP/1.1\nHost: a.example\n\n"},
      {"bare CR", request("X: a\rContent-Length: 4\r\n", "1234")},
      {"CR CR LF", request("X: a\r\r\nContent-Length: 4\r\n", "1234")},
      {"NUL in a value", request(string("X: a\0b\r\n", 8))},
      {"NUL in a name", request(string("X\0: b\r\n", 7))},
      {"no colon", request("Content-Length 4\r\n", "1234")},
      {"empty name", request(": 4\r\n")},
      {"no Host", "GET http://a.example/ HTTP/1.1\r\n\r\n"},
      {"two Hosts", request("Host: b.example\r\n")},
      {"invalid Host", "GET http://a.example/ HTTP/1.1\r\nHost: a b\r\n\r\n"},
      {"space in the target", "GET http://a.example/a b HTTP/1.1\r\nHost: a.example\r\n\r\n"},
      {"tab in the target", "GET http://a.example/a\tb HTTP/1.1\r\nHost: a.example\r\n\r\n"},
      {"no version", "GET http://a.example/\r\nHost: a.example\r\n\r\n"},
      {"two spaces", "GET  http://a.example/ HTTP/1.1\r\nHost: a.example\r\n\r\n"},
      {"lower-case version", "GET http://a.example/ http/1.1\r\nHost: a.example\r\n\r\n"},
      {"userinfo", "GET http://good.example@a.example/ HTTP/1.1\r\nHost: a.example\r\n\r\n"},
      {"non-ASCII host", "GET http://\xc3\xa4.example/ HTTP/1.1\r\nHost: a.example\r\n\r\n"},
      {"fragment", "GET http://a.example/#x HTTP/1.1\r\nHost: a.example\r\n\r\n"},
      {"bad port", "GET http://a.example:99999/ HTTP/1.1\r\nHost: a.example\r\n\r\n"},
      {"backslash in the authority", "GET http://a.example\\@b/ HTTP/1.1\r\nHost: a\r\n\r\n"},
  };
  for (const Vector& vector : vectors) {
    for (const bool whole : {true, false}) {
      CAPTURE(vector.name, whole);
      PlainScene scene;
      send(scene, whole, vector.text + kSmuggled);
      CHECK(scene.dialed() == 0);
      const string received = scene.receive();
      CHECK(received.starts_with("HTTP/1.1 400 "));
      CHECK(is_one_answer(received));
      CHECK((scene.client().ended() || scene.client().was_reset()));
    }
  }
}

TEST_CASE("RFC 9112 7.1: ambiguous chunks end the request") {
  const Vector vectors[] = {
      {"size that overflows", "10000000000000000\r\n"},
      {"size with sign", "+5\r\nhello\r\n0\r\n\r\n"},
      {"size with 0x", "0x5\r\nhello\r\n0\r\n\r\n"},
      {"size with space before", " 5\r\nhello\r\n0\r\n\r\n"},
      {"empty size", "\r\nhello\r\n0\r\n\r\n"},
      {"size line ends in LF", "5\nhello\r\n0\r\n\r\n"},
      {"bare LF in an extension", "5;x\nhello\r\n0\r\n\r\n"},
      {"chunk longer than it said", "5\r\nhello!\r\n0\r\n\r\n"},
      {"chunk shorter than it said", "5\r\nhell\r\n0\r\n\r\n"},
      {"chunk ends in LF", "5\r\nhello\n0\r\n\r\n"},
      {"last chunk ends in LF", "0\n\n"},
      {"trailer with bare LF", "0\r\nX: a\nY: b\r\n\r\n"},
      {"trailer with space before colon", "0\r\nX : a\r\n\r\n"},
      {"folded trailer", "0\r\nX: a\r\n b\r\n\r\n"},
      {"endless extension", "5;" + string(4000, 'x') + "\r\n"},
  };
  const string head = request("Transfer-Encoding: chunked\r\n");
  for (const Vector& vector : vectors) {
    CAPTURE(vector.name);
    {
      // In one piece nothing has left yet.
      PlainScene scene;
      scene.send(head + vector.text + kSmuggled);
      CHECK(scene.at_target().empty());
      CHECK(scene.receive().starts_with("HTTP/1.1 400 "));
    }
    PlainScene scene;
    send(scene, false, head + vector.text + kSmuggled);
    const string forwarded = scene.at_target();
    CHECK_FALSE(has(forwarded, "smuggled"));
    CHECK_FALSE(has(forwarded, "\r\n0\r\n\r\n"));
    CHECK((scene.target().ended() || scene.target().was_reset()));
    const string received = scene.receive();
    CHECK(received.starts_with("HTTP/1.1 400 "));
    CHECK(is_one_answer(received));
  }
}

TEST_CASE("RFC 9112 2.2: what is harmless is written anew, byte for byte as we mean it") {
  struct Harmless {
    const char* name;
    string sent;
    string forwarded;
  };
  const string plain = "POST / HTTP/1.1\r\nHost: a.example\r\n";
  const Harmless vectors[] = {
      {"empty line first", "\r\n" + request("Content-Length: 0\r\n"),
       plain + "Content-Length: 0\r\nVia: 1.1 scene\r\n\r\n"},
      {"leading zeros", request("Content-Length: 0004\r\n", "1234"),
       plain + "Content-Length: 4\r\nVia: 1.1 scene\r\n\r\n1234"},
      {"white space around", request("Content-Length:   4  \r\n", "1234"),
       plain + "Content-Length: 4\r\nVia: 1.1 scene\r\n\r\n1234"},
      {"Chunked", request("Transfer-Encoding: CHUNKED\r\n", "0;x=\"y\"\r\n\r\n"),
       plain + "Transfer-Encoding: chunked\r\nVia: 1.1 scene\r\n\r\n0\r\n\r\n"},
      {"chunk size with zeros",
       request("Transfer-Encoding: chunked\r\n", "0002\r\nab\r\n00\r\n\r\n"),
       plain + "Transfer-Encoding: chunked\r\nVia: 1.1 scene\r\n\r\n2\r\nab\r\n0\r\n\r\n"},
      {"Connection names the framing",
       request("Connection: Content-Length\r\nContent-Length: 4\r\n", "1234"),
       plain + "Content-Length: 4\r\nVia: 1.1 scene\r\n\r\n1234"},
      {"Connection names Host", request("Connection: Host\r\n"), plain + "Via: 1.1 scene\r\n\r\n"},
      {"framing in a trailer",
       request("Transfer-Encoding: chunked\r\n", "0\r\nContent-Length: 9\r\nHost: b\r\n\r\n"),
       plain + "Transfer-Encoding: chunked\r\nVia: 1.1 scene\r\n\r\n0\r\n\r\n"},
      {"a body that looks like a request", request("Content-Length: 16\r\n", "GET / HTTP/1.1\r\n"),
       plain + "Content-Length: 16\r\nVia: 1.1 scene\r\n\r\nGET / HTTP/1.1\r\n"},
  };
  for (const Harmless& vector : vectors) {
    CAPTURE(vector.name);
    PlainScene scene;
    scene.send(vector.sent);
    CHECK(scene.at_target() == vector.forwarded);
    scene.answer("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    CHECK(scene.receive().starts_with("HTTP/1.1 200 OK"));
  }
}

TEST_CASE("RFC 9112 11.1: an ambiguous response is a 502 and the end") {
  const string chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
  const Vector vectors[] = {
      {"CL and TE",
       "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
      {"two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nContent-Length: 3\r\n\r\n"},
      {"malformed length", "HTTP/1.1 200 OK\r\nContent-Length: 3x\r\n\r\n"},
      {"chunked is not last", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, gzip\r\n\r\n"},
      {"TE in HTTP/1.0", "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
      {"space within a name", "HTTP/1.1 200 OK\r\nContent Length : 0\r\n\r\n"},
      {"obs-fold", "HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 0\r\n\r\n"},
      {"bare LF", "HTTP/1.1 200 OK\nContent-Length: 0\n\n"},
      {"bare CR splits", "HTTP/1.1 200 OK\r\nX: a\rSet-Cookie: x\r\nContent-Length: 0\r\n\r\n"},
      {"NUL", string("HTTP/1.1 200 OK\r\nX: \0\r\n\r\n", 24)},
      {"bad status", "HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n"},
      {"status 099", "HTTP/1.1 099 OK\r\nContent-Length: 0\r\n\r\n"},
      {"HTTP/2", "HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n"},
      {"no HTTP at all", "SSH-2.0-OpenSSH_9.2\r\n\r\n"},
      {"empty line first", "\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"},
      {"bad chunk in the first bytes", chunked + "x\r\n"},
      {"blank between digits in the first bytes", chunked + "1 0\r\n"},
      {"overflowing chunk in the first bytes", chunked + "fffffffffffffffff\r\n"},
  };
  for (const Vector& vector : vectors) {
    for (const bool whole : {true, false}) {
      CAPTURE(vector.name, whole);
      PlainScene scene;
      scene.send(kSmuggled + kSmuggled);
      const string answer = vector.text + "HTTP/1.1 200 smuggled\r\nContent-Length: 0\r\n\r\n";
      if (whole) {
        scene.target().send(answer);
      } else {
        for (const char c : answer) {
          scene.target().send({&c, 1});
          scene.settle();
        }
      }
      const string received = scene.receive();
      // A valid head that was sent cannot be taken back: then the connection is cut.
      if (whole || !vector.text.starts_with(chunked)) {
        CHECK(received.starts_with("HTTP/1.1 502 "));
      } else {
        CHECK(received.ends_with("\r\n\r\n"));
        CHECK_FALSE(has(received, "0\r\n\r\n"));
      }
      CHECK(is_one_answer(received));
      CHECK((scene.client().ended() || scene.client().was_reset()));
      CHECK(scene.dialed() == 1);
    }
  }
}

TEST_CASE("RFC 9112 4: an empty line before the status line is named as such") {
  for (const char* before : {"\r\n", "\n", "\r\n\r\n"}) {
    for (const bool whole : {true, false}) {
      CAPTURE(before, whole);
      PlainScene scene;
      scene.send(kSmuggled);
      for (const char c : string(before) + "HTTP/1.1 200 OK\r\n") {
        if (!whole) scene.target().send({&c, 1});
        if (!whole) scene.settle();
      }
      if (whole) scene.target().send(string(before) + "HTTP/1.1 200 OK\r\n");
      CHECK(scene.receive().starts_with(
          "HTTP/1.1 502 culvert: target a.example:80 sent a bad answer: "
          "there is an empty line before the status line\r\n"));
    }
  }
}

TEST_CASE("RFC 9112 5.1: a blank before a response's colon is removed") {
  PlainScene scene;
  scene.send(kSmuggled);
  scene.answer(
      "HTTP/1.1 200 OK\r\nDate : x\r\nContent-Length: 2\r\nX-XSS-Protection\t: 1\r\n\r\nok");
  const string passed_on =
      "HTTP/1.1 200 OK\r\nDate: x\r\nContent-Length: 2\r\nX-XSS-Protection: 1\r\n"
      "Via: 1.1 scene\r\n\r\nok";
  CHECK(scene.receive() == passed_on);
  scene.send(kSmuggled);
  CHECK(scene.dialed() == 1);
  // Another reader might not have taken this one for a length.
  scene.answer("HTTP/1.1 200 OK\r\nDate: x\r\nContent-Length : 2\r\nX-XSS-Protection: 1\r\n\r\nok");
  CHECK(scene.receive() == passed_on);
  scene.send(kSmuggled);
  CHECK(scene.dialed() == 2);
}

TEST_CASE(
    "RFC 9112 6.3 rule 1: without a body, framing in doubt ends no more than the connection") {
  const string head = "HEAD http://a.example/ HTTP/1.1\r\nHost: a.example\r\n\r\n";
  for (const char* fields :
       {"Transfer-Encoding: identity\r\n", "Content-Length: 1\r\nContent-Length: 2\r\n",
        "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n"}) {
    CAPTURE(fields);
    PlainScene scene;
    scene.send(head);
    scene.answer("HTTP/1.1 200 OK\r\nDate: x\r\nETag: \"y\"\r\n" + string(fields) + "\r\n");
    CHECK(scene.receive() == "HTTP/1.1 200 OK\r\nDate: x\r\nETag: \"y\"\r\nVia: 1.1 scene\r\n\r\n");
    scene.send(head);
    CHECK(scene.dialed() == 2);
    scene.answer("HTTP/1.1 200 second\r\n\r\n", 1);
    CHECK(scene.receive().starts_with("HTTP/1.1 200 second\r\n"));
  }
}

TEST_CASE("RFC 9112 11.1: a response head without end is a 502") {
  PlainScene scene;
  scene.send(kSmuggled);
  const string piece = "X: " + string(8000, 'x') + "\r\n";
  scene.target().send("HTTP/1.1 200 OK\r\n");
  for (int i = 0; i < 20; ++i) {
    scene.target().send(piece);
    scene.settle();
  }
  CHECK(scene.receive().starts_with("HTTP/1.1 502 "));
}

TEST_CASE("RFC 9112 6.3: a body where none may be is not the next response") {
  for (const char* answer :
       {"HTTP/1.1 204 No\r\nContent-Length: 5\r\n\r\nhello",
        "HTTP/1.1 304 No\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 smuggled\r\n\r\n"}) {
    CAPTURE(answer);
    PlainScene scene;
    scene.send(kSmuggled);
    scene.answer(answer);
    scene.receive();
    scene.send(kSmuggled);
    CHECK(scene.dialed() == 2);
    scene.answer("HTTP/1.1 200 second\r\nContent-Length: 0\r\n\r\n", 1);
    CHECK(scene.receive().starts_with("HTTP/1.1 200 second\r\n"));
  }
}
