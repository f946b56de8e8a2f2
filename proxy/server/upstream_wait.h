#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/callback.h"
#include "base/log.h"
#include "config/config.h"
#include "dial/upstream.h"
#include "dial/upstream_dial.h"
#include "net/loop.h"
#include "net/timer.h"

namespace culvert {

/// Waits until an upstream of the default route works, for `--connect-timeout` at most: until it
/// has answered its greeting, with `--probe` until it has given a connection to that host, with
/// `--probe-tls` until that has answered in TLS.  One that does not work yet is tried again every
/// tenth of a second.  What these attempts show counts for no breaker.
///
/// Without a tunnel command nothing says that the upstream is only just being started: then the
/// wait goes on only if it has failed, and not for one that is slow to answer.
class UpstreamWait {
 public:
  /// Whether one works.  Called once, and not within start(); may destroy the object.
  using Done = Callback<void(bool works)>;
  /// It takes long.  Called once at most.
  using Slow = Callback<void()>;

  /// `upstreams` are in the order of Config::upstreams; all outlive it.
  UpstreamWait(Loop& loop, const Config& config,
               const std::vector<std::unique_ptr<Upstream>>& upstreams, Done done, Slow slow);
  ~UpstreamWait();
  UpstreamWait(const UpstreamWait&) = delete;
  UpstreamWait& operator=(const UpstreamWait&) = delete;

  void start();
  /// What is wrong with the one that failed last: "socks5://127.0.0.1:1080 refused the connection".
  const std::string& problem() const { return problem_; }

 private:
  struct Attempt;

  void on_tick();
  void begin_attempts();
  void on_works();

  Loop& loop_;
  const Config& config_;
  const std::vector<std::unique_ptr<Upstream>>& upstreams_;
  Done done_;
  Slow slow_;
  Log quiet_;  // of probers
  Timer timer_;
  Loop::Clock::time_point begun_;
  std::vector<std::unique_ptr<Attempt>> attempts_;
  std::string problem_;
  bool told_slow_ = false;
  bool works_ = false;
};

}  // namespace culvert
