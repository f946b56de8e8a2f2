#include "codec/body_framing.h"

#include <limits>
#include <optional>
#include <string>

#include "base/text.h"
#include "codec/octets.h"

namespace culvert {
namespace {

using FramingKind = BodyFraming::Kind;

/// The contents of the fields, whether or not the message has a body at all.
struct Facts {
  std::optional<std::uint64_t> length;
  bool has_coding = false;    // there is a Transfer-Encoding field
  bool chunked = false;       // the last coding is chunked
  bool other_coding = false;  // some coding is not chunked
  bool odd = false;           // not all readers would take such a field for one
  std::string_view fault;     // why they are ambiguous; empty if they are not
};

constexpr std::string_view kOtherCoding = "a transfer coding other than chunked is not supported";

/// RFC 9110 section 8.6: 1*DIGIT.  Lists of equal numbers, which it lets a recipient accept, are
/// refused: they are a mistake or an attack.
std::optional<std::uint64_t> parse_length(std::string_view text) {
  constexpr std::uint64_t kMax = std::numeric_limits<std::int64_t>::max();
  if (text.empty() || text.size() > 19) return std::nullopt;
  std::uint64_t value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + static_cast<std::uint64_t>(c - '0');
  }
  if (value > kMax) return std::nullopt;
  return value;
}

/// Walks the codings of one Transfer-Encoding field (RFC 9112 section 7), all but one of which
/// make it unfit.
void add_codings(std::string_view list, Facts& facts) {
  for (;;) {
    const std::size_t comma = list.find(',');
    const std::string_view coding = trim(list.substr(0, comma));
    if (facts.chunked) {
      facts.fault = "Transfer-Encoding goes on behind chunked";
    } else if (iequals(coding, "chunked")) {
      facts.chunked = true;
    } else if (is_token(coding)) {
      facts.other_coding = true;
    } else {
      facts.fault = "Transfer-Encoding is malformed";
    }
    if (comma == std::string_view::npos || !facts.fault.empty()) return;
    list.remove_prefix(comma + 1);
  }
}

void add_length(std::string_view value, Facts& facts) {
  if (facts.length) {
    facts.fault = "there is more than one Content-Length";
    return;
  }
  facts.length = parse_length(value);
  if (!facts.length) facts.fault = "Content-Length is not one number";
}

Facts gather(const MessageHead& head) {
  Facts facts;
  for (const Field& field : head.fields) {
    if (iequals(field.name, "content-length")) {
      facts.odd = facts.odd || field.blank_before_colon;
      add_length(field.value, facts);
    } else if (iequals(field.name, "transfer-encoding")) {
      facts.odd = facts.odd || field.blank_before_colon;
      facts.has_coding = true;
      add_codings(field.value, facts);
    }
    if (!facts.fault.empty()) return facts;
  }
  if (!facts.has_coding) return facts;
  if (facts.length) {
    facts.fault = "Content-Length stands next to Transfer-Encoding";
  } else if (head.minor == 0) {
    facts.fault = "an HTTP/1.0 message has Transfer-Encoding";  // RFC 9112 section 6.1
  } else if (!facts.chunked) {
    facts.fault = "Transfer-Encoding does not end in chunked";
  } else if (facts.other_coding) {
    facts.fault = kOtherCoding;
  }
  return facts;
}

BodyFraming framing_of(const Facts& facts, FramingKind otherwise) {
  if (facts.chunked) return {FramingKind::chunked, 0, !facts.odd};
  if (facts.length) return {FramingKind::length, *facts.length, !facts.odd};
  return {otherwise, 0, otherwise != FramingKind::until_close};
}

/// A server that frames a body where none can be may well send one; nothing after it can be
/// trusted.
bool claims_body(const Facts& facts, int status) {
  return facts.chunked || (status != 304 && facts.length.value_or(0) > 0);
}

}  // namespace

Result<BodyFraming> request_framing(const RequestHead& head) {
  const Facts facts = gather(head);
  if (!facts.fault.empty()) {
    const bool unknown = facts.fault == kOtherCoding;
    return Error{.code = unknown ? Errc::method_not_implemented : Errc::http_request_error,
                 .side = Side::client,
                 .sys = 0,
                 .text = std::string(facts.fault)};
  }
  // RFC 9112 section 6.3: without either field there is no body.
  return framing_of(facts, FramingKind::none);
}

Result<BodyFraming> response_framing(const ResponseHead& head, std::string_view request_method) {
  const bool success = head.status >= 200 && head.status < 300;
  if (request_method == "CONNECT" && success) return BodyFraming{};
  const Facts facts = gather(head);
  const bool ambiguous = !facts.fault.empty();
  const bool to_head = request_method == "HEAD";
  if (to_head || head.status < 200 || head.status == 204 || head.status == 304) {
    const bool suspect = ambiguous || facts.odd || (!to_head && claims_body(facts, head.status));
    return BodyFraming{FramingKind::none, 0, !suspect, ambiguous};
  }
  if (ambiguous) {
    return Error{.code = Errc::http_protocol_error,
                 .side = Side::upstream,
                 .sys = 0,
                 .text = std::string(facts.fault)};
  }
  return framing_of(facts, FramingKind::until_close);
}

BodyFraming framing_for_client(const BodyFraming& framing, int client_minor) {
  if (framing.kind == FramingKind::chunked && client_minor == 0)
    return {FramingKind::until_close, 0, false};
  if (framing.kind == FramingKind::until_close && client_minor >= 1)
    return {FramingKind::chunked, 0, true};
  return {framing.kind, framing.length, framing.kind != FramingKind::until_close,
          framing.ambiguous};
}

}  // namespace culvert
