#include "base/text.h"

#include <algorithm>
#include <array>
#include <cstdint>

#include "base/utf8.h"

namespace culvert {
namespace {

constexpr std::string_view kHexDigits = "0123456789abcdef";
constexpr std::string_view kBase64Digits =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void append_u00(std::string& out, std::uint8_t value) {
  out += "\\u00";
  out += kHexDigits[value >> 4];
  out += kHexDigits[value & 0xf];
}

void append_json_ascii(std::string& out, char c) {
  switch (c) {
    case '"':
      out += "\\\"";
      break;
    case '\\':
      out += "\\\\";
      break;
    case '\n':
      out += "\\n";
      break;
    case '\r':
      out += "\\r";
      break;
    case '\t':
      out += "\\t";
      break;
    default:
      if (is_control(c)) {
        append_u00(out, byte_of(c));
      } else {
        out += c;
      }
  }
}

constexpr std::uint8_t kNotBase64 = 0xff;

constexpr auto kBase64Values = [] {
  std::array<std::uint8_t, 256> values{};
  values.fill(kNotBase64);
  for (std::size_t i = 0; i < kBase64Digits.size(); ++i) {
    values[static_cast<unsigned char>(kBase64Digits[i])] = static_cast<std::uint8_t>(i);
  }
  return values;
}();

}  // namespace

std::string printable(std::string_view bytes, std::size_t limit) {
  constexpr std::string_view kDots = "...";
  const bool cut = bytes.size() > limit;
  std::string out(bytes.substr(0, cut ? limit - std::min(limit, kDots.size()) : limit));
  std::replace_if(
      out.begin(), out.end(), [](char c) { return c < 0x20 || c > 0x7e; }, '?');
  if (cut) out += kDots.substr(0, limit);
  return out;
}

std::string shorten_middle(std::string_view text, std::size_t limit) {
  constexpr std::string_view kDots = "..";
  if (text.size() <= limit) return std::string(text);
  if (limit <= kDots.size()) return std::string(text.substr(0, limit));
  const std::size_t kept = limit - kDots.size();
  const std::size_t tail = (kept + 1) / 2;
  std::string out(text.substr(0, kept - tail));
  out += kDots;
  out += text.substr(text.size() - tail);
  return out;
}

std::string json_escape(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size());
  append_json_escaped(out, bytes);
  return out;
}

void append_json_escaped(std::string& out, std::string_view bytes) {
  while (!bytes.empty()) {
    const std::size_t length = utf8_length(bytes);
    if (length == 1) {
      append_json_ascii(out, bytes[0]);
    } else if (length == 2 && byte_of(bytes[0]) == 0xc2 && byte_of(bytes[1]) < 0xa0) {
      append_u00(out, byte_of(bytes[1]));  // C1 control characters, which terminals obey
    } else if (length > 1) {
      out += bytes.substr(0, length);
    } else {
      out += "\\ufffd";
    }
    bytes.remove_prefix(std::max<std::size_t>(length, 1));
  }
}

char to_lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

int hex_value(char c) {
  if (is_digit(c)) return c - '0';
  c = to_lower(c);
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

std::string to_lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = to_lower(c);
  return out;
}

bool iequals_bytes(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(),
                    [](char x, char y) { return to_lower(x) == to_lower(y); });
}

bool has_control(std::string_view text) {
  return std::any_of(text.begin(), text.end(), is_control);
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && is_space_or_tab(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space_or_tab(text.back())) text.remove_suffix(1);
  return text;
}

std::string_view trim_space(std::string_view text) {
  const std::size_t first = text.find_first_not_of(kAnySpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kAnySpace) - first + 1);
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (;;) {
    const std::size_t end = text.find(separator);
    parts.push_back(trim_space(text.substr(0, end)));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

std::string_view without_byte_order_mark(std::string_view text) {
  return text.substr(text.starts_with(kByteOrderMark) ? kByteOrderMark.size() : 0);
}

std::string concat(std::initializer_list<std::string_view> parts) {
  std::string text;
  append_all(text, parts);
  return text;
}

void append_all(std::string& out, std::initializer_list<std::string_view> parts) {
  for (const std::string_view part : parts) out += part;
}

void clear_keeping(std::string& text, std::size_t room) {
  text.clear();
  if (text.capacity() > room) std::string().swap(text);
}

void append_percent_encoded(std::string& out, char c) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  out.append({'%', kDigits[byte_of(c) >> 4], kDigits[byte_of(c) & 0xf]});
}

std::optional<std::string> percent_decode(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    if (text.size() - i < 3) return std::nullopt;
    const int high = hex_value(text[i + 1]);
    const int low = hex_value(text[i + 2]);
    if (high < 0 || low < 0) return std::nullopt;
    out += static_cast<char>(high << 4 | low);
    i += 2;
  }
  return out;
}

std::string base64_encode(std::string_view bytes) {
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  while (!bytes.empty()) {
    const std::size_t taken = std::min<std::size_t>(bytes.size(), 3);
    std::uint32_t group = 0;
    for (std::size_t i = 0; i < 3; ++i) group = group << 8 | (i < taken ? byte_of(bytes[i]) : 0U);
    for (std::size_t i = 0; i < 4; ++i) {
      out += i <= taken ? kBase64Digits[group >> (18 - 6 * i) & 0x3f] : '=';
    }
    bytes.remove_prefix(taken);
  }
  return out;
}

std::optional<std::string> base64_decode(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  std::size_t padding = 0;
  while (padding < 2 && !text.empty() && text.back() == '=') {
    text.remove_suffix(1);
    ++padding;
  }
  std::string out;
  out.reserve(text.size() / 4 * 3 + 2);
  std::uint32_t bits = 0;
  int count = 0;
  for (const char c : text) {
    const std::uint8_t value = kBase64Values[byte_of(c)];
    if (value == kNotBase64) return std::nullopt;
    bits = bits << 6 | value;
    count += 6;
    if (count >= 8) {
      count -= 8;
      out += static_cast<char>(bits >> count & 0xff);
    }
  }
  // The bits after the last byte must be zero, or two texts would encode the same bytes.
  if ((bits & ((1U << count) - 1)) != 0) return std::nullopt;
  return out;
}

}  // namespace culvert
