#include "setup/check_own.h"

#include <algorithm>
#include <optional>

#include "base/host_port.h"
#include "base/text.h"
#include "setup/cache_target.h"
#include "setup/docker_engine.h"
#include "setup/installed_service.h"
#include "setup/own_text.h"
#include "setup/root.h"

namespace culvert {
namespace {

/// The first value of a line `key=value`.
std::string first_value(std::string_view text, std::string_view key) {
  for (const std::string_view line : split(text, '\n')) {
    if (line.starts_with(key)) return std::string(trim_space(line.substr(key.size())));
  }
  return {};
}

/// Other users' processes do not show where they listen.
bool may_serve(const std::vector<RunningCulvert>& culverts, const std::string& listen) {
  const auto address = HostPort::parse(listen);
  if (!address || is_served(culverts, *address)) return true;
  return std::any_of(culverts.begin(), culverts.end(),
                     [](const RunningCulvert& culvert) { return culvert.listens.empty(); });
}

OwnState service_state(const SetupFacts& facts, const std::vector<RunningCulvert>& culverts,
                       const std::string& options) {
  OwnState state{"culvert's service", "no service", "no", "", "", ""};
  state.fix = concat({"culvert setup systemd", options, " --install"});
  if (!exists(facts.root, kServiceUnit)) return state;
  state.from = kServiceUnit;
  state.has = "a service";
  const FoundFile socket = find_file(facts.root, kSocketUnit);
  if (socket.content) state.has = "listens at " + first_value(*socket.content, "ListenStream=");
  // Without one it binds its listeners itself.
  const std::string unit = find_file(facts.root, kServiceUnit).content.value_or("");
  const bool wants_socket = unit.find("Requires=culvert.socket") != std::string::npos;
  for (const std::string_view path : {kSocketUnit, kServiceConfig}) {
    if (exists(facts.root, path) || (path == kSocketUnit && !wants_socket)) continue;
    state.cause = std::string(path) + " is not there";
    return state;
  }
  if (facts.is_live() && !may_serve(culverts, state.has.substr(state.has.rfind(' ') + 1))) {
    state.cause = "it does not run";
    state.fix = "systemctl daemon-reload && systemctl enable --now culvert.socket culvert.service";
    return state;
  }
  state.right = "yes";
  state.fix.clear();
  return state;
}

/// "http://127.0.0.1:5000" of [host."http://127.0.0.1:5000"].
std::string cache_of(std::string_view hosts) {
  const std::string begin = first_value(hosts, "[host.\"");
  return begin.substr(0, begin.find('"'));
}

constexpr std::string_view kDockerCerts = "/etc/docker/certs.d";
constexpr std::string_view kContainerdCerts = "/etc/containerd/certs.d";

/// Why nobody reads the names of caches in this folder; empty: somebody may.
std::string unread_because(const SetupFacts& facts, std::string_view certs) {
  if (certs == kDockerCerts) {
    const std::string version = docker_engine_version(facts);
    const int major = major_version(version);
    const bool reads = major == 0 || major >= 29;
    return reads ? "" : concat({"Docker Engine ", version, " does not read it: 29 does"});
  }
  return missing_config_path(facts);
}

std::vector<OwnState> cache_states(const SetupFacts& facts, bool asked,
                                   const std::string& options) {
  std::vector<OwnState> states;
  for (const std::string_view certs : {kDockerCerts, kContainerdCerts}) {
    const std::string unread = unread_because(facts, certs);
    for (const std::string& name : names_in(facts.root, certs)) {
      if (name.starts_with('.')) continue;
      const FileEdit edit = own_file(facts, "cache", concat({certs, "/", name, "/hosts.toml"}), "");
      if (!edit.is_our_file()) continue;
      states.push_back({"cache of " + name, cache_of(*edit.before), unread.empty() ? "yes" : "-",
                        edit.path, unread, ""});
    }
  }
  if (states.empty() && asked) {
    states.push_back(
        {"cache", "no cache", "no", "", "",
         concat({"culvert setup cache HOST:PORT --registry REGISTRY", options, " --install"})});
  }
  return states;
}

}  // namespace

std::vector<OwnState> own_states(const SetupFacts& facts, std::string_view target,
                                 const std::vector<RunningCulvert>& culverts, bool asked,
                                 const std::string& options) {
  if (target == "cache") return cache_states(facts, asked, options);
  if (target != "systemd") return {};
  if (!asked && !exists(facts.root, kServiceUnit)) return {};
  return {service_state(facts, culverts, options)};
}

}  // namespace culvert
