#pragma once

#include <memory>
#include <optional>

#include "dial/proxy_dial.h"
#include "dial/upstream_dial.h"
#include "net/timer.h"

namespace culvert {

/// A dial on a connection from the upstream's WarmPool, if that has one.  It may have died
/// unnoticed: one that turns out to be closed is replaced by a fresh one, and if it is silent for a
/// second a fresh one is dialed in parallel; the first reply wins.
class WarmDial final : public UpstreamDial {
 public:
  WarmDial(const UpstreamRequest& request, Done done);

  void start() override;
  DialFailure timeout_failure() const override;
  Replied replied() const override;
  DialTimes times() const override;

 private:
  void dial_pooled(std::unique_ptr<Stream> stream);
  void dial_fresh(const UpstreamRequest& request);
  void on_silent();
  void on_pooled_done(UpstreamResult&& result);
  void on_fresh_done(UpstreamResult&& result);
  bool proves_nothing(const DialFailure& failure) const;
  void finish(UpstreamResult&& result);

  UpstreamRequest request_;
  Done done_;
  Timer silence_timer_;
  // Each is kept when it is done, unless the other one decides.
  std::unique_ptr<ProxyDial> pooled_;
  std::unique_ptr<UpstreamDial> fresh_;
  std::optional<DialFailure> fresh_failure_;  // while the pooled one may still answer
};

}  // namespace culvert
