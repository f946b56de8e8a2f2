#pragma once

#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace culvert {

/// Bounds of a head section.
struct HeadLimits {
  std::size_t bytes = 64 * 1024;   ///< whole head, start line included
  std::size_t target = 16 * 1024;  ///< request target
  std::size_t fields = 200;        ///< number of header fields
};

/// What the interim responses (1xx) to one request may have in all, unless time passes between
/// them: they are no more than signs of life, and may be many.
inline constexpr std::size_t kMostInterimBytes = 1 << 20;

/// Finds the end of a head section (RFC 9112 section 2.1) in a buffer that grows, and refuses at
/// the first byte what no HTTP/1 message may contain: bare CR or LF, NUL and other control bytes,
/// obs-fold, white space before the first field.  Up to a few empty CRLF lines before a request
/// line are skipped (RFC 9112 section 2.2).  Scans each byte once.  Its errors are as those of
/// parse_request_head() and parse_response_head() below.
class HeadScanner {
 public:
  enum class Kind { request, response };
  explicit HeadScanner(Kind kind, HeadLimits limits = {});

  /// Scans `buffer`, which must begin with the bytes of the earlier calls.  The end of the head
  /// (offset after the empty line), nullopt if more is needed, or an error.
  Result<std::optional<std::size_t>> scan(std::string_view buffer);

  /// Part of the start line was received, and not only empty lines before it.
  bool begun() const { return in_head_ || pos_ - line_ > (after_cr_ ? 1 : 0); }
  /// Where the message begins after skipped empty lines; valid once scan() found the end.
  std::size_t begin() const { return begin_; }
  /// Ready for the next message of the same connection.
  void reset();

 private:
  bool may_stand_here(char c) const;
  Error fault_of_byte(char c) const;
  Result<bool> end_line();
  bool target_too_long() const;
  bool too_long() const { return pos_ > limits_.bytes || target_too_long(); }
  Error fault_of_size() const;
  Error fail(Errc code, std::string_view text) const;

  Kind kind_;
  HeadLimits limits_;
  std::size_t begin_ = 0;
  std::size_t pos_ = 0;    // the first byte that was not scanned
  std::size_t line_ = 0;   // start of the current line
  bool in_head_ = false;   // the start line is complete
  bool after_cr_ = false;  // the last byte was CR
};

/// One field line; views into the head's buffer, the value without surrounding white space.
struct Field {
  std::string_view name;
  std::string_view value;
  /// Blanks stood before its colon, and are removed: only in responses.
  bool blank_before_colon = false;
};

/// A parsed head.  Views point into the buffer that was parsed; clear() keeps the capacity.
struct MessageHead {
  int major = 1;
  int minor = 1;
  std::vector<Field> fields;  ///< in order, duplicates kept

  /// The first field of that name (case-insensitive), if any.
  const Field* find(std::string_view name) const;
};

struct RequestHead : MessageHead {
  std::string_view method;
  std::string_view target;  ///< as received
};

struct ResponseHead : MessageHead {
  int status = 0;
  std::string_view reason;
};

/// Parses a complete head (begin() .. end of HeadScanner) strictly: llhttp in strict mode, plus our
/// own checks for what the packaged version accepts.  On failure the error's code determines the
/// status and its text names the mistake ("field name contains a space"); side is client for
/// requests, upstream for responses (code http_protocol_error).
///
/// Of a response blanks before a field's colon are removed, as a proxy must (RFC 9112 section 5.1),
/// and the framing fields are not judged: that is what response_framing() does.
Result<void> parse_request_head(std::string_view head, const HeadLimits& limits, RequestHead& out);
Result<void> parse_response_head(std::string_view head, const HeadLimits& limits,
                                 ResponseHead& out);

/// The same of a request line alone, without its CRLF; the fields stay as they are.
Result<void> parse_request_line(std::string_view line, const HeadLimits& limits, RequestHead& out);

/// Parses the trailer section of a chunked body (RFC 9112 section 7.1.2): field lines and the empty
/// line after them.  Errors as above, according to `kind`.
Result<void> parse_trailers(std::string_view lines, const HeadLimits& limits,
                            HeadScanner::Kind kind, std::vector<Field>& out);

}  // namespace culvert
