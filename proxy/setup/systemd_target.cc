#include "setup/systemd_target.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/text.h"
#include "setup/bridge.h"
#include "setup/earlier_file.h"
#include "setup/installed_service.h"
#include "setup/own_text.h"
#include "setup/quote.h"
#include "setup/root.h"
#include "setup/service_files.h"
#include "setup/service_listeners.h"

namespace culvert {
namespace {

// examples/systemd explains them; a test compares both.
constexpr std::string_view kUnitBegin = R"([Unit]
Description=culvert, an HTTP proxy that leaves through a tunnel
StartLimitIntervalSec=0
After=network.target)";
constexpr std::string_view kServiceBegin = R"(
[Service]
Type=notify
WatchdogSec=30
)";
constexpr std::string_view kUnitMiddle = R"(ExecReload=/bin/kill -HUP $MAINPID
Restart=on-failure
RestartSec=2
TimeoutStopSec=)";
constexpr std::string_view kUnitEnd = R"(
KillMode=mixed
LimitNOFILE=65536
LimitCORE=0

DynamicUser=yes
RuntimeDirectory=culvert
UMask=0027
NoNewPrivileges=yes
CapabilityBoundingSet=
LockPersonality=yes
PrivateDevices=yes
PrivateMounts=yes
PrivateTmp=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectHome=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectProc=invisible
ProtectSystem=strict
RemoveIPC=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
SystemCallArchitectures=native
)";
// What culvert itself does without, but perhaps not the program of a tunnel command.
constexpr std::string_view kUnitAlone = R"(MemoryDenyWriteExecute=yes
ProcSubset=pid
SystemCallErrorNumber=EPERM
SystemCallFilter=@system-service landlock_create_ruleset landlock_add_rule landlock_restrict_self
SystemCallFilter=~@privileged @resources
)";
constexpr std::string_view kUnitInstall = R"(
[Install]
)";
constexpr std::string_view kUnitTarget = "WantedBy=multi-user.target\n";
constexpr std::string_view kSocketBegin = R"([Unit]
Description=the port of culvert

[Socket]
)";
constexpr std::string_view kSocketEnd = R"(Backlog=4096
NoDelay=yes

[Install]
WantedBy=sockets.target
)";

/// The value may hold a password: then nobody but root shall read the file.  So may a user alone,
/// whose password is in no file: it may be a token.
bool is_secret(std::string_view option, std::string_view value) {
  if (option == "tunnel-command") return true;
  const std::size_t scheme = value.find("://");
  if (scheme == std::string_view::npos) return false;
  const std::size_t at = value.find('@', scheme);
  if (at == std::string_view::npos) return false;
  return value.find(':', scheme + 3) < at || to_lower(value).find("password-file=") == value.npos;
}

/// What systemd shall read, and what culvert reads.
struct Service {
  std::string config;
  bool secret = false;
  std::string drain;  ///< --drain-timeout; empty: not given
  bool own_tunnel = false;
};

void write_option(Service& service, std::string_view name, const std::vector<std::string>& values) {
  service.config.append(name).append(" = ");
  if (values.empty()) service.config += "true";
  if (values.size() > 1) service.config += "[\n";
  for (const std::string& value : values) {
    service.config += concat(
        {(values.size() > 1 ? "  " : ""), quote_toml(value), (values.size() > 1 ? ",\n" : "")});
  }
  service.config += values.size() > 1 ? "]\n" : "\n";
}

void add_option(Service& service, ServiceFiles& files, std::string_view name,
                std::vector<std::string> values) {
  if (name == "drain-timeout" && !values.empty()) service.drain = values.front();
  service.own_tunnel = service.own_tunnel || name == "tunnel-command";
  for (std::string& value : values) {
    service.secret = service.secret || is_secret(name, value);
    value = files.usable(name, value);
  }
  write_option(service, name, values);
}

/// Longer than it drains.  systemd adds up the parts of a time, whose units are ours.
std::string stop_limit(const Service& service) {
  if (service.drain.empty()) return "20";
  if (iequals(service.drain, "off")) return "infinity";
  return concat({service.drain, is_digit(service.drain.back()) ? "s" : "", " 10s"});
}

/// With --bridge its clients are admitted beside those that were given.
std::vector<std::string> allowed_clients(const SetupFacts& facts) {
  std::vector<std::string> clients;
  bool open = false;
  for (const auto& [name, values] : facts.service) {
    if (name == "allow-client") clients = values;
    if (name == "open-proxy") open = values.empty() || values.front() == "true";
  }
  if (facts.bridge.empty() || open) return clients;
  std::string behind = clients_behind_bridge(facts);
  if (std::find(clients.begin(), clients.end(), behind) == clients.end()) {
    clients.push_back(std::move(behind));
  }
  return clients;
}

Service make_service(const SetupFacts& facts, const ServiceListeners& listeners,
                     ServiceFiles& files) {
  Service service;
  write_option(service, "listen", listeners.config);
  for (const auto& [name, values] : facts.service) {
    if (name != "listen" && name != "config" && name != "allow-client") {
      add_option(service, files, name, values);
    }
  }
  const std::vector<std::string> clients = allowed_clients(facts);
  if (!clients.empty()) add_option(service, files, "allow-client", clients);
  // While it drains for a restart, new clients wait in the socket's queue: shorter than docker's 15
  // s.
  if (service.drain.empty()) service.config += "drain-timeout = \"10s\"\n";
  return service;
}

