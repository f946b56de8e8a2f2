#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

#include "base/result.h"
#include "codec/http_head.h"

namespace culvert {

/// The head of a proxy's answer to CONNECT, read as leniently as Go's net/http and curl read it.
/// Nothing of it is forwarded and it frames no message, so only two things can be misread: the
/// status, and where the tunnel begins.  Errors are clauses without a subject.

/// Finds the end of the head in a buffer that grows: the first empty line.  Lines end in LF, with
/// or without CR (RFC 9112 section 2.2); whatever else they hold is accepted.  The exception is a
/// line that begins with CR and is not empty, which ends the head for curl and not for Go.
class ConnectAnswerScanner {
 public:
  /// Scans `buffer`, which must begin with the bytes of the earlier calls.  The offset after the
  /// empty line; nullopt if more is needed.
  Result<std::optional<std::size_t>, std::string_view> scan(std::string_view buffer);
  /// Ready for the next head.
  void reset() { *this = {}; }

 private:
  std::size_t pos_ = 0;   // the first byte that was not scanned
  std::size_t line_ = 0;  // start of the current line
};

/// Reads version, status and reason from the first line of `head`: HTTP/1 and three digits; blanks
/// between them and any byte in the reason are accepted.
Result<void, std::string_view> parse_connect_status(std::string_view head, ResponseHead& out);

/// Reads the fields of `head`, and joins folded lines (RFC 9112 section 5.2) there, in place.
/// Blanks before a field's colon are dropped, and lines that are no fields.
void parse_connect_fields(std::span<char> head, ResponseHead& out);

}  // namespace culvert
