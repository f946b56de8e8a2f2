#include "session/plain_request.h"

#include <utility>

#include <fmt/format.h>

#include "codec/intermediary.h"
#include "codec/upgrade.h"
#include "session/http_date.h"

namespace culvert {

Result<void> PlainRequest::interpret() {
  auto found_options = connection_options(head);
  if (!found_options) return std::move(found_options).error();
  options = *found_options;
  auto found_framing = request_framing(head);
  if (!found_framing) return std::move(found_framing).error();
  framing = *found_framing;
  auto expects = culvert::expects_continue(head);
  if (!expects) return std::move(expects).error();
  expects_continue = *expects;
  upgrade = wants_upgrade(head, options);
  return {};
}

bool PlainRequest::is_for_us() const {
  // "*" names the server that is asked, and that is us.
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