/// A path in a unit that its own user can execute.
std::string program_of(const SetupFacts& facts, Plan& plan) {
  std::string installed = find_program(facts.root, "culvert");
  const std::string& here = facts.program;
  if (!installed.empty()) {
    const std::string real = below_root(facts.root, installed);
    const std::size_t top = facts.is_live() ? 0 : facts.root.size();
    if (is_hidden_from_service(std::string_view(real).substr(std::min(top, real.size())))) {
      plan.problems.push_back(
          concat({installed, " is a link to a folder that the service cannot see: install -m 755 ",
                  quote_shell(here), " ", installed}));
    }
    return installed;
  }
  if (facts.is_live() && !is_hidden_from_service(here) && !here.empty()) return here;
  if (facts.is_live()) {
    plan.notes.push_back(
        "the unit starts /usr/local/bin/culvert, which is not there yet, as it cannot "
        "see this program: install -m 755 " +
        quote_shell(here) + " /usr/local/bin/culvert");
  } else {
    plan.notes.emplace_back("the unit starts /usr/local/bin/culvert, which is not there yet");
  }
  return "/usr/local/bin/culvert";
}

std::string unit_text(const Service& service, const ServiceListeners& listeners,
                      std::string_view start) {
  const bool socket = !listeners.socket.empty();
  const bool network = listeners.needs_network;
  return concat({kUnitBegin, (network ? " network-online.target" : ""),
                 (socket ? " culvert.socket\nRequires=culvert.socket" : ""),
                 (network ? "\nWants=network-online.target" : ""), "\n", kServiceBegin, start,
                 kUnitMiddle, stop_limit(service), kUnitEnd, (service.own_tunnel ? "" : kUnitAlone),
                 kUnitInstall, (socket ? "Also=culvert.socket\n" : ""), kUnitTarget});
}

void note_service(const SetupFacts& facts, const Service& service, const ServiceFiles& files,
                  Plan& plan) {
  if (!facts.has_option("upstream")) {
    plan.notes.emplace_back(
        "without --upstream it connects directly, which does not get under any wall: culvert setup "
        "systemd --upstream socks5://127.0.0.1:1080");
  }
  if (!facts.bridge.empty()) {
    SetupFacts served = facts;
    if (facts.listeners.empty()) served.proxy_url = concat({"http://", kDefaultListen});
    note_containers(served, plan);
  } else if (!facts.bridge_note.empty()) {
    plan.notes.push_back(facts.bridge_note);
  }
  if (service.secret) {
    plan.notes.emplace_back(
        "the configuration holds a password, so root alone can read it, and systemd (247 or newer) "
        "hands it over: a change of it takes a restart");
  }
  if (files.unit_lines().find("LoadCredential=") != std::string::npos) {
    plan.notes.emplace_back(
        "the service runs as a user of its own, so systemd (247 or newer) reads the files for it "
        "that not everybody can: a change of one takes a restart");
  }
  plan.notes.insert(plan.notes.end(), files.notes().begin(), files.notes().end());
  if (service.own_tunnel) {
    plan.notes.emplace_back(
        "the service sees no home folder, so no ssh key: a tunnel by ssh is better a unit of its "
        "own");
  }
}

}  // namespace

Plan plan_systemd(const SetupFacts& facts) {
  Plan plan;
  plan.target = "systemd";
  ServiceFiles files(facts);
  const ServiceListeners listeners = service_listeners(facts, files);
  const Service service = make_service(facts, listeners, files);
  plan.problems = files.problems();
  plan.problems.insert(plan.problems.end(), listeners.problems.begin(), listeners.problems.end());
  std::string start = "ExecStart=" + quote_unit_word(program_of(facts, plan)) + " --config ";
  if (service.secret) {
    start = "LoadCredential=culvert.toml:" + std::string(kServiceConfig) + "\n" + start +
            "${CREDENTIALS_DIRECTORY}/culvert.toml\n";
  } else {
    start.append(kServiceConfig).append("\n");
  }
  start.insert(0, files.unit_lines());
  plan.files.push_back(own_file(facts, plan.target, std::string(kServiceConfig), service.config));
  if (service.secret) plan.files.back().mode = 0600;
  plan.files.push_back(own_file(facts, plan.target, std::string(kServiceUnit),
                                unit_text(service, listeners, start)));
  FileEdit socket = own_file(facts, plan.target, std::string(kSocketUnit),
                             concat({kSocketBegin, listeners.socket, kSocketEnd}));
  std::string units = "culvert.service";
  if (listeners.socket.empty()) {
    if (socket.is_our_file()) {
      plan.then_run.emplace_back("systemctl disable --now culvert.socket");
    }
    add_removal(std::move(socket), plan);
  } else {
    units.insert(0, "culvert.socket ");
    plan.files.push_back(std::move(socket));
  }
  plan.then_run.push_back(concat(
      {"systemctl daemon-reload && systemctl enable ", units, " && systemctl restart ", units}));
  plan.after_uninstall.push_back(
      concat({"systemctl disable --now ", units, "; systemctl daemon-reload"}));
  note_service(facts, service, files, plan);
  plan.notes.insert(plan.notes.end(), listeners.notes.begin(), listeners.notes.end());
  return plan;
}

}  // namespace culvert
