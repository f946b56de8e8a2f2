#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "codec/body_framing.h"
#include "codec/chunked.h"
#include "session/flow.h"

namespace culvert {

/// One HTTP message on its way through us: a head that was written anew, then the body as it comes
/// in, in the framing that the receiver understands.  Head and first bytes leave in one write; a
/// body that keeps its framing moves as a Flow does.
class MessageFlow {
 public:
  /// `kind` is that of the message, for errors.
  explicit MessageFlow(HeadScanner::Kind kind) : decoder_(kind) {}

  /// Begins the next message.  output() is to hold its head.
  void start(Stream& from, Stream& to, const BodyFraming& in, const BodyFraming& out);
  /// What is to be written before the body.
  std::string& output() { return output_; }

  /// Takes bytes of the body that are already there; how many of them belong to this message.
  Result<std::size_t> feed(std::string_view bytes);

  struct Outcome {
    enum class Kind {
      waiting,
      ended,         ///< the whole message is written
      incomplete,    ///< `from` ended or failed within the body
      malformed,     ///< `from` sent what cannot be chunks
      write_failed,  ///< `to` failed
    };
    Kind kind = Kind::waiting;
    int sys = 0;                 ///< errno, with incomplete (0: it ended) and write_failed
    std::optional<Error> error;  ///< with malformed
  };
  Outcome pump(FlowResources resources);

  /// All of the body was read; what `from` sends next is another message.
  bool body_read() const { return body_read_; }
  /// The receiver can tell a body that was cut short from a complete one.
  bool self_delimited() const { return out_.kind != BodyFraming::Kind::until_close; }
  /// Body bytes taken so far, without framing.
  std::uint64_t total() const { return total_ + (flow_ ? flow_->total() : 0); }
  /// Gives back what is borrowed.
  void release(FlowResources resources);

 private:
  bool raw() const { return in_.kind == out_.kind && in_.kind != BodyFraming::Kind::chunked; }
  void append_piece(std::string_view piece);
  Outcome read_some(FlowResources resources);
  Outcome pump_raw(FlowResources resources);

  Stream* from_ = nullptr;
  Stream* to_ = nullptr;
  BodyFraming in_;
  BodyFraming out_;
  ChunkedDecoder decoder_;
  std::string output_;
  std::size_t written_ = 0;
  std::optional<Flow> flow_;  // of a raw body, behind what feed() took
  std::uint64_t total_ = 0;
  bool body_read_ = false;
};

}  // namespace culvert
