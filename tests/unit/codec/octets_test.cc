#include "codec/octets.h"

#include <cstddef>
#include <string>

#include "support/catch.h"

using namespace culvert;

TEST_CASE("octets: a span ends at the first byte of another kind, wherever it stands") {
  constexpr std::size_t kMost = 20;
  for (const Octet kind : {kToken, kFieldText, kTargetText, kTargetRaw, kRegName}) {
    for (int value = 0; value < 256; ++value) {
      const char byte = static_cast<char>(value);
      for (std::size_t size = 1; size <= kMost; ++size) {
        for (std::size_t at = 0; at < size; ++at) {
          std::string text(size, 'a');
          text[at] = byte;
          const std::size_t expected = is_octet(byte, kind) ? size : at;
          if (span_of(text, kind) != expected)
            FAIL("byte " << value << " at " << at << " of " << size);
        }
      }
    }
  }
  CHECK(span_of("", kFieldText) == 0);
}

TEST_CASE("octets: what stands behind the first byte of another kind does not matter") {
  for (int first = 0; first < 256; ++first) {
    for (int next = 0; next < 256; ++next) {
      std::string text("abcdefgh");
      text[3] = static_cast<char>(first);
      text[4] = static_cast<char>(next);
      const bool first_fits = is_octet(text[3], kFieldText);
      const std::size_t expected = !first_fits ? 3 : is_octet(text[4], kFieldText) ? 8 : 4;
      if (span_of(text, kFieldText) != expected) FAIL("bytes " << first << " and " << next);
    }
  }
}
