#include <string>

#include "base/text.h"
#include "codec/http_head.h"
#include "codec/octets.h"

namespace culvert {
namespace {

/// RFC 9112 section 2.2 recommends at least one; old clients send it after a POST's body.
constexpr std::size_t kMaxSkippedBytes = 8;

/// How much longer than its target a start line may be: method, version, two spaces.
constexpr std::size_t kStartLineRest = 64;

constexpr std::string_view kEmptyLineFirst = "there is an empty line before the status line";

}  // namespace

HeadScanner::HeadScanner(Kind kind, HeadLimits limits) : kind_(kind), limits_(limits) {}

void HeadScanner::reset() { *this = HeadScanner(kind_, limits_); }

Result<std::optional<std::size_t>> HeadScanner::scan(std::string_view buffer) {
  while (pos_ < buffer.size()) {
    if (after_cr_) {
      if (buffer[pos_] != '\n') return fail(Errc::http_request_error, "a CR stands without LF");
      after_cr_ = false;
      ++pos_;
      auto ended = end_line();
      if (!ended) return std::move(ended).error();
      if (*ended) return std::optional(pos_);
      continue;
    }
    if (!may_stand_here(buffer[pos_])) return fault_of_byte(buffer[pos_]);
    pos_ += span_of(buffer.substr(pos_), kFieldText);
    if (pos_ < buffer.size() && buffer[pos_] == '\r') {
      after_cr_ = true;
      ++pos_;
    }
    if (too_long()) return fault_of_size();
  }
  return std::optional<std::size_t>();
}

/// Whether `c` is text or CR, and allowed at this position.
bool HeadScanner::may_stand_here(char c) const {
  if (pos_ == line_ && is_space_or_tab(c)) return false;
  return c == '\r' || is_octet(c, kFieldText);
}

[[gnu::cold]] Error HeadScanner::fault_of_byte(char c) const {
  if (is_space_or_tab(c)) {
    // RFC 9112 section 5.2 forbids obs-fold, section 2.2 white space before the first field.
    return fail(Errc::http_request_error, in_head_ ? "a line begins with white space (obs-fold)"
                                                   : "the start line begins with white space");
  }
  if (c == '\n' && pos_ == 0 && kind_ == Kind::response) {
    return fail(Errc::http_protocol_error, kEmptyLineFirst);
  }
  if (c == '\n') return fail(Errc::http_request_error, "a line ends in LF without CR");
  if (c == '\0') return fail(Errc::http_request_error, "the head contains a NUL byte");
  return fail(Errc::http_request_error, "the head contains a control byte");
}

/// The line that began at line_ ended at pos_; true if it was the empty line after the head.
Result<bool> HeadScanner::end_line() {
  if (too_long()) return fault_of_size();
  const bool empty = pos_ - line_ == 2;
  line_ = pos_;
  if (!empty) {
    in_head_ = true;
    return false;
  }
  if (in_head_) return true;
  if (kind_ == Kind::response) {
    return fail(Errc::http_protocol_error, kEmptyLineFirst);
  }
  if (pos_ > kMaxSkippedBytes) {
    return fail(Errc::http_request_error, "there are empty lines instead of a request");
  }
  begin_ = pos_;
  return false;
}

bool HeadScanner::target_too_long() const {
  return kind_ == Kind::request && !in_head_ && pos_ - line_ > limits_.target + kStartLineRest;
}

[[gnu::cold]] Error HeadScanner::fault_of_size() const {
  if (target_too_long()) {
    return fail(Errc::http_uri_too_long,
                "the request target is longer than " + std::to_string(limits_.target) + " bytes");
  }
  return fail(Errc::http_request_too_large,
              "the head is longer than " + std::to_string(limits_.bytes) + " bytes");
}

Error HeadScanner::fail(Errc code, std::string_view text) const {
  const bool request = kind_ == Kind::request;
  return Error{.code = request ? code : Errc::http_protocol_error,
               .side = request ? Side::client : Side::upstream,
               .sys = 0,
               .text = std::string(text)};
}

}  // namespace culvert
