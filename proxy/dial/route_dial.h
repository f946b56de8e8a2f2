#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "dial/upstream_dial.h"

namespace culvert {

/// Tries the upstreams of a route in order until one connects, all within one budget.  Of several
/// failures the most telling one is reported.
class RouteDial final : public Dial {
 public:
  /// `upstreams` is not empty.  Each connection to a proxy may take `connect_limit`, all together
  /// `budget`.
  RouteDial(Loop& loop, std::vector<Upstream*> upstreams, const HostPort& target,
            UpstreamDial::Purpose purpose, std::chrono::milliseconds budget, DialDone done);

  void start() override { try_next(); }

  /// The upstream that is being tried, or that was the last.
  Upstream& current() const { return *upstreams_[next_ == 0 ? 0 : next_ - 1]; }
  /// All failed attempts, one clause each, for the log; empty if there was at most one.
  std::string failures() const;

 private:
  void try_next();
  void on_done(DialResult result);

  Loop& loop_;
  std::vector<Upstream*> upstreams_;
  HostPort target_;
  UpstreamDial::Purpose purpose_;
  Loop::Clock::time_point deadline_;
  DialDone done_;
  std::size_t next_ = 0;
  std::unique_ptr<UpstreamDial> attempt_;
  std::vector<Error> failures_;
};

}  // namespace culvert
