#include "codec/refusal.h"

#include <algorithm>
#include <string>
#include <utility>

#include "base/redact.h"
#include "codec/challenge.h"
#include "codec/clause.h"
#include "codec/refusal_body.h"
#include "codec/refusal_cause.h"

namespace culvert {
namespace {

/// The share of a clause in the 200 bytes of our own reason phrase, after "culvert: upstream NAME".
constexpr std::size_t kMostOfClause = 160;

bool wants_credentials(int status) { return status == 407 || status == 401; }

bool is_redirect(const ResponseHead& answer) {
  return answer.status >= 300 && answer.status < 400 && redirect_place(answer);
}

/// It comes from another culvert, whose reason phrase tells everything.
bool is_signed(const ResponseHead& answer) { return answer.reason.starts_with(kSigned); }

class Refusal {
 public:
  Refusal(const ResponseHead& answer, const HostPort& target,
          const std::optional<Credentials>& credentials)
      : answer_(answer), target_(target), credentials_(credentials) {}

  std::string clause(std::string_view body_line) const;
  Errc code() const;

 private:
  std::string cause(std::string_view body_line) const;
  std::string redirect_cause() const;
  std::string advice() const;
  bool leads_to_target() const;
  /// `text` of the proxy, without our credentials, in at most `room` bytes.
  std::string shown(std::string_view text, std::size_t room) const {
    return printable(redact_echo(text, credentials_), room);
  }

  const ResponseHead& answer_;
  const HostPort& target_;
  const std::optional<Credentials>& credentials_;
};

std::string Refusal::clause(std::string_view body_line) const {
  std::string text = "answered " + std::to_string(answer_.status);
  const std::string target = shown_target(target_);
  const std::string place = " for " + target;
  const std::string advice = this->advice();
  const std::string cause = this->cause(body_line);
  std::string_view reason = redact_echo(answer_.reason, credentials_);
  if (is_signed(answer_) && reason.starts_with(kSigned)) reason.remove_prefix(kSigned.size());
  const auto room = [&] {
    constexpr std::size_t kPunctuation = 3;
    const std::size_t taken = text.size() + place.size() + advice.size() + kPunctuation;
    return kMostOfClause - std::min(kMostOfClause, taken);
  };
  if (cause.empty()) {
    if (!reason.empty()) text += " " + printable(reason, room());
  } else {
    text += ": " + shown(cause, room());
    const bool is_new = cause.find(reason) == std::string::npos;
    if (is_new && reason.size() <= room()) text += " (" + printable(reason) + ")";
  }
  if (text.find(target) == std::string::npos) text += place;
  return text + advice;
}

/// " - " is where our own advice begins.
std::string without_dashes(std::string text) {
  constexpr std::string_view kDash = " - ";
  for (std::size_t at = 0; (at = text.find(kDash, at)) != std::string::npos;) {
    text.replace(at, kDash.size(), ", ");
  }
  return text;
}

std::string Refusal::cause(std::string_view body_line) const {
  if (wants_credentials(answer_.status) || is_signed(answer_)) return {};
  if (is_redirect(answer_)) return redirect_cause();
  std::string cause = cause_in_fields(answer_);
  if (cause.empty()) cause = body_line;
  // Before anything in it is changed, which might hide the credentials from that.
  cause = std::string(redact_cut_echo(cause, credentials_));
  // Many a body is the status line once more.
  const std::string status_line =
      std::to_string(answer_.status) + " " + std::string(answer_.reason);
  const bool is_new = !iequals(cause, answer_.reason) && !iequals(cause, status_line);
  return is_new ? without_dashes(std::move(cause)) : std::string();
}

/// A web server that is no proxy redirects to the same site: to its https://, mostly.
bool Refusal::leads_to_target() const {
  const auto place = HostPort::parse(redirect_place(answer_).value_or(""), target_.port);
  return place && place->host == target_.host;
}

std::string Refusal::redirect_cause() const {
  const std::string place = redirect_place(answer_).value_or("");
  if (leads_to_target()) return "it leads to " + place + " itself";
  return "it wants a sign-in at " + (place.empty() ? "its own web page" : place);
}

/// What may help, to follow the description.
std::string Refusal::advice() const {
  constexpr std::uint16_t kHttps = 443;
  if (wants_credentials(answer_.status)) return " - " + advice_for_407(answer_, credentials_);
  if (is_signed(answer_)) return {};
  switch (answer_.status) {
    case 400:
    case 405:
    case 501:
      return " - does it serve CONNECT?";
    case 403:
      if (target_.port == kHttps) break;
      return " - many proxies let CONNECT through to 443 only";
    case 511:  // RFC 6585 section 6
      return " - it wants a sign-in with a browser";
    default:
      if (is_redirect(answer_) && leads_to_target()) return " - does it serve CONNECT?";
  }
  const std::string time = retry_time(answer_);
  return time.empty() ? "" : " - it asks to try again " + shown(time, time.size());
}

/// Whose failure it is follows from the code, see refusal_of().
Errc Refusal::code() const {
  if (is_redirect(answer_)) {
    return leads_to_target() ? Errc::upstream_unsupported : Errc::upstream_wants_sign_in;
  }
  switch (answer_.status) {
    case 403:
      return Errc::upstream_denied;
    case 511:
      return Errc::upstream_wants_sign_in;
    case 401:
    case 407:
      return Errc::upstream_auth_failed;
    case 405:
    case 501:
      return Errc::upstream_unsupported;
    case 504:
      return Errc::connection_timeout;
    case 508:
      // Most likely by this proxy: our Via came back.
      return Errc::proxy_loop_detected;
    default:
      return Errc::destination_unavailable;
  }
}

}  // namespace

HandshakeFailure refusal_of(const ResponseHead& answer, std::string_view body_line,
                            const HostPort& target, const std::optional<Credentials>& credentials) {
  const Refusal refusal(answer, target, credentials);
  const Errc code = refusal.code();
  const bool is_about_target = code == Errc::connection_timeout ||
                               (code == Errc::destination_unavailable && answer.status >= 500);
  std::string clause = refusal.clause(body_line);
  HandshakeFailure failure =
      naming_target(is_about_target ? target_fault(code, std::move(clause))
                                    : upstream_fault(code, std::move(clause)));
  failure.too_late = answer.status == 408;
  return failure;
}

bool wants_body(const ResponseHead& answer) {
  return answer.status >= 400 && answer.status != 408 && !wants_credentials(answer.status) &&
         !is_signed(answer) && cause_in_fields(answer).empty() && RefusalBody::is_text(answer);
}

}  // namespace culvert
