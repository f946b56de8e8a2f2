// A problem names a line that is there and repeats no value; what was read without one is read
// again, from TOML in another form, as the same.
#include "options/config_file.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "fuzz/secret_fuzz.h"
#include "options/flags.h"

using namespace culvert;

namespace {

constexpr std::string_view kPath = "f.toml";

/// "f.toml:LINE: "
void check_place(std::string_view text, std::ptrdiff_t lines) {
  FUZZ_CHECK(text.starts_with("f.toml:"));
  text.remove_prefix(kPath.size() + 1);
  std::ptrdiff_t line = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), line);
  FUZZ_CHECK(code == std::errc() && line >= 1 && line <= lines);
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  FUZZ_CHECK(text.starts_with(": ") && text.size() > 2);
}

std::string quote(std::string_view value) {
  std::string quoted = "\"";
  for (const char c : value) {
    const bool as_it_is = c != '"' && c != '\\' && (c < '\0' || (c >= ' ' && c != '\x7f'));
    quoted += as_it_is ? std::string(1, c) : fmt::format("\\u{:04x}", c);
  }
  return quoted + "\"";
}

/// All values of `settings`, each in double quotes.
std::string write(const Settings& settings) {
  std::string text;
  for (const Flag& flag : flags()) {
    if (!settings.has(flag.name)) continue;
    std::string values;
    for (const Given& given : settings.of(flag.name)) {
      values += (values.empty() ? "" : ",\n") + quote(given.value);
    }
    text += fmt::format("{} = {}\n", flag.name, flag.repeatable ? "[" + values + "]" : values);
  }
  return text;
}

void check_same(const Settings& one, const Settings& other) {
  for (const Flag& flag : flags()) {
    const auto& values = one.of(flag.name);
    const auto& others = other.of(flag.name);
    FUZZ_CHECK(std::equal(values.begin(), values.end(), others.begin(), others.end(),
                          [](const Given& a, const Given& b) { return a.value == b.value; }));
  }
}

Source check(std::string_view text) {
  const Source source = read_config_text(text, kPath);
  const auto lines = 1 + std::count(text.begin(), text.end(), '\n');
  FUZZ_CHECK(source.warnings.empty());
  test::check_messages(source.problems);
  for (const std::string& problem : source.problems) check_place(problem, lines);
  for (const Flag& flag : flags()) {
    for (const Given& given : source.settings.of(flag.name)) {
      check_place(given.origin, lines);
      FUZZ_CHECK(given.origin.ends_with(std::string(": ").append(flag.name)));
      FUZZ_CHECK(!given.value.empty());
    }
  }
  if (!source.problems.empty()) return source;
  const Source again = read_config_text(write(source.settings), kPath);
  FUZZ_CHECK(again.problems.empty());
  check_same(source.settings, again.settings);
  return source;
}

}  // namespace

FUZZ_TARGET(config_file) {
  const std::string_view text = test::as_text(data, size);
  check(text);
  if (to_lower(text).find(test::kPlanted) != std::string::npos) return;
  const std::size_t middle = std::min(text.find("\n\n"), size);
  for (const std::string_view line : {"upstream = 'socks5://u:{}@h'", "'u:{}@h' = 1"}) {
    const std::string planted = fmt::format(fmt::runtime(line), test::kPlanted);
    test::check_secret(
        check(fmt::format("{}\n{} {}", text.substr(0, middle), planted, text.substr(middle)))
            .problems);
  }
}
