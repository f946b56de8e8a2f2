// An entry for the journal is lines NAME=value of text, one for each field that was added, however
// hostile the values are; what was not cut can be read back.
#include "base/journal_entry.h"

#include <algorithm>
#include <charconv>
#include <string>

#include "base/utf8.h"
#include "fuzz/fuzz.h"

using namespace culvert;

namespace {

/// What escapes stand for.
std::string unescaped(std::string_view value) {
  std::string out;
  while (!value.empty()) {
    const char c = value[0];
    value.remove_prefix(1);
    if (c != '\\') {
      out += c;
      continue;
    }
    FUZZ_CHECK(!value.empty());
    const std::size_t known = std::string_view("nrt\\").find(value[0]);
    if (known != std::string_view::npos) {
      out += "\n\r\t\\"[known];
      value.remove_prefix(1);
      continue;
    }
    FUZZ_CHECK(value[0] == 'x' && value.size() >= 3);
    int byte = 0;
    FUZZ_CHECK(std::from_chars(&value[1], &value[1] + 2, byte, 16).ptr == &value[1] + 2);
    out += static_cast<char>(byte);
    value.remove_prefix(3);
  }
  return out;
}

/// Removes the next line, and returns what stands behind its name.
std::string_view take_value(std::string_view& entry, std::string_view name_prefix) {
  const std::size_t end = entry.find('\n');
  FUZZ_CHECK(end != std::string_view::npos);
  const std::string_view line = entry.substr(0, end);
  entry.remove_prefix(end + 1);
  const std::size_t equals = line.find('=');
  FUZZ_CHECK(equals != std::string_view::npos && line.starts_with(name_prefix));
  FUZZ_CHECK(is_utf8(line));
  return line.substr(equals + 1);
}

void check_value(std::string_view value, std::string_view given) {
  FUZZ_CHECK(value.size() <= JournalEntry::kMostOfValue);
  FUZZ_CHECK(std::none_of(value.begin(), value.end(),
                          [](char c) { return (c >= '\0' && c < ' ') || c == '\x7f'; }));
  if (given.size() * 4 + 3 <= JournalEntry::kMostOfValue) FUZZ_CHECK(unescaped(value) == given);
}

}  // namespace

FUZZ_TARGET(journal_entry) {
  const std::string_view text = test::as_text(data, size);
  std::string out;
  JournalEntry entry(out);
  for (std::size_t i = 0; i < kAccessFields.size(); ++i) {
    entry.add(static_cast<AccessField>(i), text.substr(std::min(i, text.size())));
  }
  entry.finish(JournalPriority::notice, "access");
  FUZZ_CHECK(out.size() <= JournalEntry::kMost);
  std::string_view rest = out;
  FUZZ_CHECK(take_value(rest, "SYSLOG_IDENTIFIER=") == "culvert");
  FUZZ_CHECK(take_value(rest, "MESSAGE_ID=").size() == 32);
  for (std::size_t i = 0; i < kAccessFields.size(); ++i) {
    check_value(take_value(rest, "CULVERT_"), text.substr(std::min(i, text.size())));
  }
  FUZZ_CHECK(take_value(rest, "PRIORITY=") == "5");
  FUZZ_CHECK(take_value(rest, "MESSAGE=") == "access" && rest.empty());
}
