#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.h"
#include "codec/body_framing.h"
#include "codec/chunked.h"
#include "codec/http_head.h"

namespace culvert {

/// Reads the answer to one GET: bytes in, status and body out.  Errors are clauses that follow the
/// server's name.
class AnswerReader {
 public:
  /// A longer body is an error.
  explicit AnswerReader(std::size_t most_body) : most_body_(most_body) {}

  /// Takes bytes as they come.  True: the answer is complete.
  Result<bool> take(std::string_view bytes);
  /// The connection has ended: an error unless that ends the answer.
  Result<void> end();

  int status() const { return status_; }  ///< 0 until the head is complete
  const std::string& body() const { return body_; }
  std::string take_body() { return std::move(body_); }

 private:
  Result<bool> take_head();
  Result<bool> take_body_bytes();

  std::size_t most_body_;
  std::string buffer_;  // received, and not taken yet
  HeadScanner scanner_{HeadScanner::Kind::response};
  std::size_t interim_ = 0;
  int status_ = 0;
  BodyFraming framing_;
  ChunkedDecoder chunks_{HeadScanner::Kind::response};
  std::string body_;
  bool complete_ = false;
};

}  // namespace culvert
