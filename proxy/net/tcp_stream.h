#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "net/loop.h"
#include "net/stream.h"
#include "net/unread_bytes.h"

namespace culvert {

/// A connected TCP or unix socket.  After would_block, trying again costs no system call until
/// epoll has reported an edge.
class TcpStream final : public Stream, private Pollable {
 public:
  enum class State { connected, connecting };

  /// Takes over `fd`, a non-blocking socket.  The stream is usable only if watch_error() is 0.
  TcpStream(Loop& loop, int fd, State state);
  ~TcpStream();
  TcpStream(const TcpStream&) = delete;
  TcpStream& operator=(const TcpStream&) = delete;

  Io try_read(std::span<char> buffer) override;
  Io try_write(std::span<const char> bytes) override;
  Io shutdown_write() override;
  void resume() override { loop_->resume(*this); }
  void mute() override;
  void reset_on_close() override { reset_on_close_ = true; }
  bool broken() const override { return broken_; }
  bool peer_finished() const override { return (unsure_ & kHungUp) != 0; }
  std::size_t unsent() const override;
  void check_peer(bool blocked) override;
  void unread(std::string bytes) override { unread_.put_back(std::move(bytes)); }
  void detach() override;
  int attach(Loop& loop) override;
  int descriptor() const override { return fd_; }
  bool can_splice() const override { return unread_.empty() && (unsure_ & kUrgent) == 0; }
  Io splice_to(Pipe& pipe, std::size_t most) override;
  Io splice_from(Pipe& pipe) override;

  /// After a non-blocking connect() to `port`: would_block while it is under way, then ok or its
  /// error.
  Io connect_result(std::uint16_t port);
  int fd() const { return fd_; }
  /// The connection is to end when the peer has acknowledged nothing for a minute.
  void limit_silence();
  /// The errno with which the system refused to watch the socket, 0 if it is watched.  The creator
  /// of a stream checks it, and discards one that would never be ready.
  int watch_error() const { return watch_error_; }

 private:
  /// Why a short read does not prove that there is nothing more to read.
  enum Unsure : std::uint8_t {
    kHungUp = 1,  // FIN or worse is queued behind the bytes
    kUrgent = 2,  // urgent data has been there: reading stops in front of it
    kMuted = 4,   // what comes after it would not be reported, see mute()
  };

  /// A signal came before any byte moved: it is tried again in the next turn.
  Io interrupted();
  Io drained();
  void on_poll(std::uint32_t events) override;
  bool connected_to_itself(std::uint16_t port) const;
  bool at_end() const;

  // In the order that takes least, as every idle tunnel has two: the first three stand in the
  // padding of Pollable.
  bool readable_ = false;
  bool writable_;
  int fd_;
  Loop* loop_;  // nullptr while detached
  UnreadBytes unread_;
  int watch_error_ = 0;
  std::uint8_t unsure_ = 0;  // bits of Unsure
  bool broken_ : 1 = false;
  bool reset_on_close_ : 1 = false;
  bool write_closed_ : 1 = false;
  bool silence_limited_ : 1 = false;  // see limit_silence() ...
  bool limit_suspended_ : 1 = false;  // ... and check_peer(), which suspends that limit
};

}  // namespace culvert
