#include "codec/connect_answer.h"

#include <algorithm>

#include "base/text.h"

namespace culvert {
namespace {

constexpr HeadLimits kAnswerLimits;

/// Cuts the next line off `rest`, without its end.
std::string_view cut_line(std::string_view& rest) {
  const std::size_t end = std::min(rest.find('\n'), rest.size());
  std::string_view line = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

/// The end of a line that the next one continues becomes blank.
void unfold(std::span<char> lines) {
  for (std::size_t i = 0; i + 1 < lines.size(); ++i) {
    if (lines[i] != '\n' || !is_space_or_tab(lines[i + 1])) continue;
    lines[i] = ' ';
    if (i > 0 && lines[i - 1] == '\r') lines[i - 1] = ' ';
  }
}

}  // namespace

Result<std::optional<std::size_t>, std::string_view> ConnectAnswerScanner::scan(
    std::string_view buffer) {
  const std::string_view head = buffer.substr(0, kAnswerLimits.bytes);
  for (;;) {
    const std::size_t end = head.find('\n', pos_);
    if (end == std::string_view::npos) break;
    const std::string_view line = head.substr(line_, end - line_);
    pos_ = line_ = end + 1;
    if (line.empty() || line == "\r") return std::optional(pos_);
    if (line.starts_with('\r')) return std::string_view("a CR stands without LF");
  }
  pos_ = head.size();
  if (buffer.size() > kAnswerLimits.bytes) {
    static_assert(kAnswerLimits.bytes == 65536);
    return std::string_view("the head is longer than 65536 bytes");
  }
  return std::optional<std::size_t>();
}

Result<void, std::string_view> parse_connect_status(std::string_view head, ResponseHead& out) {
  constexpr std::string_view kVersion = "HTTP/1.";
  constexpr std::size_t kDigits = 3;
  const std::string_view line = cut_line(head);
  const std::size_t space = std::min(line.find(' '), line.size());
  const std::string_view version = line.substr(0, space);
  if (version.size() != kVersion.size() + 1 || !version.starts_with(kVersion) ||
      !is_digit(version.back())) {
    return std::string_view("the HTTP version is neither 1.1 nor 1.0");
  }
  const std::string_view rest =
      line.substr(std::min(line.find_first_not_of(' ', space), line.size()));
  const std::string_view code = rest.substr(0, rest.find(' '));
  if (code.empty()) return std::string_view("the status line has no status code");
  if (code.size() != kDigits || !std::all_of(code.begin(), code.end(), is_digit) ||
      code[0] == '0') {
    return std::string_view("the status code is not a number from 100 to 999");
  }
  out.major = 1;
  out.minor = version.back() == '0' ? 0 : 1;
  out.status = (code[0] - '0') * 100 + (code[1] - '0') * 10 + (code[2] - '0');
  out.reason = trim(rest.substr(kDigits));
  return {};
}

void parse_connect_fields(std::span<char> head, ResponseHead& out) {
  out.fields.clear();
  std::string_view rest(head.data(), head.size());
  cut_line(rest);
  unfold(head.last(rest.size()));
  while (!rest.empty() && out.fields.size() < kAnswerLimits.fields) {
    const std::string_view line = cut_line(rest);
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) continue;
    out.fields.push_back({trim(line.substr(0, colon)), trim(line.substr(colon + 1))});
  }
}

}  // namespace culvert
