#include "codec/refusal_body.h"

#include <algorithm>

#include "base/text.h"
#include "codec/field_list.h"
#include "codec/octets.h"

namespace culvert {
namespace {

/// How much of a body is read, its framing included.
constexpr std::size_t kMostRead = 2048;
/// More than is shown, so that a password in it is recognised although it is cut off.
constexpr std::size_t kMostLine = 512;
/// Less says nothing.
constexpr std::size_t kLeastLine = 4;

bool is_chunked(const ResponseHead& head) {
  const Field* const field = head.find("transfer-encoding");
  return field != nullptr && iequals(field->value, "chunked");
}

/// At most kMostRead; that, too, if there is no valid Content-Length.
std::size_t length_of(const ResponseHead& head) {
  const Field* const field = head.find("content-length");
  if (field == nullptr) return kMostRead;
  return std::min(parse_number<std::size_t>(field->value).value_or(kMostRead), kMostRead);
}

bool is_space_or_break(char c) { return is_space_or_tab(c) || c == '\r' || c == '\n'; }

}  // namespace

bool RefusalBody::is_text(const ResponseHead& head) {
  if (head.find("content-encoding") != nullptr) return false;
  if (const Field* const type = head.find("content-type")) {
    std::string_view value = type->value;
    if (!value.empty() && !iequals(cut_part(value, ';'), "text/plain")) return false;
  }
  return is_chunked(head) || length_of(head) > 0;
}

RefusalBody::RefusalBody(const ResponseHead& head)
    : chunks_(is_chunked(head) ? std::make_unique<ChunkedDecoder>(HeadScanner::Kind::response)
                               : nullptr),
      left_(chunks_ ? kMostRead : length_of(head)) {}

void RefusalBody::take(std::string_view bytes) {
  bytes = bytes.substr(0, left_);
  left_ -= bytes.size();
  chunks_ ? take_chunks(bytes) : take_text(bytes);
  if (left_ == 0) complete_ = true;
}

void RefusalBody::take_chunks(std::string_view bytes) {
  while (!bytes.empty() && !complete_) {
    const auto step = chunks_->consume(bytes);
    if (step) take_text(step->body);
    if (!step || chunks_->done()) complete_ = true;
    if (step) bytes.remove_prefix(step->used);
  }
}

void RefusalBody::take_text(std::string_view text) {
  for (const char c : text) {
    if (complete_) return;
    if (line_.empty() && is_space_or_break(c)) continue;
    if (c == '\n') {
      complete_ = true;
      return;
    }
    line_ += c;
    // Markup, whatever its type says; or no text at all.
    const bool is_other = line_ == "<" || (c != '\r' && !is_octet(c, kFieldText));
    if (is_other) line_.clear();
    complete_ = is_other || line_.size() == kMostLine;
  }
}

std::string_view RefusalBody::line() const {
  const std::string_view line = line_;
  const std::size_t size = line.find_last_not_of(" \t\r") + 1;
  return size < kLeastLine ? std::string_view() : line.substr(0, size);
}

}  // namespace culvert
