#pragma once

#include "check/failure_source.h"
#include "status/admin_client.h"

namespace culvert {

/// Asks the culverts of this user, or as root all, that run here.
class RunningCulvertFailures final : public FailureSource {
 public:
  /// `loop` turns meanwhile.
  explicit RunningCulvertFailures(Loop& loop) : client_(loop, never_) {}

  std::optional<SeenFailures> failures_since(std::chrono::system_clock::time_point begun) override;

 private:
  const bool never_ = false;
  AdminClient client_;
};

/// What the answers of an admin interface to /api/v1/failures and /api/v1/upstreams tell of the
/// time from `begun` on (RFC 3339).
SeenFailures seen_failures(std::string who, const Json& failures, const Json& upstreams,
                           std::string_view begun);

}  // namespace culvert
