#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "codec/http_head.h"

namespace culvert {

/// Decodes a chunked body (RFC 9112 section 7.1), strictly: a size is hexadecimal digits and
/// nothing else, lines end in CRLF, a chunk is exactly as long as its size.  Only in responses may
/// blanks follow the size, with which old servers pad it.  Extensions are dropped; their length and
/// that of the trailer section are bounded.  Bodies are not copied.
class ChunkedDecoder {
 public:
  /// `kind` is that of the message: errors carry the client's side and http_request_error for a
  /// request, the upstream's and http_protocol_error for a response.
  explicit ChunkedDecoder(HeadScanner::Kind kind);
  ChunkedDecoder(const ChunkedDecoder&) = delete;  // trailers() points into it
  ChunkedDecoder& operator=(const ChunkedDecoder&) = delete;

  struct Step {
    std::size_t used = 0;   ///< bytes taken from the input
    std::string_view body;  ///< the part of them that is body; it is the last part
  };
  /// Takes bytes up to and with the next piece of body.  Call it again with the rest until all is
  /// used or done(); the remaining bytes belong to the next message.
  Result<Step> consume(std::string_view bytes);

  /// The end of the trailer section was seen.
  bool done() const { return state_ == State::done; }

  /// The trailer fields, in order, once done(); views into this object.
  const std::vector<Field>& trailers() const { return trailers_; }

  /// Ready for the next message of the same connection; keeps its capacity.
  void reset();

 private:
  enum class State : std::uint8_t {
    size_start,
    size,
    after_size,
    extension,
    size_lf,
    data,
    data_cr,
    data_lf,
    trailer,
    done,
  };

  Result<void> take(char c);
  Result<void> take_size(char c);
  Result<void> end_size_line();
  Result<std::size_t> take_trailer(std::string_view bytes);
  Error fail(std::string_view text) const;

  HeadScanner::Kind kind_;
  State state_ = State::size_start;
  std::uint64_t left_ = 0;      // of the chunk's data, or the size that is being read
  std::size_t line_ = 0;        // bytes of the current size line
  std::size_t overhead_ = 0;    // bytes of size lines in excess of the data
  std::string trailer_buffer_;  // the last chunk's line and the trailer section
  HeadScanner trailer_scanner_;
  std::vector<Field> trailers_;
};

/// Begins a chunk of `size` > 0 bytes; kChunkEnd follows its data.
void append_chunk_start(std::uint64_t size, std::string& out);
inline constexpr std::string_view kChunkEnd = "\r\n";

/// Ends a chunked body.  Trailer fields that would change how the message is framed, routed or
/// understood are left out (RFC 9110 section 6.5.1).
void append_last_chunk(const std::vector<Field>& trailers, std::string& out);

}  // namespace culvert
