#include "admin/readiness.h"

#include <fmt/format.h>

namespace culvert {

std::string not_ready_reason(const Survey& survey, const std::vector<UpstreamFacts>& upstreams) {
  if (survey.draining) return "draining: no new connections are served";
  std::string causes;
  std::size_t down = 0;
  for (const UpstreamFacts& upstream : upstreams) {
    if (!upstream.default_route) continue;
    using State = UpstreamFacts::State;
    if (upstream.state != State::down && upstream.state != State::marked_down) return {};
    ++down;
    causes += causes.empty() ? "" : "; ";
    causes += upstream.reason.empty() ? upstream.name + " is down" : upstream.reason;
  }
  if (down == 0) return {};
  return down == 1 ? "the upstream of the default route is down: " + causes
                   : "every upstream of the default route is down: " + causes;
}

std::string unhealthy_reason(const Survey& survey) {
  std::string text;
  for (const Survey::Silent& silent : survey.silent) {
    const auto time =
        std::chrono::floor<std::chrono::seconds>(survey.taken - silent.turned_last).count();
    text += fmt::format("{}the loop of worker {} has not turned for {} s", text.empty() ? "" : "; ",
                        silent.worker, time);
  }
  return text;
}

}  // namespace culvert
