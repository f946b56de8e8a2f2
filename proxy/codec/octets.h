#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace culvert {

inline constexpr std::string_view kCrlf = "\r\n";

/// The classes of octets that RFC 9110 section 5 builds its syntax from, as one table.
enum Octet : std::uint8_t {
  kToken = 1,       ///< tchar: RFC 9110 section 5.6.2
  kFieldText = 2,   ///< HTAB, SP, VCHAR, obs-text: RFC 9110 section 5.5
  kTargetText = 4,  ///< VCHAR: all that may stand in a request target
  kTargetRaw = 8,   ///< the same, and bytes beyond ASCII, which careless clients do not encode
  kRegName = 16,    ///< unreserved, sub-delims: of a reg-name, RFC 3986 section 3.2.2
};

inline constexpr auto kOctets = [] {
  std::array<std::uint8_t, 256> table{};
  for (unsigned c = 0; c < 256; ++c) {
    if (c == '\t' || (c >= ' ' && c != 0x7f)) table[c] |= kFieldText;
    if (c > ' ' && c < 0x7f) table[c] |= kTargetText;
    if (c > ' ' && c != 0x7f) table[c] |= kTargetRaw;
    if ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z')) {
      table[c] |= kToken | kRegName;
    }
  }
  for (const char c : std::string_view("!#$%&'*+-.^_`|~")) {
    table[static_cast<unsigned char>(c)] |= kToken;
  }
  for (const char c : std::string_view("-._~!$&'()*+,;=")) {
    table[static_cast<unsigned char>(c)] |= kRegName;
  }
  return table;
}();

inline bool is_octet(char c, Octet kind) {
  return (kOctets[static_cast<unsigned char>(c)] & kind) != 0;
}

/// How many bytes `text` begins with that are printable or beyond ASCII, so of kind kFieldText; at
/// its end some may be left out.  Looks at eight bytes at a time.
inline std::size_t printable_span(std::string_view text) {
  constexpr std::uint64_t kOnes = 0x0101010101010101;
  constexpr std::uint64_t kHighBits = 0x80 * kOnes;
  std::size_t i = 0;
  for (std::uint64_t eight = 0; text.size() - i >= sizeof eight; i += sizeof eight) {
    std::memcpy(&eight, text.data() + i, sizeof eight);
    // A byte that is less than what is subtracted from it gets its high bit set, which it had not
    // before.  Of the bytes behind the first such one this may be wrong.
    const std::uint64_t del = eight ^ 0x7f * kOnes;
    const std::uint64_t others =
        (((eight - ' ' * kOnes) & ~eight) | ((del - kOnes) & ~del)) & kHighBits;
    if (others == 0) continue;
    if (std::endian::native != std::endian::little) return i;
    return i + static_cast<std::size_t>(std::countr_zero(others)) / 8;
  }
  return i;
}

/// The position of the first byte of `text` that is not of that kind, text.size() if all are.
inline std::size_t span_of(std::string_view text, Octet kind) {
  std::size_t i = kind == kFieldText ? printable_span(text) : 0;
  while (i < text.size() && is_octet(text[i], kind)) ++i;
  return i;
}

inline bool all_of_kind(std::string_view text, Octet kind) {
  return span_of(text, kind) == text.size();
}

inline bool is_token(std::string_view text) { return !text.empty() && all_of_kind(text, kToken); }

}  // namespace culvert
