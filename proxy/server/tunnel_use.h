#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "base/callback.h"
#include "net/timer.h"
#include "server/tunnel_set.h"
#include "server/worker.h"

namespace culvert {

/// Asks all workers, once a second, through which tunnels their sessions go.  Lives in the first
/// worker's thread, and longer than the threads of the others.
class TunnelUse {
 public:
  /// Nothing goes through the others, if no new session can choose them.
  using Found = Callback<void(TunnelSet used)>;

  TunnelUse(const std::vector<std::unique_ptr<Worker>>& workers, Found found);
  TunnelUse(const TunnelUse&) = delete;
  TunnelUse& operator=(const TunnelUse&) = delete;

  /// From now on, until stop(): each answer is from after the last start().
  void start() { ask(); }
  void stop();

 private:
  void ask();
  void on_answer(unsigned round, TunnelSet used);

  const std::vector<std::unique_ptr<Worker>>& workers_;
  Found found_;
  Timer timer_;
  unsigned round_ = 0;  // answers to the earlier ones come too late
  std::size_t missing_ = 0;
  TunnelSet used_ = 0;
};

}  // namespace culvert
