#pragma once

#include <cstddef>
#include <utility>

#include "base/callback.h"
#include "net/timer.h"
#include "policy/bandwidth.h"

namespace culvert {

/// Makes one direction of one session wait for its turn, see Bandwidth.  Whoever reads asks first,
/// and reads no more than that.
class Pacer {
 public:
  /// All references outlive it.  `ready` is called when ask() may have more after it had nothing.
  Pacer(Loop& loop, Bandwidth& bandwidth, const Bandwidth::Flow& flow, Callback<void()> ready);
  ~Pacer() { rest(); }
  Pacer(const Pacer&) = delete;
  Pacer& operator=(const Pacer&) = delete;

  /// From now on it is of another client or user.
  void set_flow(const Bandwidth::Flow& flow);
  /// How many bytes may be read now.  0: `ready` will be called.
  std::size_t ask();
  /// So many of them were read.
  void took(std::size_t bytes) { allowed_ -= bytes; }
  /// Bytes came without being asked for, behind a head: they may be passed on, and more be asked
  /// for, when as many turns have passed as it would have taken to read them.
  void charge(std::size_t bytes);
  /// Nothing more is to be read for now, and what is held back will not be passed on; no `ready`
  /// after it.
  void rest();

  /// Something waits for its turn.
  bool waits() const { return timer_.running(); }
  /// What was charged may not be passed on yet.
  bool holds_back() const { return owed_ > 0; }
  /// Something had to wait since the last call.
  bool take_waited() { return std::exchange(waited_, false) || waits(); }

 private:
  void pay();
  void take_turn(std::size_t most);
  void on_turn();

  Bandwidth& bandwidth_;
  Bandwidth::Flow flow_;
  Callback<void()> ready_;
  Timer timer_;
  std::size_t allowed_ = 0;  // taken from the buckets, and not read; usable unless it waits
  std::size_t owed_ = 0;     // of what was charged
  std::size_t paid_ = 0;     // of what was charged, as long as it is held back
  bool waited_ = false;
};

/// Both directions of a session.
struct Pacers {
  Pacer up;
  Pacer down;

  void rest() {
    up.rest();
    down.rest();
  }
};

}  // namespace culvert
