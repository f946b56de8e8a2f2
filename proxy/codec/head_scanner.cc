#include <string>

#include "codec/http_head.h"
#include "codec/octets.h"

namespace culvert {
namespace {

/// RFC 9112 section 2.2 recommends at least one; old clients send it after a POST's body.
constexpr std::size_t kMaxSkippedBytes = 8;

/// How much longer than its target a start line may be: method, version, two spaces.
constexpr std::size_t kStartLineRest = 64;

constexpr std::string_view kEmptyLineFirst = "there is an empty line before the status line";

std::string_view fault_of_byte(char c) {
  if (c == '\n') return "a line ends in LF without CR";
  if (c == '\0') return "the head contains a NUL byte";
  return "the head contains a control byte";
}

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
    if (auto fine = check_byte(buffer[pos_]); !fine) return std::move(fine).error();
    pos_ += span_of(buffer.substr(pos_), kFieldText);
    if (pos_ < buffer.size() && buffer[pos_] == '\r') {
      after_cr_ = true;
      ++pos_;
    }
    if (auto fine = check_size(); !fine) return std::move(fine).error();
  }
  return std::optional<std::size_t>();
}

/// Whether `c` is text or CR, and allowed at this position.
Result<void> HeadScanner::check_byte(char c) const {
  const bool starts_line = pos_ == line_;
  if (starts_line && (c == ' ' || c == '\t')) {
    // RFC 9112 section 5.2 forbids obs-fold, section 2.2 white space before the first field.
    return fail(Errc::http_request_error, in_head_ ? "a line begins with white space (obs-fold)"
                                                   : "the start line begins with white space");
  }
  if (c == '\r' || is_octet(c, kFieldText)) return {};
  if (c == '\n' && pos_ == 0 && kind_ == Kind::response) {
    return fail(Errc::http_protocol_error, kEmptyLineFirst);
  }
  return fail(Errc::http_request_error, fault_of_byte(c));
}

/// The line that began at line_ ended at pos_; true if it was the empty line after the head.
Result<bool> HeadScanner::end_line() {
  if (auto fine = check_size(); !fine) return std::move(fine).error();
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

Result<void> HeadScanner::check_size() const {
  if (kind_ == Kind::request && !in_head_ && pos_ - line_ > limits_.target + kStartLineRest) {
    return fail(Errc::http_uri_too_long,
                "the request target is longer than " + std::to_string(limits_.target) + " bytes");
  }
  if (pos_ > limits_.bytes) {
    return fail(Errc::http_request_too_large,
                "the head is longer than " + std::to_string(limits_.bytes) + " bytes");
  }
  return {};
}

Error HeadScanner::fail(Errc code, std::string_view text) const {
  const bool request = kind_ == Kind::request;
  return Error{.code = request ? code : Errc::http_protocol_error,
               .side = request ? Side::client : Side::upstream,
               .sys = 0,
               .text = std::string(text)};
}

}  // namespace culvert
