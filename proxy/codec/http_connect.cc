#include "codec/http_connect.h"

#include <string>
#include <utility>

#include "base/redact.h"
#include "codec/challenge.h"
#include "codec/clause.h"
#include "codec/http_head.h"
#include "codec/intermediary.h"
#include "codec/protocol_guess.h"

namespace culvert {
namespace {

constexpr int kMaxInterimAnswers = 16;
/// The share of a clause in the 200 bytes of our own reason phrase, after "culvert: upstream NAME".
constexpr std::size_t kMostOfClause = 160;

/// RFC 9110 section 9.3.6: in a 2xx to CONNECT both fields are ignored, so they cannot contradict
/// each other.
std::string without_framing(std::string_view head) {
  std::string out;
  while (!head.empty()) {
    const std::string_view line = head.substr(0, head.find('\n') + 1);
    const std::string_view name = line.substr(0, line.find(':'));
    if (!iequals(name, "content-length") && !iequals(name, "transfer-encoding")) out += line;
    head.remove_prefix(line.size());
  }
  return out;
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
  HandshakeFailure eof() const override;
  DialPhase phase() const override { return DialPhase::request; }

 private:
  Result<void, HandshakeFailure> check_opening() const;
  Result<void, HandshakeFailure> look_at_head(std::string_view head);
  std::string advice(const ResponseHead& head) const;
  HandshakeFailure refused(const ResponseHead& head) const;
  static HandshakeFailure fault(int status, std::string clause);

  HostPort target_;
  std::optional<Credentials> credentials_;
  std::string_view pseudonym_;
  std::string shown_;
  bool sent_ = false;
  bool done_ = false;
  std::string buffer_;  // the head that is arriving, and nothing after it
  HeadScanner scanner_{HeadScanner::Kind::response};
  int interim_answers_ = 0;
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
  std::size_t used = 0;
  while (!done_ && used < bytes.size()) {
    const std::size_t had = buffer_.size();
    buffer_ += bytes.substr(used);
    if (auto fine = check_opening(); !fine) return std::move(fine).error();
    const auto end = scanner_.scan(buffer_);
    if (!end) {
      return upstream_fault(Errc::upstream_protocol_error,
                            "sent a malformed answer: " + end.error().text);
    }
    if (!*end) return bytes.size();
    used += **end - had;
    if (auto fine = look_at_head({buffer_.data(), **end}); !fine) return std::move(fine).error();
    buffer_.clear();
    scanner_.reset();
  }
  return used;
}

Result<void, HandshakeFailure> HttpConnectHandshake::check_opening() const {
  std::string fault = why_not_http(buffer_);
  if (fault.empty()) return {};
  return upstream_fault(Errc::upstream_protocol_error, std::move(fault));
}

Result<void, HandshakeFailure> HttpConnectHandshake::look_at_head(std::string_view head) {
  ResponseHead answer;
  auto fine = parse_response_head(head, HeadLimits{}, answer);
  std::string unframed;
  if (!fine) {
    unframed = without_framing(head);
    fine = parse_response_head(unframed, HeadLimits{}, answer);
  }
  if (!fine) {
    return upstream_fault(Errc::upstream_protocol_error,
                          "sent a malformed answer: " + fine.error().text);
  }
  if (answer.status == 101) {
    return upstream_fault(Errc::upstream_protocol_error,
                          "answered 101 although nobody asked for "
                          "another protocol");
  }
  if (answer.status < 200) {
    if (++interim_answers_ <= kMaxInterimAnswers) return {};
    return naming_target(
        upstream_fault(Errc::upstream_protocol_error, "sends interim answers only for " + shown_));
  }
  if (answer.status >= 300) return refused(answer);
  done_ = true;
  return {};
}

/// Advice for a refusal, to follow its description.
std::string HttpConnectHandshake::advice(const ResponseHead& head) const {
  switch (head.status) {
    case 405:
    case 501:
      return " - does it serve CONNECT?";
    case 407:
      return " - " + advice_for_407(head, credentials_);
    default:
      return {};
  }
}

HandshakeFailure HttpConnectHandshake::refused(const ResponseHead& head) const {
  std::string text = "answered " + std::to_string(head.status);
  const std::string place = " for " + shown_;
  // The reason phrases of another culvert begin with its name, and most name the target.
  std::string_view reason = redact_echo(head.reason, credentials_);
  if (reason.starts_with(kSigned)) reason.remove_prefix(kSigned.size());
  const std::string advice = this->advice(head);
  const std::size_t room = kMostOfClause - text.size() - 1 - place.size() - advice.size();
  if (!reason.empty()) text += " " + printable(reason, room);
  if (text.find(shown_) == std::string::npos) text += place;
  text += advice;
  HandshakeFailure failure = naming_target(fault(head.status, std::move(text)));
  failure.too_late = head.status == 408;
  return failure;
}

/// The failure that `status` means, of the upstream or of the target.
HandshakeFailure HttpConnectHandshake::fault(int status, std::string clause) {
  switch (status) {
    case 403:
      return upstream_fault(Errc::upstream_denied, std::move(clause));
    case 407:
      return upstream_fault(Errc::upstream_auth_failed, std::move(clause));
    case 405:
    case 501:
      return upstream_fault(Errc::upstream_unsupported, std::move(clause));
    case 508:
      // Most likely by this proxy: our Via came back.
      return upstream_fault(Errc::proxy_loop_detected, std::move(clause));
    case 504:
      return target_fault(Errc::connection_timeout, std::move(clause));
    default:
      return status >= 500 ? target_fault(Errc::destination_unavailable, std::move(clause))
                           : upstream_fault(Errc::destination_unavailable, std::move(clause));
  }
}

HandshakeFailure HttpConnectHandshake::eof() const {
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
