#pragma once

#include <memory>
#include <optional>
#include <utility>

#include "dial/proxy_dial.h"
#include "dial/upstream_dial.h"
#include "net/timer.h"

namespace culvert {

/// A ProxyDial that checks the proxy a second time if it resets the connection before its first
/// byte: it may have stopped just then, and its listener with it.  So it is connected to once more:
/// if that is refused, the refusal is the failure, for which the request may be held; if not, the
/// reset is.
class SecondLook final : public UpstreamDial {
 public:
  SecondLook(const UpstreamRequest& request, Done done);

  void start() override { dial_.start(); }
  DialFailure timeout_failure() const override;
  Replied replied() const override { return dial_.replied(); }
  DialTimes times() const override { return dial_.times(); }

 private:
  void on_done(UpstreamResult&& result);
  void reconnect();
  void on_reconnected(DialResult result);
  void on_timeout() { finish(std::move(*reset_)); }
  void finish(DialFailure failure);

  ProxyDial dial_;
  Done done_;
  std::optional<DialFailure> reset_;  // why the proxy is connected to once more
  std::unique_ptr<Dial> reconnection_;
  Timer timer_;
};

}  // namespace culvert
