#include "base/journal_entry.h"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/utf8.h"
#include "support/catch.h"
#include "unit/base/journal_fields.h"

using namespace culvert;
using Catch::Matchers::Contains;
using test::fields_of;
using test::value_of;

namespace {

std::string entry_with(AccessField field, std::string_view value, std::string_view message = "m") {
  std::string out;
  JournalEntry entry(out);
  entry.add(field, value);
  entry.finish(JournalPriority::info, message);
  return out;
}

std::string as_value(std::string_view bytes) {
  return value_of(entry_with(AccessField::target, bytes), "CULVERT_TARGET");
}

}  // namespace

TEST_CASE("an entry is lines, and stands behind what is there") {
  std::string out = "before";
  JournalEntry entry(out);
  entry.add(AccessField::id, "17");
  entry.add(AccessField::first_byte_ms, "3");
  entry.finish(JournalPriority::warning, "access id=17");
  CHECK(out ==
        "beforeSYSLOG_IDENTIFIER=culvert\n"
        "MESSAGE_ID=1bdfce2762b9448c8723f51fbd37bc59\n"
        "CULVERT_ID=17\n"
        "CULVERT_FIRST_BYTE_MS=3\n"
        "PRIORITY=4\n"
        "MESSAGE=access id=17\n");
}

TEST_CASE("a name of each field is one that journald takes") {
  for (std::size_t i = 0; i < kAccessFields.size(); ++i) {
    const auto fields = fields_of(entry_with(static_cast<AccessField>(i), "x"));
    REQUIRE(fields.size() == 5);
    const std::string& name = fields[2].first;
    INFO(name);
    CHECK(name.starts_with("CULVERT_"));
    CHECK(name.size() <= 64);
    CHECK(name.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") == name.npos);
    for (std::size_t other = 0; other < i; ++other) CHECK(kAccessFields[other] != kAccessFields[i]);
  }
}

TEST_CASE("a value is one line of UTF-8 text, whatever its bytes") {
  CHECK(as_value("") == "");
  CHECK(as_value("gcr.io:443") == "gcr.io:443");
  CHECK(as_value("a=b \"c\"") == "a=b \"c\"");
  CHECK(as_value("Zo\xc3\xab \xe4\xb8\xad\xf0\x9f\x98\x80") ==
        "Zo\xc3\xab \xe4\xb8\xad\xf0\x9f\x98\x80");
  CHECK(as_value("a\nMESSAGE=forged\n") == "a\\nMESSAGE=forged\\n");
  CHECK(as_value("a\r\tb\\c") == "a\\r\\tb\\\\c");
  CHECK(as_value(std::string_view("\0\x1b[31m\x7f", 7)) == "\\x00\\x1b[31m\\x7f");
  CHECK(as_value("\x9b\xff\xc3") == "\\x9b\\xff\\xc3");
  CHECK(as_value("\xc2\x9b") == "\\xc2\\x9b");           // a C1 control
  CHECK(as_value("\xe2\x80\xae") == "\\xe2\\x80\\xae");  // turns the direction of what follows
  CHECK(as_value("\xed\xa0\x80") == "\\xed\\xa0\\x80");  // a surrogate
  CHECK(as_value("\xc0\x8a") == "\\xc0\\x8a");           // a line feed, overlong
  for (int byte = 0; byte < 256; ++byte) {
    const std::string value = as_value(std::string(3, static_cast<char>(byte)));
    INFO(byte);
    CHECK(value.find('\n') == value.npos);
    CHECK(is_utf8(value));
  }
}

TEST_CASE("a longer value is cut at a character, and says so") {
  constexpr std::size_t kMost = JournalEntry::kMostOfValue;
  const std::string fits(kMost - 3, 'x');
  CHECK(as_value(fits) == fits);
  CHECK(as_value(fits + "y") == fits + "...");
  CHECK(as_value(fits.substr(1) + "\xc3\xab") == fits.substr(1) + "...");
  CHECK(as_value(fits.substr(1) + "\n") == fits.substr(1) + "...");
  CHECK(as_value(fits.substr(2) + "\n") == fits.substr(2) + "\\n");
  CHECK(as_value(std::string(1'000'000, '\0')).size() <= kMost);
}

TEST_CASE("a longer message is cut") {
  constexpr std::size_t kMost = JournalEntry::kMostOfMessage;
  const auto message = [](std::size_t size) {
    return value_of(entry_with(AccessField::id, "1", std::string(size, 'm')), "MESSAGE");
  };
  CHECK(message(kMost) == std::string(kMost, 'm'));
  CHECK(message(kMost + 1) == std::string(kMost - 3, 'm') + "...");
}

TEST_CASE("no entry is longer than a datagram can be") {
  std::string out;
  JournalEntry entry(out);
  for (std::size_t i = 0; i < kAccessFields.size(); ++i) {
    entry.add(static_cast<AccessField>(i), std::string(100'000, '\xff'));
  }
  entry.finish(JournalPriority::info, std::string(100'000, 'm'));
  CHECK(out.size() > JournalEntry::kMost / 2);
  CHECK(out.size() <= JournalEntry::kMost);
  CHECK(fields_of(out).size() == kAccessFields.size() + 4);
}

TEST_CASE("where there is no journal, it is said what to do") {
  CHECK(
      no_journal("No such file or directory") ==
      "there is no systemd journal here (/run/systemd/journal/socket: No such file or directory); "
      "outside of systemd, as in a container, write -, a file or off");
}
