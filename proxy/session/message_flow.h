#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "codec/body_framing.h"
#include "codec/chunked.h"
#include "net/output.h"
#include "session/flow.h"

namespace culvert {

/// A head and a small body: the capacity that a connection keeps of each buffer while it waits for
/// its next message.
inline constexpr std::size_t kKeptRoom = 4 * 1024;

/// Forwards one HTTP message: a rewritten head, then the body as it arrives, in the framing that
/// the receiver understands.  Head and first bytes leave in one write; a body that keeps its
/// framing, and is not chunked, moves as a Flow does.
class MessageFlow {
 public:
  /// `kind` is that of the message, for errors.
  explicit MessageFlow(HeadScanner::Kind kind) : decoder_(kind) {}

  /// Makes bodies wait for their turn, see Pacer.
  void pace(Pacer* pacer) { pacer_ = pacer; }
  Pacer* pacer() const { return pacer_; }
  /// A body waits for its turn.
  bool waits_for_turn() const;
  /// Begins the next message.  output() is to hold its head.
  void start(Stream& from, Stream& to, const BodyFraming& in, const BodyFraming& out);
  /// Bytes to write before the body.
  std::string& output() { return output_.bytes(); }

  /// Takes bytes of the body that were already received.  Returns how many of them belong to this
  /// message.
  Result<std::size_t> feed(std::string_view bytes);
  /// So many bytes that were given to feed() wait for their turn afterwards.
  void charge(std::size_t bytes);
  /// The same, and writes what it can.  `bytes` stand in a buffer that may be overwritten, with
  /// `room` bytes in front of them: if the head fits there, the body need not be copied.
  Result<std::size_t> feed_in_place(std::span<char> bytes, std::size_t room);

  struct Outcome {
    enum class Kind {
      waiting,
      ended,         ///< the whole message is written
      incomplete,    ///< `from` ended or failed within the body, or may have done so
                     ///< (Stream::truncated()); what came of it is written
      malformed,     ///< `from` sent invalid chunks
      write_failed,  ///< `to` failed
    };
    Kind kind = Kind::waiting;
    int sys = 0;                 ///< errno, with incomplete (0: it ended) and write_failed
    std::optional<Error> error;  ///< with malformed
  };
  Outcome pump(const FlowResources& resources);

  /// There is no body, or all of it was read; `from` sends another message next.
  bool body_read() const { return body_read_; }
  /// All that was read is written: the sender's bytes are awaited.
  bool starved() const { return output_.empty() && !(flow_ && flow_->holds_bytes()); }
  /// Bytes that were read and are not written.
  std::size_t held() const { return output_.left() + (flow_ ? flow_->held() : 0); }
  /// The receiver can distinguish a truncated body from a complete one.
  bool self_delimited() const { return out_.kind != BodyFraming::Kind::until_close; }
  /// The body ends only when the sender closes.
  bool ends_with_sender() const { return in_.kind == BodyFraming::Kind::until_close; }
  /// Body bytes taken so far, without framing.
  std::uint64_t total() const { return total_ + (flow_ ? flow_->total() : 0); }
  /// Grows whenever anything moves, also when a slow receiver takes what was read long before.
  std::uint64_t progress() const { return total_ + written_ + (flow_ ? flow_->progress() : 0); }
  /// Returns what is borrowed, and memory that only a busy flow needs.
  void release(const FlowResources& resources);
  /// Discards the state of the last message.
  void clear(const FlowResources& resources);

 private:
  bool raw() const { return in_.kind == out_.kind && in_.kind != BodyFraming::Kind::chunked; }
  std::size_t take_raw(std::size_t available);
  void append_piece(std::string_view piece);
  bool wants_more() const;
  void read_some(const FlowResources& resources);
  Outcome write_output();
  Outcome pump_raw(const FlowResources& resources);

  Stream* from_ = nullptr;
  Stream* to_ = nullptr;
  Pacer* pacer_ = nullptr;
  BodyFraming in_;
  BodyFraming out_;
  ChunkedDecoder decoder_;
  Output output_;
  std::uint64_t written_ = 0;       // bytes of output_ so far
  std::optional<Flow> flow_;        // of a raw body, after what feed() took
  std::optional<Outcome> failure_;  // of `from`; reported when the output is written
  std::uint64_t total_ = 0;
  bool body_read_ = false;
};

}  // namespace culvert
