#include "setup/bridge.h"

#include "base/host_port.h"
#include "base/ip_address.h"
#include "base/text.h"
#include "config/listen_url.h"
#include "setup/installed_service.h"
#include "setup/listeners.h"
#include "setup/quote.h"
#include "setup/root.h"

namespace culvert {
namespace {

/// From which Docker takes the networks that it makes.
constexpr std::string_view kDockerNetworks = "172.16.0.0/12";
constexpr std::string_view kTlsAlone =
    "--bridge adds a plain listener, and culvert's speak TLS alone: give one for containers "
    "yourself, as in --listen https://";

/// Of "127.0.0.1:3128", and of a URL.
std::string port_of(const std::string& address) { return address.substr(address.rfind(':') + 1); }

/// Of the command that makes the service listen at the bridge.  One that is installed keeps its
/// own.
std::string options_of_service(const SetupFacts& facts) {
  std::string options;
  if (!facts.is_live()) options += " --root " + quote_shell(facts.root);
  const std::string port = port_of(facts.proxy_url);
  const bool usual = port == "3128" || exists(facts.root, kServiceConfig);
  return usual ? options : options + " --listen 127.0.0.1:" + port;
}

/// Those that --bridge admitted.
void take_clients_back(SetupFacts& facts) {
  const std::string behind = clients_behind_bridge(facts);
  for (auto& [name, values] : facts.service) {
    if (name == "allow-client") std::erase(values, behind);
  }
  std::erase_if(facts.service, [](const auto& option) {
    return option.first == "allow-client" && option.second.empty();
  });
}

}  // namespace

bool is_loopback_url(std::string_view url) {
  const std::size_t scheme = url.find("://");
  const auto address = HostPort::parse(scheme == url.npos ? url : url.substr(scheme + 3));
  return address && address->is_loopback();
}

std::string address_for_containers(const SetupFacts& facts) {
  return facts.bridge + ":" + port_of(facts.proxy_url);
}

std::string url_for_containers(const SetupFacts& facts) {
  if (!facts.container_url.empty()) return facts.container_url;
  const bool at_bridge = !facts.bridge.empty() && !is_https_url(facts.proxy_url);
  return at_bridge ? "http://" + address_for_containers(facts) : facts.proxy_url;
}

std::string plain_bridge_problem(const SetupFacts& facts, std::string_view port) {
  return concat({kTlsAlone, facts.bridge, ":", port, "?cert=...&key=..."});
}

std::string clients_behind_bridge(const SetupFacts& facts) {
  std::string blocks(kDockerNetworks);
  const auto address = IpAddress::parse(facts.bridge);
  if (address && !Cidr::parse(kDockerNetworks)->contains(*address)) {
    // Other bridges are seldom larger.
    blocks += "," + facts.bridge.substr(0, facts.bridge.rfind('.')) + ".0/24";
  }
  return blocks;
}

void keep_bridge(const std::string& bridge, bool kept_clients, SetupFacts& facts) {
  facts.bridge = bridge;
  if (!speak_tls_alone(facts.listeners)) {
    facts.bridge_note = bridge + " is where the installed service is for containers";
    return;
  }
  if (kept_clients) take_clients_back(facts);
  facts.bridge.clear();
  facts.bridge_note =
      concat({"the plain listener that --bridge added at ", bridge,
              " is left out, as all others speak TLS alone; containers use ",
              (facts.container_url.empty() ? concat({"one at --listen https://", bridge, ":",
                                                     port_of(facts.proxy_url), "?cert=...&key=..."})
                                           : facts.container_url)});
}

void note_containers(const SetupFacts& facts, Plan& plan) {
  const std::string url = url_for_containers(facts);
  if (facts.bridge.empty()) {
    if (!is_loopback_url(url)) return;
    plan.notes.push_back(url +
                         " is for containers and builds with --network=host only: in others "
                         "127.0.0.1 is the container itself; add --bridge for these");
    return;
  }
  if (facts.container_url.empty() && is_https_url(url)) {
    if (plan.target != "systemd") {
      plan.problems.push_back(plain_bridge_problem(facts, port_of(url)));
    }
    return;
  }
  plan.notes.push_back(facts.bridge_note);
  if (plan.target != "systemd" && facts.container_url.empty()) {
    plan.notes.push_back(
        concat({"culvert must listen there, too: culvert setup systemd --bridge",
                options_of_service(facts),
                " --install, or culvert --listen 127.0.0.1:", port_of(url), " --listen ",
                address_for_containers(facts), " --allow-client ", clients_behind_bridge(facts)}));
  }
  plan.notes.push_back(
      concat({"for one container: docker run -e https_proxy=", url, " -e http_proxy=", url,
              " IMAGE; for a build: docker build --build-arg https_proxy=", url,
              " --build-arg http_proxy=", url, " ."}));
  plan.notes.push_back(concat(
      {"for the nodes of kind: HTTPS_PROXY=", url, " HTTP_PROXY=", url, " kind create cluster"}));
}

}  // namespace culvert
