#include "status/answer_reader.h"

#include <string>
#include <vector>

#include "support/catch.h"

using namespace culvert;
using Catch::Matchers::Contains;

namespace {

struct Outcome {
  int status = 0;
  std::string body;
  bool complete = false;
  std::string error;
};

/// `bytes` in pieces of `size`, and then the end of the connection.
Outcome read(const std::string& bytes, std::size_t size, std::size_t most = 1'000) {
  AnswerReader reader(most);
  Outcome out;
  for (std::size_t at = 0; at < bytes.size(); at += size) {
    const auto taken = reader.take(std::string_view(bytes).substr(at, size));
    if (!taken) {
      out.error = taken.error().text;
      return out;
    }
    out.complete = *taken;
  }
  out.status = reader.status();
  if (const auto ended = reader.end(); !ended) out.error = ended.error().text;
  out.body = reader.body();
  return out;
}

}  // namespace

TEST_CASE("an answer is read in pieces of any size, however it is framed") {
  const std::vector<std::string> answers = {
      "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n{\"a\":1}",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n{\"a\r\n4\r\n\":1}\r\n0\r\n\r\n",
      "HTTP/1.1 103 Early\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n{\"a\":1}",
  };
  for (const std::string& answer : answers) {
    for (const std::size_t size : {1UL, 2UL, 3UL, 7UL, 31UL, answer.size()}) {
      INFO(answer << " by " << size);
      const Outcome out = read(answer, size);
      CHECK(out.status == 200);
      CHECK(out.body == "{\"a\":1}");
      CHECK(out.complete);
      CHECK(out.error.empty());
    }
  }
}

TEST_CASE("an answer may end with its connection, or have no body") {
  const Outcome open = read("HTTP/1.1 500 No\r\n\r\nwhy", 5);
  CHECK(open.status == 500);
  CHECK(open.body == "why");
  CHECK_FALSE(open.complete);
  CHECK(open.error.empty());
  const Outcome none = read("HTTP/1.1 204 Done\r\n\r\n", 100);
  CHECK(none.status == 204);
  CHECK(none.complete);
}

TEST_CASE("what is behind an answer is not of it") {
  const Outcome out = read("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokmore", 1'000);
  CHECK(out.body == "ok");
  CHECK(out.complete);
}

TEST_CASE("an answer that is cut off, malformed or endless is an error") {
  CHECK(read("", 1).error == "closed the connection without an answer");
  CHECK(read("HTTP/1.1 200 OK\r\nCont", 4).error ==
        "closed the connection in the middle of its answer");
  CHECK(read("HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n{\"a", 4).error ==
        "closed the connection in the middle of its answer");
  CHECK_THAT(read("SSH-2.0-x\r\n\r\n", 4).error, Contains("sent a malformed answer"));
  CHECK_THAT(read("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", 99).error,
             Contains("sent a malformed answer"));
  CHECK_THAT(read("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 99).error,
             Contains("sent a malformed answer"));
  CHECK(read("HTTP/1.1 200 OK\r\n\r\n" + std::string(1'001, 'x'), 100).error ==
        "sent an answer that is too long");
  std::string interim;
  for (int i = 0; i < 45'000; ++i) interim += "HTTP/1.1 100 Continue\r\n\r\n";
  CHECK(read(interim, 16'384).error == "sends nothing but 1xx");
}
