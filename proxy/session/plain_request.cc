#include "session/plain_request.h"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include "codec/intermediary.h"
#include "codec/upgrade.h"
#include "session/http_date.h"

namespace culvert {
namespace {

/// RFC 9110 section 9.2.2.
bool is_idempotent(std::string_view method) {
  constexpr std::array<std::string_view, 6> kMethods = {"GET",    "HEAD",    "PUT",
                                                        "DELETE", "OPTIONS", "TRACE"};
  return std::find(kMethods.begin(), kMethods.end(), method) != kMethods.end();
}

}  // namespace

Result<void> PlainRequest::interpret() {
  auto found_options = connection_options(head);
  if (!found_options) return std::move(found_options).error();
  options = *std::move(found_options);
  auto found_framing = request_framing(head);
  if (!found_framing) return std::move(found_framing).error();
  framing = *found_framing;
  auto expects = culvert::expects_continue(head);
  if (!expects) return std::move(expects).error();
  expects_continue = *expects;
  upgrade = wants_upgrade(head, options);
  return {};
}

bool PlainRequest::is_repeatable() const {
  const bool has_body = framing.kind == BodyFraming::Kind::chunked || framing.length > 0;
  return !has_body && is_idempotent(head.method);
}

bool PlainRequest::is_for_us() const {
  // "*" names the server that receives the request, which is this proxy.
  return target.form == RequestTarget::Form::asterisk || max_forwards(head) == 0u;
}

std::string PlainRequest::own_answer() const {
  std::string body;
  if (head.method == "TRACE") append_trace_body(head, body);
  return fmt::format(
      "HTTP/1.1 200 OK\r\n{}Content-Length: {}\r\nDate: {}\r\nConnection: close\r\n\r\n{}",
      body.empty() ? "" : "Content-Type: message/http\r\n", body.size(), http_date(), body);
}

}  // namespace culvert
