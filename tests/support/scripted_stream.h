// A stream without a socket: the test plays its far end.
#pragma once

#include <array>
#include <cerrno>
#include <cstddef>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "net/loop.h"
#include "net/stream.h"
#include "support/dialogue.h"

namespace culvert::test {

/// How a scripted stream hands over what its peer does.
struct Pace {
  static constexpr std::size_t kAll = std::numeric_limits<std::size_t>::max();

  bool deferred = false;    ///< every attempt blocks once, and succeeds when on_ready() has come
  std::size_t gulp = kAll;  ///< the most bytes that one attempt moves
};

/// Completions immediate and deferred, whole and in pieces.
inline constexpr std::array kPaces = {Pace{},        Pace{true, Pace::kAll}, Pace{false, 1},
                                      Pace{true, 1}, Pace{false, 3},         Pace{true, 16}};

std::string to_string(const Pace& pace);

/// The far end of a stream. Outlives the stream, and records how that ended.
class Peer {
 public:
  explicit Peer(Loop& loop, Pace pace = {}) : loop_(loop), pace_(pace) {}
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;

  /// The stream to hand to the code under test; one only.
  std::unique_ptr<Stream> stream();

  // The script, as Dialogue has it.
  Peer& expects(std::string bytes);
  Peer& expects_end();
  Peer& sends(std::string bytes);
  Peer& ends();
  /// What follows its end may have been cut off: see Stream::truncated().
  Peer& ends_truncated();
  /// What was sent before can still be read; as with a socket, one attempt reports the error, and
  /// after that reading finds the end and writing EPIPE.
  Peer& resets(int error = ECONNRESET);

  /// Takes only so many bytes more; takes_all() lifts that.
  void takes(std::size_t bytes);
  void takes_all() { takes(Pace::kAll); }
  /// Writing fails with this errno, reading goes on.
  void refuses(int error);
  /// Has not acknowledged so many bytes.
  void holds_back(std::size_t unsent) { unsent_ = unsent; }
  /// Called after each write and FIN: for a peer that is more than a script.
  void set_listener(std::function<void(std::string bytes, bool end)> listener);

  // The outcome of the script, see Dialogue.
  const std::vector<bool>& checks() const { return checks_; }  ///< of Stream::check_peer()
  std::string verdict() const;
  const std::string& received() const { return dialogue_.received(); }
  bool received_end() const { return dialogue_.received_end(); }
  const std::vector<std::string>& writes() const { return writes_; }  ///< one by one
  std::size_t unread() const { return dialogue_.output.size(); }      ///< sent and not yet read
  bool open() const { return stream_ != nullptr; }
  bool closed() const { return closed_; }                    ///< the stream is gone ...
  bool closed_by_reset() const { return closed_by_reset_; }  ///< ... and was closed with a RST

 private:
  class End;
  Peer& acted();
  Io read(std::span<char> buffer);
  Io write(std::span<const char> bytes);
  Io shut_down();
  bool defers(bool& announced);

  Loop& loop_;
  Pace pace_;
  Dialogue dialogue_;
  End* stream_ = nullptr;
  std::function<void(std::string, bool)> listener_;
  std::vector<std::string> writes_;
  std::string complaint_;
  std::size_t window_ = Pace::kAll;
  std::size_t unsent_ = 0;
  std::vector<bool> checks_;
  int write_error_ = 0;
  bool truncated_ = false;
  bool error_reported_ = false;
  bool read_announced_ = false;  // that a read may succeed now, with a deferring pace
  bool write_announced_ = false;
  bool shut_down_announced_ = false;
  bool closed_ = false;
  bool closed_by_reset_ = false;
};

}  // namespace culvert::test
