#include "commands/setup_facts.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "base/text.h"
#include "commands/client_hints.h"
#include "commands/kept_options.h"
#include "commands/running_options.h"
#include "config/listen_url.h"
#include "host/listening.h"
#include "net/bridge_address.h"
#include "net/certificate_text.h"
#include "net/server_certificate.h"
#include "options/command_table.h"
#include "setup/bridge.h"
#include "setup/find_facts.h"
#include "setup/installed_service.h"
#include "setup/listeners.h"
#include "setup/near_registries.h"
#include "setup/root.h"
#include "setup/service_files.h"

namespace culvert {
namespace {

/// The address of Docker's own bridge where nobody chose another.
constexpr std::string_view kUsualBridge = "172.17.0.1";

/// What is relative is of no root.
std::string path_in(const SetupFacts& facts, const std::string& path) {
  return path.starts_with('/') ? below_root(facts.root, path) : path;
}

ServerCertificate::Files files_in(const SetupFacts& facts, const CertificateFiles& files) {
  return {path_in(facts, files.cert), path_in(facts, files.key)};
}

/// Clients that reach the listener at `url` find another name in its certificate.
void look_at_names(const ServerCertificate& certificate, const std::string& url,
                   SetupFacts& facts) {
  if (!is_https_url(url)) return;
  const auto address = HostPort::parse(url.substr(url.find("//") + 2));
  if (!address || !certificate.name_at(address->host).empty()) return;
  facts.certificate_note =
      concat({"clients will refuse the certificate at ", url, ": it is not for ", address->host,
              ", but for ", certificate_facts(certificate.leaf()).names});
}

/// Clients get a name that the certificate is for, and a word about its CA if that is to be trusted
/// first.
void look_at_certificate(const ListenConfig& listen, SetupFacts& facts) {
  facts.untrusted_ca.emplace();
  if (listen.certificates.empty()) return;
  // certificate_problems() tells them.
  std::vector<std::string> problems;
  const auto certificate =
      ServerCertificate::read(files_in(facts, listen.certificates.front()), problems);
  if (!certificate) return;
  look_at_names(*certificate, facts.container_url, facts);
  look_at_names(*certificate, facts.proxy_url, facts);
  facts.proxy_url = verifiable_url(facts.proxy_url, *certificate);
  if (is_https_url(facts.container_url)) {
    facts.container_url = verifiable_url(facts.container_url, *certificate);
  }
  if (facts.is_live() && certificate->is_trusted_by_system()) {
    facts.untrusted_ca.reset();
  } else {
    facts.untrusted_ca = concat({"'", certificate_facts(certificate->leaf()).issuer, "'"});
  }
}

/// What clients use of `listeners`.
void use_listeners(std::span<const GivenListener> listeners, SetupFacts& facts) {
  const ListenerChoice choice = choose_for_host(listeners);
  facts.listen_note = choice.note;
  facts.listen_problem = choice.problem;
  facts.container_url = choose_for_containers(listeners, facts.bridge);
  if (choice.listener == nullptr) return;
  facts.proxy_url = choice.url;
  if (is_https_url(choice.url)) look_at_certificate(choice.listener->listen, facts);
}

/// The same for a service that has them, or shall have.
void use_service(std::vector<GivenListener> listeners, SetupFacts& facts) {
  facts.listeners = std::move(listeners);
  use_listeners(facts.listeners, facts);
  const GivenListener* const chosen = choose_for_host(facts.listeners).listener;
  if (chosen == nullptr) return;
  if (is_https_url(facts.proxy_url)) {
    facts.certificate_problems = certificate_problems(chosen->listen, facts);
  }
}

bool has_users(const InstalledService& service) {
  return service.config.find("\nauth-file = ") != std::string::npos;
}

/// One of `listeners` is where the installed service has one.
bool is_at(const InstalledService& installed, std::span<const GivenListener> listeners) {
  constexpr auto kTcp = ListenConfig::Kind::http;
  const std::vector<GivenListener> present = installed_listeners(installed);
  const auto is_same = [&](const ListenConfig& own, const ListenConfig& given) {
    const bool every = own.address.ip && own.address.ip->is_unspecified();
    return own.kind == kTcp && given.kind == kTcp && own.address.port == given.address.port &&
           (every || given.address.host == own.address.host ||
            given.address.host == installed.bridge);
  };
  return std::any_of(listeners.begin(), listeners.end(), [&](const GivenListener& given) {
    return std::any_of(present.begin(), present.end(), [&](const GivenListener& own) {
      return is_same(own.listen, given.listen) ||
             (own.second && is_same(*own.second, given.listen));
    });
  });
}

/// A culvert that is not the installed service, as far as can be known: other users' processes do
/// not show where they listen.
bool is_another(const std::vector<RunningCulvert>& culverts, const SetupFacts& facts) {
  const auto hides = [](const RunningCulvert& culvert) { return culvert.listens.empty(); };
  const auto address = HostPort::parse(service_address(facts));
  return facts.listeners.empty() || !(std::all_of(culverts.begin(), culverts.end(), hides) ||
                                      (address && is_served(culverts, *address)));
}

/// Sockets tell where it listens, and its options whether that is plain.
void use_running(const std::vector<RunningCulvert>& culverts, SetupFacts& facts) {
  SetupFacts found = facts;
  found.proxy_url = url_of_running(culverts);
  found.listen_note = found.listen_problem = found.container_url = found.certificate_note = "";
  found.certificate_problems.clear();
  found.untrusted_ca.reset();
  found.sign_in = false;
  std::vector<GivenListener> listeners;
  for (const RunningCulvert& culvert : culverts) {
    // Another user's, or of another network.
    if (culvert.listens.empty()) continue;
    const Settings options = options_of_running(culvert.pid);
    found.sign_in = found.sign_in || options.has("auth-file");
    for (const Given& given : options.of("listen")) add_listener(given.value, listeners);
  }
  std::erase_if(listeners, [&](const GivenListener& given) {
    return given.listen.kind != ListenConfig::Kind::http ||
           !is_served(culverts, given.listen.address);
  });
  const auto is_chosen = [&](const GivenListener& given) {
    return choose_for_host({&given, 1}).url == found.proxy_url;
  };
  const auto is_at_port = [&](const GivenListener& given) {
    return found.proxy_url.ends_with(concat({":", std::to_string(given.listen.address.port)}));
  };
  if (std::none_of(listeners.begin(), listeners.end(), is_chosen) &&
      std::any_of(listeners.begin(), listeners.end(), is_at_port)) {
    use_listeners(listeners, found);
  }
  facts = std::move(found);
}

/// Unless told, clients use the installed service, or else the culvert that runs.
void use_present(SetupFacts& facts) {
  const InstalledService installed = installed_service(facts);
  auto listeners = installed_listeners(installed);
  if (!listeners.empty()) use_service(std::move(listeners), facts);
  facts.sign_in = has_users(installed);
  if (!facts.is_live()) return;
  const auto culverts = running_culverts();
  if (!culverts.empty() && is_another(culverts, facts)) use_running(culverts, facts);
}

}  // namespace

std::vector<std::string> certificate_problems(const ListenConfig& listen, const SetupFacts& facts) {
  std::vector<std::string> problems;
  for (const CertificateFiles& files : listen.certificates) {
    const ServerCertificate::Files real = files_in(facts, files);
    bool readable = true;
    for (const std::string* const path : {&real.cert, &real.key}) {
      if (access(path->c_str(), R_OK) == 0) continue;
      readable = false;
      const bool told = path == &real.key && real.key == real.cert;
      const bool of_systemd = path->starts_with(kCredentials);
      if (errno != ENOENT || !facts.is_live() || told || of_systemd) continue;
      problems.push_back(concat({printable(*path), " is not there"}));
    }
    if (readable) static_cast<void>(ServerCertificate::read(real, problems));
  }
  for (std::string& text : problems) {
    text.insert(0, concat({"--listen ", printable(listen_url(listen)), ": "}));
  }
  return problems;
}

void add_bridge(SetupFacts& facts) {
  facts.bridge = kUsualBridge;
  const auto found = facts.is_live() ? choose_bridge(interface_addresses()) : std::nullopt;
  if (found) facts.bridge = found->address.to_string();
  facts.bridge_note =
      facts.bridge +
      (found ? " is the address of " + found->interface : std::string(" is docker0's unless its configuration says otherwise")) +
      ": containers, and the nodes of kind, reach this machine there, whatever their network";
}

SetupFacts facts_of(const SetupOptions& options, std::string root) {
  SetupFacts facts = find_facts(std::move(root));
  facts.daemon_json = options.daemon_json;
  facts.registries = options.registries;
  if (options.cache) facts.cache = options.cache->to_string();
  // The table tells who uses it.
  if (options.bridge || options.action == SetupOptions::Action::check) add_bridge(facts);
  facts.no_proxy = options.no_proxy;
  facts.service = options.service;
  if (options.listen.empty()) {
    use_present(facts);
  } else {
    use_service(options.listen, facts);
    const InstalledService installed = installed_service(facts);
    facts.sign_in =
        has_users(installed) && (options.has(kSystemdTarget) || is_at(installed, options.listen));
  }
  facts.sign_in = facts.sign_in || facts.has_option("auth-file");
  facts.near = near_registries(facts);
  return facts;
}

}  // namespace culvert
