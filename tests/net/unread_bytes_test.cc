#include "net/unread_bytes.h"

#include <array>
#include <string>

#include "support/catch.h"

using namespace culvert;

namespace {

std::string take(UnreadBytes& unread, std::size_t most) {
  std::array<char, 8> buffer{};
  return {buffer.data(), unread.take(std::span(buffer).first(most))};
}

}  // namespace

TEST_CASE("bytes that were given back are read again, the last ones first") {
  UnreadBytes unread;
  CHECK(unread.empty());
  unread.put_back("");
  CHECK(unread.empty());
  unread.put_back("cdef");
  unread.put_back("ab");
  CHECK(take(unread, 3) == "abc");
  CHECK_FALSE(unread.empty());
  CHECK(take(unread, 8) == "def");
  CHECK(unread.empty());
}
