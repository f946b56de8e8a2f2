#pragma once

#include <chrono>
#include <memory>
#include <vector>

#include "dial/dial.h"
#include "net/loop.h"
#include "net/timer.h"

namespace culvert {

struct Upstream;
class ProxyDial;

/// Keeps connections to an upstream's proxy that need nothing but a request: connected, TLS done,
/// SOCKS greeting and authentication done (`?warm=N`).  A CONNECT then costs one round trip.
/// Whatever happens on a waiting connection spoils it, and none waits for long.
class WarmPool final : private StreamEvents {
 public:
  /// Keeps `wanted` connections.  `upstream` owns the pool.
  WarmPool(Loop& loop, Upstream& upstream, std::size_t wanted);
  ~WarmPool();

  /// A ready connection, nullptr if there is none at the moment; another one takes its place.
  std::unique_ptr<Stream> take();
  /// One that was taken turned out to be dead without a word, so these may be as well: they are
  /// replaced.
  void distrust();

 private:
  struct Ready {
    std::unique_ptr<Stream> stream;
    Loop::Clock::time_point since;
  };
  struct Filling;

  void on_ready(Stream& stream) override;
  void fill();
  void on_filled(Filling& filling, DialResult result);
  void on_timer();

  Loop& loop_;
  Upstream& upstream_;
  std::size_t wanted_;
  std::vector<Ready> ready_;  // the oldest first
  std::vector<std::unique_ptr<Filling>> filling_;
  Timer timer_;
  bool resting_ = false;  // after a failure
};

}  // namespace culvert
