#include "session/answer.h"

#include <fmt/format.h>

#include "base/text.h"
#include "codec/clause.h"
#include "codec/sign_in.h"
#include "session/http_date.h"

namespace culvert {
namespace {

constexpr std::size_t kMostOfDetail = 1'000;

/// RFC 8941 section 3.3.3; `text` is printable ASCII already.
std::string structured_string(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

}  // namespace

std::string reason_phrase(const Error& error) {
  return printable(std::string(kSigned) + error.text, kSigned.size() + kMostOfText);
}

std::string error_answer(const Error& error, bool head_request, bool kept) {
  const ErrcMeaning& meaning = meaning_of(error.code);
  const std::string reason = reason_phrase(error);
  std::string body = reason + "\n";
  std::string details;
  if (!error.detail.empty()) {
    const std::string more = printable(error.detail, kMostOfDetail);
    body += more + "\n";
    // RFC 9209 section 2.1.5: what is "not captured anywhere else".
    details = "; details=" + structured_string(more);
  }
  if (!meaning.hint.empty()) body += fmt::format("{}\n", meaning.hint);
  std::string out = fmt::format(
      "HTTP/1.1 {} {}\r\n"
      "Date: {}\r\n"
      "Proxy-Status: culvert; error={}{}\r\n"
      "Content-Type: text/plain\r\n"
      "Content-Length: {}\r\n",
      meaning.status, reason, http_date(), meaning.rfc9209, details, body.size());
  if (!kept) out += "Connection: close\r\n";
  if (error.code == Errc::proxy_auth_required) {
    out.append("Proxy-Authenticate: ").append(kChallenge).append("\r\n");
  }
  // At one request a second or more, a second is enough for the next one.
  if (error.code == Errc::request_rate_limit) out += "Retry-After: 1\r\n";
  out += "\r\n";
  if (!head_request) out += body;
  return out;
}

}  // namespace culvert
