#include "codec/tls_opening.h"

#include <string>

#include "support/catch.h"

using namespace culvert;
using namespace std::string_literals;

namespace {

bool recognised(std::string_view bytes) {
  TlsOpening opening;
  opening.feed(bytes);
  return opening.recognised();
}

const std::string kHello = "\x16\x03\x01\x02\x00\x01"s;

}  // namespace

TEST_CASE("TLS is recognised by its hello, in any pieces") {
  CHECK(recognised(kHello));
  CHECK(recognised("\x16\x03\x03\x00\x7a\x02 and more"s));
  CHECK(recognised("\x16\x03\x00\x40\x00\x01"s));  // SSL 3, the longest record
  TlsOpening opening;
  for (const char c : kHello) {
    CHECK_FALSE(opening.recognised());
    opening.feed({&c, 1});
    opening.feed({});
  }
  CHECK(opening.recognised());
  opening.feed("GET / HTTP/1.1");
  CHECK(opening.recognised());
}

TEST_CASE("what is not TLS is not taken for it") {
  CHECK_FALSE(recognised(""));
  CHECK_FALSE(recognised(kHello.substr(0, 5)));
  CHECK_FALSE(recognised("GET / HTTP/1.1"));
  CHECK_FALSE(recognised("\x15\x03\x01\x00\x02\x02"s));  // an alert
  CHECK_FALSE(recognised("\x17\x03\x01\x02\x00\x01"s));
  CHECK_FALSE(recognised("\x16\x02\x01\x02\x00\x01"s));
  CHECK_FALSE(recognised("\x16\x03\x05\x02\x00\x01"s));
  CHECK_FALSE(recognised("\x16\x03\x01\x41\x00\x01"s));
  CHECK_FALSE(recognised("\x16\x03\x01\x02\x00\x03"s));
  // Once it is something else it stays so.
  TlsOpening opening;
  opening.feed("x");
  opening.feed(kHello);
  CHECK_FALSE(opening.recognised());
}
