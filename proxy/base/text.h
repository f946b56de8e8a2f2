#pragma once

#include <array>
#include <charconv>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace culvert {

/// `bytes` with everything outside printable ASCII replaced by '?', cut to `limit` bytes (then it
/// ends in "...").  What a peer sent passes this before it is logged or put into a header field.
std::string printable(std::string_view bytes, std::size_t limit = 200);

/// `text` cut in its middle to `limit` bytes, with ".." where something was left out, as both ends
/// of a host name are informative.  For names inside messages of bounded length.
std::string shorten_middle(std::string_view text, std::size_t limit);

/// Bytes of a user's name inside such messages.
inline constexpr std::size_t kMostOfUser = 40;

/// `bytes` as the inside of a JSON string (RFC 8259 section 7): quotes, backslashes and control
/// characters escaped, bytes that are not UTF-8 written as \ufffd.
std::string json_escape(std::string_view bytes);
void append_json_escaped(std::string& out, std::string_view bytes);

/// In digits of `base`, from 10 to 16 (lower-case).
template <std::integral Number>
void append_number(std::string& out, Number value, int base = 10) {
  std::array<char, 20> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value, base).ptr;
  out.append(digits.data(), end);
}

/// All of `text` as a decimal number; nullopt if it is not one, or too large.
template <std::integral Number>
std::optional<Number> parse_number(std::string_view text) {
  Number number = 0;
  const char* const last = text.data() + text.size();
  const auto [end, code] = std::from_chars(text.data(), last, number);
  if (code != std::errc() || end != last) return std::nullopt;
  return number;
}

// ASCII-only, locale-free.
constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }
constexpr bool is_letter_or_digit(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
/// C0 and DEL.
constexpr bool is_control(char c) { return (c >= '\0' && c < ' ') || c == '\x7f'; }
/// Some byte of `text` is_control().
bool has_control(std::string_view text);
/// The white space within a line.
constexpr bool is_space_or_tab(char c) { return c == ' ' || c == '\t'; }
/// All white space, line breaks included.
inline constexpr std::string_view kAnySpace = " \t\n\v\f\r";
char to_lower(char c);
constexpr std::uint8_t byte_of(char c) { return static_cast<std::uint8_t>(c); }
/// Of a hexadecimal digit; -1: it is none.
int hex_value(char c);
std::string to_lower(std::string_view text);
/// The same but for case, of texts that have one length.
bool iequals_bytes(std::string_view a, std::string_view b);
inline bool iequals(std::string_view a, std::string_view b) {
  return a.size() == b.size() && iequals_bytes(a, b);
}
/// Without the spaces and tabs around it.
std::string_view trim(std::string_view text);
/// Without any white space around it, line breaks included.
std::string_view trim_space(std::string_view text);
/// The parts between `separator`s, without the white space around them; empty parts are kept.
std::vector<std::string_view> split(std::string_view text, char separator);

/// U+FEFF in UTF-8, which some editors write first.
inline constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
/// `text` from behind the mark, if it begins with one.
std::string_view without_byte_order_mark(std::string_view text);

/// All of `parts` as one text: for messages, as it takes less code than a chain of +.
std::string concat(std::initializer_list<std::string_view> parts);
void append_all(std::string& out, std::initializer_list<std::string_view> parts);

/// Empties `text`, and gives its memory back if that is more than `room` bytes.
void clear_keeping(std::string& text, std::size_t room);

/// "%2F" (RFC 3986 section 2.1), with the upper-case digits that section 2.1 recommends.
void append_percent_encoded(std::string& out, char c);
/// `text` with each byte encoded that is not `is_plain`.
template <typename IsPlain>
std::string percent_encode(std::string_view text, IsPlain is_plain) {
  std::string out;
  for (const char c : text) is_plain(c) ? out.push_back(c) : append_percent_encoded(out, c);
  return out;
}
/// RFC 3986 section 2.1; nullopt for a bad escape.
std::optional<std::string> percent_decode(std::string_view text);

/// RFC 4648 section 4.
std::string base64_encode(std::string_view bytes);
/// Strict: padding required, no white space; nullopt if malformed.
std::optional<std::string> base64_decode(std::string_view text);

}  // namespace culvert
