#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "codec/chunked.h"
#include "codec/http_head.h"

namespace culvert {

/// Takes the first line of the text that follows the head of a refused CONNECT, in which some
/// proxies tell the cause (mitmproxy, HTTP::Proxy).  Not more of it is read, as the connection is
/// of no use any more.
class RefusalBody {
 public:
  /// The body is text, and not empty, as far as `head` tells: text/plain or of no declared type.
  static bool is_text(const ResponseHead& head);

  /// Of an answer for which is_text() is true.
  explicit RefusalBody(const ResponseHead& head);

  void take(std::string_view bytes);
  /// Nothing is missing of the line, or it is none.
  bool complete() const { return complete_; }
  /// What was received of it, not cleaned; empty if it is no text.
  std::string_view line() const;

 private:
  void take_chunks(std::string_view bytes);
  void take_text(std::string_view text);

  std::unique_ptr<ChunkedDecoder> chunks_;  // if it is chunked
  std::size_t left_;                        // bytes that may follow
  std::string line_;
  bool complete_ = false;
};

}  // namespace culvert
