// Lines: a pattern, another one, a target. A pattern's text stands for the same pattern, and one
// that covers another matches all that the other does.
#include "policy/target_pattern.h"

#include <array>

#include "fuzz/secret_fuzz.h"

using namespace culvert;

namespace {

using Lines = std::array<std::string_view, 3>;

Lines lines_of(std::string_view text) {
  Lines lines;
  for (std::string_view& line : lines) {
    const std::size_t end = text.find('\n');
    line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return lines;
}

std::optional<TargetPattern> parse(std::string_view text) {
  std::string problem;
  const auto pattern = TargetPattern::parse(text, problem);
  if (!pattern) {
    FUZZ_CHECK(test::is_clean(problem));
    return {};
  }
  FUZZ_CHECK(pattern->text() == text);
  const auto again = TargetPattern::parse(pattern->text(), problem);
  FUZZ_CHECK(again && again->meaning() == pattern->meaning());
  FUZZ_CHECK(again->covers(*pattern) && pattern->covers(*again));
  FUZZ_CHECK(test::is_printable(pattern->meaning()));
  return pattern;
}

void check_target(const TargetPattern& pattern, const HostPort& target) {
  const bool matches = pattern.matches(target);
  FUZZ_CHECK(matches || !pattern.matches_everything());
  FUZZ_CHECK(matches || !pattern.names(target));
  HostPort upper = target;
  for (char& c : upper.host) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  FUZZ_CHECK(pattern.matches(upper) == matches);
}

void check_pair(const std::optional<TargetPattern>& one, const std::optional<TargetPattern>& other,
                const HostPort& target) {
  if (one) check_target(*one, target);
  if (other) check_target(*other, target);
  if (!one || !other) return;
  if (one->covers(*other)) FUZZ_CHECK(one->matches(target) || !other->matches(target));
  if (other->covers(*one)) FUZZ_CHECK(other->matches(target) || !one->matches(target));
}

}  // namespace

FUZZ_TARGET(target_pattern) {
  const std::string_view text = test::as_text(data, size);
  const Lines lines = lines_of(text);
  const auto one = parse(lines[0]);
  const auto other = parse(lines[1]);
  for (const std::string_view target :
       {lines[2], lines[0], std::string_view("gcr.io:443"), std::string_view("10.1.2.3:80"),
        std::string_view("[2001:db8::1]:443"), std::string_view("eu.gcr.io.:443")}) {
    if (const auto parsed = HostPort::parse(target, 443)) check_pair(one, other, *parsed);
  }
  std::vector<std::string> problems;
  parse_target_patterns(text, problems);
  test::check_messages(problems);
}
