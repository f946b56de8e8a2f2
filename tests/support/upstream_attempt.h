// A dial through one upstream, in all the layers that this one needs.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <utility>

#include "dial/dial_text.h"
#include "dial/upstream_dial.h"
#include "net/manual_clock.h"
#include "support/scripted_transport.h"
#include "support/session_scene.h"

namespace culvert::test {

inline const HostPort kTarget = HostPort::parse("gcr.io:443").value();

/// One dial for a tunnel, and how it ends.
struct Attempt {
  explicit Attempt(UpstreamConfig config,
                   std::chrono::milliseconds budget = std::chrono::seconds(10),
                   const HostPort& to = kTarget)
      : target(to) {
    upstream.config = std::move(config);
    upstream.transport = transport;
    dial = make_upstream_dial(
        upstream_request(loop, upstream, target, DialPurpose::tunnel, AddressCheck{},
                         DialBudget{.connect = budget, .total = budget}),
        UpstreamDial::Done::to<&Attempt::on_done>(this));
  }
  void on_done(UpstreamResult&& outcome) {
    ++answers;
    proxy_failed = !outcome && outcome.error().proxy_failed();
    may_be_starting = !outcome && outcome.error().proxy_may_be_starting();
    result.emplace(
        to_dial_result(std::move(outcome), upstream.config, target, DialPurpose::tunnel));
    if (destroy_in_callback) dial.reset();
  }

  HostPort target;
  ManualClock clock;
  Loop loop{&clock};
  std::shared_ptr<ScriptedTransport> transport = std::make_shared<ScriptedTransport>(loop);
  Peer far{loop};
  Upstream upstream;
  std::unique_ptr<UpstreamDial> dial;
  std::optional<DialResult> result;
  int answers = 0;
  bool proxy_failed = false;
  bool may_be_starting = false;
  bool destroy_in_callback = false;
};

}  // namespace culvert::test
