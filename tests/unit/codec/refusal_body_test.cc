#include "codec/refusal_body.h"

#include "support/catch.h"
#include "support/cuts.h"

using namespace culvert;
using namespace culvert::test;

namespace {

ResponseHead answer(std::vector<Field> fields) {
  ResponseHead head;
  head.fields = std::move(fields);
  return head;
}

/// The line in `body`, and '~' after it if more was awaited: the same however it arrives.
std::string line(const ResponseHead& head, const std::string& body) {
  REQUIRE(RefusalBody::is_text(head));
  std::string result;
  bool first = true;
  for (const Pieces& pieces : cuttings(body)) {
    RefusalBody taken(head);
    for (const std::string_view piece : pieces) {
      if (!taken.complete()) taken.take(piece);
    }
    const std::string now = std::string(taken.line()) + (taken.complete() ? "" : "~");
    if (std::exchange(first, false)) result = now;
    CHECK(now == result);
  }
  return result;
}

const ResponseHead kUntilClose = answer({});
const ResponseHead kChunked = answer({{"Transfer-Encoding", "chunked"}});

}  // namespace

TEST_CASE("the first line of a text is taken, to its end or the body's") {
  CHECK(line(kUntilClose, "no tunnel") == "no tunnel~");
  CHECK(line(kUntilClose, "\r\n\n  no tunnel \r\nmore") == "no tunnel");
  CHECK(line(answer({{"Content-Length", "9"}}), "no tunnel, not mine") == "no tunnel");
  CHECK(line(answer({{"Content-Length", "10"}}), "no tunnel") == "no tunnel~");
  CHECK(line(answer({{"Content-Length", "x"}}), "no tunnel") == "no tunnel~");
  CHECK(line(kChunked, "3\r\nno \r\n6;x=y\r\ntunnel\r\n0\r\n\r\n") == "no tunnel");
  CHECK(line(kChunked, "3\r\nno \r\n6\r\ntunnel") == "no tunnel~");
  CHECK(line(kChunked, "3\r\nno \r\nx\r\ntunnel") == "");
  CHECK(line(kChunked, "a\r\nno tunnel\n\r\n") == "no tunnel");
  CHECK(line(kUntilClose, "n\xc3\xb6 tunnel\t1\n") == "n\xc3\xb6 tunnel\t1");
}

TEST_CASE("what is no text is not taken for one") {
  CHECK(line(kUntilClose, "<html>no tunnel\n") == "");
  CHECK(line(kUntilClose, "\n <html>no tunnel\n") == "");
  CHECK(line(kUntilClose, "no\x1f\x8btunnel\n") == "");
  CHECK(line(kUntilClose, std::string("no\0tunnel", 9)) == "");
  CHECK(line(kUntilClose, "no\n") == "");
  CHECK(line(kChunked, "nonsense") == "");
}

TEST_CASE("a body is read up to a bound") {
  CHECK(line(kUntilClose, std::string(5000, 'a')) == std::string(512, 'a'));
  CHECK(line(kUntilClose, std::string(5000, ' ') + "no tunnel\n") == "");
  CHECK(line(kChunked, "1;" + std::string(5000, 'x')) == "");
  CHECK(line(answer({{"Content-Length", "99999999"}}), std::string(600, 'a')) ==
        std::string(512, 'a'));
}

TEST_CASE("a body is text by its type, or if it has none") {
  const auto is_text = [](std::vector<Field> fields) {
    return RefusalBody::is_text(answer(std::move(fields)));
  };
  CHECK(is_text({}));
  CHECK(is_text({{"content-type", ""}}));
  CHECK(is_text({{"Content-Type", "Text/Plain; charset=\"utf-8\""}}));
  CHECK(is_text({{"Content-Length", "1"}}));
  CHECK_FALSE(is_text({{"Content-Length", "0"}}));
  CHECK_FALSE(is_text({{"Content-Type", "text/html"}}));
  CHECK_FALSE(is_text({{"Content-Type", "application/json"}}));
  CHECK_FALSE(is_text({{"Content-Encoding", "gzip"}}));
}
