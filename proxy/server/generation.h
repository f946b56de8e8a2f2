#pragma once

#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "dial/prober.h"
#include "dial/upstream.h"
#include "dial/warm_keeper.h"
#include "server/ruleset.h"
#include "session/context.h"

namespace culvert {

/// What one worker keeps for the sessions that began under one ruleset: the ruleset, and the
/// upstreams as its loop uses them.  Destroyed after the last of these sessions.
class Generation {
 public:
  /// All references and the pseudonym outlive it.  `tends_upstreams`: this
  /// one probes them and keeps their warm connections, for all workers; true for one worker only.
  /// `counters` are the worker's; nullptr: nobody looks.
  Generation(std::shared_ptr<const Ruleset> ruleset, Loop& loop, Log& log, FlowResources flow,
             Resumptions& resumptions, std::string_view pseudonym, bool tends_upstreams,
             UpstreamCounterTable* counters = nullptr);
  Generation(const Generation&) = delete;
  Generation& operator=(const Generation&) = delete;

  const Config& config() const { return ruleset_->config; }
  SessionContext& context() { return context_; }
  bool in_use() const { return context_.sessions > 0; }

  /// New sessions use another one.  Tunnels continue; a connection that is kept open for more
  /// requests is closed after its next response, so that its client reconnects to the new one.
  void retire();

 private:
  void tend_upstreams();

  std::shared_ptr<const Ruleset> ruleset_;
  std::vector<std::unique_ptr<Upstream>> upstreams_;
  std::vector<std::unique_ptr<Prober>> probers_;
  std::vector<std::unique_ptr<WarmKeeper>> warm_keepers_;
  std::optional<StallWatch> stalls_;
  SessionContext context_;
};

}  // namespace culvert
