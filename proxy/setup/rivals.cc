#include "setup/rivals.h"

#include <algorithm>
#include <string>

#include "base/text.h"
#include "setup/bridge.h"
#include "setup/proxy_readers.h"

namespace culvert {
namespace {

/// The program will use what the plan says.
bool is_used(const SetupFacts& facts, const ConfiguredProxy& configured) {
  const auto& all = configured.environment;
  return std::find(all.begin(), all.end(), "HTTPS_PROXY=" + facts.proxy_url) != all.end() ||
         std::find(all.begin(), all.end(), "HTTPS_PROXY=" + url_for_containers(facts)) != all.end();
}

/// A clause about what wins; empty if nothing does.
std::string winner(const SetupFacts& facts, const ConfiguredProxy& configured,
                   const std::string& path) {
  if (!configured.path.empty() && configured.path != path) {
    return printable(configured.path) +
           " is read later, says something else, and wins: take it out there";
  }
  if (!configured.mistake.empty()) return configured.mistake + " - take it out there";
  if (configured.path.empty() || is_used(facts, configured)) return {};
  return path + ": what is said behind our lines wins: take it out there";
}

}  // namespace

void note_rivals(const SetupFacts& facts, Plan& plan) {
  const FileEdit& edit = plan.files.front();
  const ProxyReader* const reader = find_proxy_reader(plan.target);
  if (reader == nullptr || !edit.with) return;
  const ConfiguredProxy configured = configured_proxy(facts, *reader, &edit);
  if (std::string rival = winner(facts, configured, edit.path); !rival.empty()) {
    plan.notes.push_back(rival);
    plan.rivals.push_back(std::move(rival));
  }
  plan.notes.insert(plan.notes.end(), configured.notes.begin(), configured.notes.end());
}

}  // namespace culvert
