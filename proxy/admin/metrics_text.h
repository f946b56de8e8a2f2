#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "server/process_facts.h"
#include "server/upstream_facts.h"
#include "server/worker_facts.h"

namespace culvert {

/// What /metrics is about.
struct MetricsFacts {
  std::string_view version;
  bool ready = true;      ///< as /readyz has it
  bool draining = false;  ///< no new clients are served
  std::vector<WorkerFacts> workers;
  std::vector<UpstreamFacts> upstreams;
  ProcessFacts process;
};

enum class MetricsFormat : std::uint8_t {
  text,         ///< Prometheus' own, version 0.0.4
  openmetrics,  ///< version 1.0.0
};

/// The format that an Accept field wants (RFC 9110 section 12.5.1).  OpenMetrics is for those who
/// ask for it and prefer it; who wants neither, or both alike without a name, gets text.
MetricsFormat metrics_format(std::string_view accept);
std::string_view content_type(MetricsFormat format);

/// All metrics.  Their labels are upstreams, workers and words of a fixed set, never a client or a
/// target.
std::string metrics_text(const MetricsFacts& facts, MetricsFormat format);

}  // namespace culvert
