#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace culvert {

class Loop;
class Pipe;
class Stream;

/// The outcome of an attempt to move bytes.
struct Io {
  enum class Status { ok, would_block, eof, error };
  Status status = Status::would_block;
  std::size_t bytes = 0;  ///< moved, with ok
  int error = 0;          ///< errno, with error; EPROTO for a TLS failure

  static Io ok(std::size_t bytes) { return {Status::ok, bytes, 0}; }
  static Io would_block() { return {Status::would_block, 0, 0}; }
  static Io eof() { return {Status::eof, 0, 0}; }
  static Io failed(int error) { return {Status::error, 0, error}; }
};

/// Called when an operation that would have blocked can be tried again.
class StreamEvents {
 public:
  /// May destroy the stream.  Not called during a try_...(), nor after the stream's destruction.
  virtual void on_ready(Stream& stream) = 0;

 protected:
  ~StreamEvents() = default;
};

/// A bidirectional byte stream that never blocks: try first, and only after `would_block` wait for
/// on_ready().  A stream never holds a caller's buffer between calls.  A caller that stops before
/// would_block (to let others have a turn) calls resume() to be called again.  Destruction closes
/// at once.
class Stream {
 public:
  virtual ~Stream() = default;

  /// The receiver of on_ready(); may change at any time.  The new one tries first.
  void set_events(StreamEvents* events) { events_ = events; }

  /// eof when the peer has finished sending.
  virtual Io try_read(std::span<char> buffer) = 0;
  virtual Io try_write(std::span<const char> bytes) = 0;
  /// Ends the sending direction (FIN, close_notify).  Idempotent.
  virtual Io shutdown_write() = 0;

  /// on_ready() in the next turn.
  virtual void resume() = 0;
  /// For a caller that has stopped before would_block and goes on when something else lets it: what
  /// arrives need not be reported until a read has met would_block again.  The end of the
  /// connection still is, and that writing is possible.
  virtual void mute() {}
  /// Makes the destruction a RST instead of a FIN.
  virtual void reset_on_close() = 0;
  /// The connection is known to be dead (reset or timed out); reading what is left still works.
  virtual bool broken() const = 0;
  /// The peer has finished sending, or is dead; some of what it sent may not be read yet.
  virtual bool peer_finished() const = 0;
  /// After eof: TLS was not ended by a close_notify, so the end may not be the peer's own (RFC 9112
  /// section 9.8).
  virtual bool truncated() const { return false; }
  /// Bytes written that the peer has not acknowledged yet.
  virtual std::size_t unsent() const = 0;
  /// To be called periodically while writing may be `blocked`: a peer that answers the kernel's
  /// probes is slow and not timed out, one that does not is dead.
  virtual void check_peer(bool blocked) = 0;

  /// Puts bytes back: the next try_read() begins with them.
  virtual void unread(std::string bytes) = 0;

  // A stream may move to another thread's loop.  Between detach() and attach() it has no loop, and
  // on_ready() is not called; it may still be read.
  virtual void detach() {}
  /// In the thread of `loop`.  0, or the errno with which the system refused to watch the stream.
  virtual int attach(Loop&) { return 0; }
  /// To be polled while it is detached; negative if there is none.
  virtual int descriptor() const { return -1; }

  /// The stream can move bytes between its socket and a pipe without their passing through us.
  virtual bool can_splice() const { return false; }
  /// Socket to pipe.  With ok and no bytes can_splice() has become false.
  virtual Io splice_to(Pipe& pipe, std::size_t most);
  virtual Io splice_from(Pipe& pipe);  ///< pipe to socket

 protected:
  StreamEvents* events_ = nullptr;
};

/// The text of a stream's error: a TlsStream's EPROTO is not the kernel's.
std::string describe_failure(int error);

/// Whether `error` says that the peer has ended the connection and takes no more bytes.
bool is_reset(int error);

/// Whether an idle kept connection can be reused: nothing unsolicited was received, FIN included.
/// May consume a byte otherwise.  Its read also processes TLS's own messages, such as session
/// tickets.
bool is_quiet(Stream& stream);

}  // namespace culvert
