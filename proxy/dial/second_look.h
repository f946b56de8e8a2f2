#pragma once

#include <memory>
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
  /// The proxy is connected to once more.
  struct Look {
    Look(DialFailure why, Loop& loop, Callback<void()> expired, std::unique_ptr<Dial> again)
        : reset(std::move(why)), timer(loop, expired), reconnection(std::move(again)) {}

    DialFailure reset;  // why
    Timer timer;
    std::unique_ptr<Dial> reconnection;
  };

  void on_done(UpstreamResult&& result);
  void reconnect(DialFailure reset);
  void on_reconnected(DialResult result);
  void on_timeout() { finish(std::move(look_->reset)); }
  void finish(DialFailure failure);

  ProxyDial dial_;
  Done done_;
  std::unique_ptr<Look> look_;  // few dials need it
};

}  // namespace culvert
