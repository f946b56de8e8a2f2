#pragma once

#include <memory>

#include "base/host_port.h"
#include "dial/upstream_dial.h"
#include "net/resolver.h"
#include "net/timer.h"

namespace culvert {

/// Looks the target's name up here (`?resolve=local`), and then dials through the upstream by
/// address.
class ResolvingDial final : public UpstreamDial {
 public:
  ResolvingDial(const UpstreamRequest& request, Done done);

  void start() override;
  DialFailure timeout_failure() const override;
  Replied replied() const override { return dial_ ? dial_->replied() : Replied::nothing; }
  DialTimes times() const override;

 private:
  void on_found(Lookup::Found found);
  void on_dialed(UpstreamResult&& result);
  void on_timeout();
  void fail(DialFailure failure);

  UpstreamRequest request_;
  Done done_;
  Timer timer_;
  std::unique_ptr<Lookup> lookup_;
  HostPort resolved_;  // the target by its address
  std::unique_ptr<UpstreamDial> dial_;
};

}  // namespace culvert
