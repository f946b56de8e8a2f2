// What holds for every head that is accepted, and for the scanner that finds it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "codec/http_head.h"
#include "fuzz/fuzz.h"

namespace culvert::test {

struct Found {
  std::string_view head;  ///< without skipped empty lines
  std::size_t end = 0;
};

/// The first head in `bytes`, found whole; cut at random it must be the same.
inline std::optional<Found> find_head(std::string_view bytes, HeadScanner::Kind kind,
                                      const HeadLimits& limits, unsigned seed) {
  HeadScanner whole(kind, limits);
  const auto found = whole.scan(bytes);
  if (!found) FUZZ_CHECK(is_clean(found.error().text));

  HeadScanner scanner(kind, limits);
  std::size_t given = 0;
  for (const std::string_view piece : cut_at_random(bytes, seed)) {
    given += piece.size();
    const auto cut = scanner.scan(bytes.substr(0, given));
    if (!cut || *cut) {
      FUZZ_CHECK(cut.ok() == found.ok());
      if (!cut) FUZZ_CHECK(cut.error().text == found.error().text);
      if (cut) FUZZ_CHECK(*cut == *found && scanner.begin() == whole.begin());
      break;
    }
    if (given == bytes.size()) FUZZ_CHECK(found.ok() && !*found);
  }
  if (!found || !*found) return std::nullopt;
  FUZZ_CHECK(**found <= bytes.size() && whole.begin() < **found);
  return Found{bytes.substr(whole.begin(), **found - whole.begin()), **found};
}

inline bool is_strict_token(std::string_view text) {
  for (const char c : text) {
    const bool alphanumeric =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (!alphanumeric &&
        (c == '\0' || std::string_view("!#$%&'*+-.^_`|~").find(c) == std::string_view::npos)) {
      return false;
    }
  }
  return !text.empty();
}

inline bool is_field_text(std::string_view text) {
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte < 0x20 && c != '\t') || byte == 0x7f) return false;
  }
  return true;
}

inline void check_fields(const MessageHead& head, const HeadLimits& limits) {
  FUZZ_CHECK(head.major == 1 && (head.minor == 0 || head.minor == 1));
  FUZZ_CHECK(head.fields.size() <= limits.fields);
  for (const Field& field : head.fields) {
    FUZZ_CHECK(is_strict_token(field.name));
    FUZZ_CHECK(is_field_text(field.value));
    if (field.value.empty()) continue;
    FUZZ_CHECK(field.value.front() != ' ' && field.value.front() != '\t');
    FUZZ_CHECK(field.value.back() != ' ' && field.value.back() != '\t');
  }
}

/// The field lines written anew, with the empty line.
inline std::string written(const std::vector<Field>& fields) {
  std::string out;
  for (const Field& field : fields) {
    out.append(field.name).append(": ").append(field.value).append("\r\n");
  }
  return out + "\r\n";
}

}  // namespace culvert::test
