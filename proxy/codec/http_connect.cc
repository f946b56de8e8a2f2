#include "codec/http_connect.h"

#include <string>
#include <utility>

#include "codec/clause.h"
#include "codec/connect_answer.h"
#include "codec/http_head.h"
#include "codec/intermediary.h"
#include "codec/protocol_guess.h"
#include "codec/refusal.h"
#include "codec/refusal_body.h"

namespace culvert {
namespace {

/// No client skips it (Go and curl refuse it, too): what follows may be late, about something else.
bool begins_with_empty_line(std::string_view bytes) {
  return bytes.starts_with('\n') || bytes.starts_with("\r\n");
}

HandshakeFailure malformed(std::string_view fault) {
  return upstream_fault(Errc::upstream_protocol_error,
                        "sent a malformed answer: " + std::string(fault));
}

class HttpConnectHandshake final : public Handshake {
 public:
  HttpConnectHandshake(const HostPort& target, const std::optional<Credentials>& credentials,
                       std::string_view pseudonym)
      : target_(target),
        credentials_(credentials),
        pseudonym_(pseudonym),
        shown_(shown_target(target)) {}

  std::string take_output() override;
  Result<std::size_t, HandshakeFailure> consume(std::string_view bytes) override;
  bool done() const override { return done_; }
  bool is_refused() const override { return body_.has_value(); }
  HandshakeFailure eof() const override;
  DialPhase phase() const override { return DialPhase::request; }

 private:
  Result<void, HandshakeFailure> check_opening() const;
  Result<void, HandshakeFailure> look_at_head(std::size_t size);
  Result<void, HandshakeFailure> look_at_refusal(std::size_t head_size);
  HandshakeFailure refusal() const;

  HostPort target_;
  std::optional<Credentials> credentials_;
  std::string_view pseudonym_;
  std::string shown_;
  bool sent_ = false;
  bool done_ = false;
  std::string buffer_;  // the head that is arriving, and what was received with its end
  ConnectAnswerScanner scanner_;
  std::size_t interim_bytes_ = 0;
  ResponseHead answer_;              // views into buffer_
  std::optional<RefusalBody> body_;  // of a refusal
};

std::string HttpConnectHandshake::take_output() {
  if (std::exchange(sent_, true)) return {};
  const std::string authority = target_.authority();
  std::string out = "CONNECT " + authority + " HTTP/1.1\r\nHost: " + authority + "\r\n";
  if (!pseudonym_.empty()) append_via(1, pseudonym_, out);
  if (credentials_) {
    // Sent preemptively, as every client does: a challenge would cost a round trip, and often the
    // connection.
    out.append("Proxy-Authorization: Basic ").append(basic_token(*credentials_).reveal());
    out += "\r\n";
  }
  return out + "\r\n";
}

Result<std::size_t, HandshakeFailure> HttpConnectHandshake::consume(std::string_view bytes) {
  if (body_) {
    body_->take(bytes);
    if (body_->complete()) return refusal();
    return bytes.size();
  }
  std::size_t used = 0;
  while (!done_ && !body_ && used < bytes.size()) {
    const std::size_t had = buffer_.size();
    buffer_ += bytes.substr(used);
    if (auto fine = check_opening(); !fine) return std::move(fine).error();
    const auto end = scanner_.scan(buffer_);
    if (!end) return malformed(end.error());
    if (!*end) return bytes.size();
    used += **end - had;
    if (auto fine = look_at_head(**end); !fine) return std::move(fine).error();
  }
  return body_ ? bytes.size() : used;
}

Result<void, HandshakeFailure> HttpConnectHandshake::check_opening() const {
  if (begins_with_empty_line(buffer_)) {
    return upstream_fault(Errc::upstream_protocol_error,
                          "sent an empty line before its status line");
  }
  if (buffer_ == "\r") return {};
  std::string fault = why_not_http(buffer_);
  if (fault.empty()) return {};
  return upstream_fault(Errc::upstream_protocol_error, std::move(fault));
}

/// The first `size` bytes of buffer_ are a head.
Result<void, HandshakeFailure> HttpConnectHandshake::look_at_head(std::size_t size) {
  if (auto fine = parse_connect_status({buffer_.data(), size}, answer_); !fine) {
    return malformed(fine.error());
  }
  if (answer_.status == 101) {
    return upstream_fault(Errc::upstream_protocol_error,
                          "answered 101 although nobody asked for "
                          "another protocol");
  }
  if (answer_.status >= 300) return look_at_refusal(size);
  if (answer_.status < 200) {
    interim_bytes_ += size;  // how long they go on is bounded by the dial's time
    if (interim_bytes_ > kMostInterimBytes) {
      return naming_target(upstream_fault(Errc::upstream_protocol_error,
                                          "sends interim answers only for " + shown_));
    }
  }
  done_ = answer_.status >= 200;
  buffer_.clear();
  scanner_.reset();
  return {};
}

Result<void, HandshakeFailure> HttpConnectHandshake::look_at_refusal(std::size_t head_size) {
  parse_connect_fields({buffer_.data(), head_size}, answer_);
  if (!wants_body(answer_)) return refusal();
  body_.emplace(answer_);
  body_->take({buffer_.data() + head_size, buffer_.size() - head_size});
  if (body_->complete()) return refusal();
  return {};
}

HandshakeFailure HttpConnectHandshake::refusal() const {
  return refusal_of(answer_, body_ ? body_->line() : std::string_view(), target_, credentials_);
}

HandshakeFailure HttpConnectHandshake::eof() const {
  if (is_refused()) return refusal();
  if (buffer_.empty()) {
    return naming_target(upstream_fault(
        Errc::connection_terminated, "closed the connection instead of answering for " + shown_));
  }
  if (may_become_known(buffer_)) {
    return upstream_fault(Errc::upstream_protocol_error,
                          "did not answer in HTTP - does the URL name the right protocol and "
                          "port?");
  }
  return naming_target(
      upstream_fault(Errc::connection_terminated,
                     "closed the connection in the middle of its answer for " + shown_));
}

}  // namespace

std::unique_ptr<Handshake> make_http_connect_handshake(
    const HostPort& target, const std::optional<Credentials>& credentials,
    std::string_view pseudonym) {
  return std::make_unique<HttpConnectHandshake>(target, credentials, pseudonym);
}

}  // namespace culvert
