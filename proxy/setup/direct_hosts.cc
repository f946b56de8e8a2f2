#include "setup/direct_hosts.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/text.h"
#include "setup/proxy_readers.h"
#include "setup/quote.h"
#include "setup/unit_environment.h"

namespace culvert {
namespace {

using HostList = std::vector<std::string>;

void add_listed(std::string_view list, HostList& hosts) {
  for (const std::string_view part : split(list, ',')) {
    std::string host = to_lower(trim_space(part));
    // "*" is for no proxy at all.
    if (host.empty() || host == "*" || std::find(hosts.begin(), hosts.end(), host) != hosts.end())
      continue;
    hosts.push_back(std::move(host));
  }
}

void add_no_proxy(std::string_view name, std::string_view value, HostList& hosts) {
  if (to_lower(name) == "no_proxy") add_listed(value, hosts);
}

void add_configured(const ConfiguredProxy& configured, HostList& hosts) {
  for (const std::string_view variable : configured.environment) {
    const std::size_t equals = std::min(variable.find('='), variable.size() - 1);
    add_no_proxy(variable.substr(0, equals), variable.substr(equals + 1), hosts);
  }
}

/// By files as they are, and as they are without ours.
HostList direct_hosts(const SetupFacts& facts, const ProxyReader& reader,
                      std::span<const FileEdit> files) {
  HostList hosts;
  std::vector<FileEdit> undone(files.begin(), files.end());
  for (FileEdit& edit : undone) edit.with = edit.without;
  add_configured(configured_proxy(facts, reader), hosts);
  if (!undone.empty()) add_configured(configured_proxy(facts, reader, &undone.front()), hosts);
  if (reader.unit.name.empty()) return hosts;
  for (const UnitVariable& variable : unit_environment(facts, reader.unit, undone).variables) {
    add_no_proxy(variable.name, variable.value, hosts);
  }
  return hosts;
}

}  // namespace

std::string direct_hosts_lost(const SetupFacts& facts, std::string_view target,
                              std::span<const FileEdit> files, std::string_view list) {
  const ProxyReader* const reader = find_proxy_reader(target);
  if (reader == nullptr) return {};
  HostList kept;
  add_listed(list, kept);
  std::string lost;
  std::string all(list);
  for (const std::string& host : direct_hosts(facts, *reader, files)) {
    if (std::find(kept.begin(), kept.end(), host) != kept.end()) continue;
    lost.append(lost.empty() ? "" : ", ").append(printable(host));
    all.append(all.empty() ? "" : ",").append(printable(host));
  }
  if (lost.empty()) return {};
  return concat({lost,
                 ": in NO_PROXY before, and not in the one of culvert setup; to keep it, give ",
                 "--no-proxy ", quote_shell(all)});
}

void note_direct_hosts(const SetupFacts& facts, Neighbours neighbours, Plan& plan) {
  if (!facts.no_proxy.empty()) return;
  std::string lost =
      direct_hosts_lost(facts, plan.target, plan.files, no_proxy_for(facts, neighbours));
  if (!lost.empty()) plan.notes.push_back(std::move(lost));
}

}  // namespace culvert
