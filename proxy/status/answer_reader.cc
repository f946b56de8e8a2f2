#include "status/answer_reader.h"

#include <algorithm>
#include <utility>

namespace culvert {
namespace {

Error bad_answer(std::string text) {
  return {Errc::http_protocol_error, Side::target, 0, std::move(text)};
}

Error malformed_answer(const Error& error) {
  return bad_answer("sent a malformed answer: " + error.text);
}

}  // namespace

Result<bool> AnswerReader::take(std::string_view bytes) {
  buffer_ += bytes;
  while (status_ == 0) {
    auto more = take_head();
    if (!more || !*more) return more;
  }
  auto complete = take_body_bytes();
  if (!complete) return complete;
  if (body_.size() > most_body_) return bad_answer("sent an answer that is too long");
  complete_ = *complete;
  return complete_;
}

Result<void> AnswerReader::end() {
  if (complete_ || (status_ != 0 && framing_.kind == BodyFraming::Kind::until_close)) return {};
  return bad_answer(status_ == 0 && buffer_.empty()
                        ? "closed the connection without an answer"
                        : "closed the connection in the middle of its answer");
}

/// False: more is needed.
Result<bool> AnswerReader::take_head() {
  auto end = scanner_.scan(buffer_);
  if (!end) return malformed_answer(end.error());
  if (!*end) return false;
  ResponseHead head;
  auto parsed = parse_response_head(std::string_view(buffer_).substr(0, **end), {}, head);
  if (!parsed) return malformed_answer(parsed.error());
  if (head.status / 100 == 1) {
    interim_ += **end;
    if (interim_ > kMostInterimBytes) return bad_answer("sends nothing but 1xx");
    buffer_.erase(0, **end);
    scanner_.reset();
    return true;
  }
  auto framing = response_framing(head, "GET");
  if (!framing) return malformed_answer(framing.error());
  framing_ = *framing;
  status_ = head.status;
  buffer_.erase(0, **end);
  return true;
}

Result<bool> AnswerReader::take_body_bytes() {
  if (framing_.kind == BodyFraming::Kind::none) return true;
  if (framing_.kind != BodyFraming::Kind::chunked) {
    body_ += std::exchange(buffer_, {});
    if (framing_.kind != BodyFraming::Kind::length || body_.size() < framing_.length) return false;
    body_.resize(static_cast<std::size_t>(framing_.length));
    return true;
  }
  std::string_view rest = buffer_;
  while (!rest.empty() && !chunks_.done()) {
    auto step = chunks_.consume(rest);
    if (!step) return malformed_answer(step.error());
    body_ += step->body;
    rest.remove_prefix(step->used);
  }
  buffer_.erase(0, buffer_.size() - rest.size());
  return chunks_.done();
}

}  // namespace culvert
