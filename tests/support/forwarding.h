// Messages through the codec as a session would move them, but in memory.
#pragma once

#include <string>
#include <string_view>

#include "codec/body_framing.h"
#include "codec/chunked.h"
#include "codec/connection_options.h"
#include "codec/forward_head.h"
#include "codec/http_head.h"
#include "codec/request_target.h"
#include "codec/upgrade.h"

namespace culvert::test {

inline constexpr std::string_view kPseudonym = "culvert-test";

struct Forwarded {
  std::string sent;       ///< what the next hop gets
  std::string body;       ///< its body, without framing
  std::size_t used = 0;   ///< of the input
  bool complete = false;  ///< the input held the whole message
};

/// Moves the body after a head from `bytes` to `out`, framed anew.
inline Result<void> forward_body(std::string_view bytes, const BodyFraming& from,
                                 const BodyFraming& to, HeadScanner::Kind kind, Forwarded& out) {
  using Kind = BodyFraming::Kind;
  const auto put = [&](std::string_view piece) {
    if (piece.empty()) return;
    out.body += piece;
    if (to.kind == Kind::chunked) append_chunk_start(piece.size(), out.sent);
    out.sent += piece;
    if (to.kind == Kind::chunked) out.sent += kChunkEnd;
  };
  ChunkedDecoder decoder(kind);
  switch (from.kind) {
    case Kind::none:
      out.complete = true;
      return {};
    case Kind::length:
      out.complete = bytes.size() >= from.length;
      put(bytes.substr(0, from.length));
      out.used += std::min<std::size_t>(bytes.size(), from.length);
      return {};
    case Kind::until_close:
      out.complete = true;
      put(bytes);
      out.used += bytes.size();
      break;
    case Kind::chunked:
      while (!bytes.empty() && !decoder.done()) {
        auto step = decoder.consume(bytes);
        if (!step) return std::move(step).error();
        put(step->body);
        bytes.remove_prefix(step->used);
        out.used += step->used;
      }
      out.complete = decoder.done();
      break;
  }
  if (to.kind == Kind::chunked && out.complete) append_last_chunk(decoder.trailers(), out.sent);
  return {};
}

/// The first request in `bytes`, forwarded to the target or an upstream proxy.
inline Result<Forwarded> forward_request(std::string_view bytes, bool absolute_form = false) {
  HeadScanner scanner(HeadScanner::Kind::request);
  const auto end = scanner.scan(bytes);
  if (!end) return end.error();
  Forwarded out;
  if (!*end) return out;
  RequestHead head;
  const std::string_view text = bytes.substr(scanner.begin(), **end - scanner.begin());
  if (auto fine = parse_request_head(text, HeadLimits{}, head); !fine) return fine.error();
  RequestTarget target;
  if (auto fine = parse_request_target(head, target); !fine) return fine.error();
  const auto framing = request_framing(head);
  if (!framing) return framing.error();
  const auto options = connection_options(head);
  if (!options) return options.error();
  out.used = **end;
  if (target.form != RequestTarget::Form::absolute) return out;

  RequestForward forward;
  forward.absolute_form = absolute_form;
  if (absolute_form) forward.proxy_authorization = "Basic dTpw";
  forward.pseudonym = kPseudonym;
  forward.framing = *framing;
  forward.upgrade = wants_upgrade(head, *options);
  append_request_head(head, target, *options, forward, out.sent);
  if (auto fine =
          forward_body(bytes.substr(**end), *framing, *framing, HeadScanner::Kind::request, out);
      !fine) {
    return fine.error();
  }
  return out;
}

/// The first response in `bytes`, after which the upstream closed, forwarded to a client.
inline Result<Forwarded> forward_response(std::string_view bytes, std::string_view request_method,
                                          int client_minor = 1) {
  HeadScanner scanner(HeadScanner::Kind::response);
  const auto end = scanner.scan(bytes);
  if (!end) return end.error();
  Forwarded out;
  if (!*end) return out;
  ResponseHead head;
  if (auto fine = parse_response_head(bytes.substr(0, **end), HeadLimits{}, head); !fine) {
    return fine.error();
  }
  const auto framing = response_framing(head, request_method);
  if (!framing) return framing.error();
  const auto options = connection_options(head);
  if (!options) return options.error();
  out.used = **end;

  ResponseForward forward;
  forward.pseudonym = kPseudonym;
  forward.to_head = request_method == "HEAD";
  forward.framing = framing_for_client(*framing, client_minor);
  forward.keep_alive = client_minor == 1 && forward.framing.reusable;
  append_response_head(head, *options, forward, out.sent);
  if (auto fine = forward_body(bytes.substr(**end), *framing, forward.framing,
                               HeadScanner::Kind::response, out);
      !fine) {
    return fine.error();
  }
  return out;
}

}  // namespace culvert::test
