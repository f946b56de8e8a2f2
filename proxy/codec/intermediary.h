#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "codec/http_head.h"

namespace culvert {

/// Appends a field line (RFC 9112 section 5).
void append_field(std::string_view name, std::string_view value, std::string& out);

/// Header fields that are addressed to proxies.

/// True if one of the message's Via fields names `pseudonym`: it has passed through this proxy
/// before (RFC 9110 section 7.6.3).
bool passed_through(const MessageHead& head, std::string_view pseudonym);

/// Appends our Via field, by which a loop is recognised: `minor` is of the HTTP version in which
/// the message was received.
void append_via(int minor, std::string_view pseudonym, std::string& out);

/// True if the client waits for 100 before it sends the body (RFC 9110 section 10.1.1).  Fails with
/// expectation_failed for any other expectation.
Result<bool> expects_continue(const RequestHead& head);

/// Max-Forwards of a TRACE or OPTIONS request (RFC 9110 section 7.6.2), nullopt if it has none that
/// is valid.  With 0 this proxy responds itself; else it forwards the request with one less.
std::optional<std::uint32_t> max_forwards(const RequestHead& head);

/// Appends the body of the response to a TRACE with Max-Forwards 0, as message/http: the request as
/// it was received, without its credentials (RFC 9110 section 9.3.8).
void append_trace_body(const RequestHead& head, std::string& out);

}  // namespace culvert
