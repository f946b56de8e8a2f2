#include "setup/listeners.h"

#include <string_view>

#include "base/text.h"
#include "config/listen_url.h"
#include "setup/bridge.h"

namespace culvert {
namespace {

constexpr std::string_view kTrust =
    " must be one of the system's: cp CA.crt /usr/local/share/ca-certificates/culvert.crt && "
    "update-ca-certificates";
constexpr std::string_view kByHand =
    "clients sign in there (auth-file), and setup writes no password: write these lines by hand, "
    "with ";

bool is_tls(const ListenConfig& listen) { return listen.speaks == ListenConfig::Speaks::tls_only; }

bool is_every_address(const ListenConfig& listen) {
  return listen.address.ip && listen.address.ip->is_unspecified();
}

/// Why no program can use it by a proxy variable; empty: one can.
std::string_view why_unusable(const ListenConfig& listen) {
  using Kind = ListenConfig::Kind;
  if (listen.kind == Kind::unix_socket) return "a proxy variable cannot name a unix socket";
  if (listen.kind == Kind::systemd) return "its .socket unit knows the address, setup does not";
  if (listen.proxy_protocol) return "it is for a load balancer";
  return listen.wants_certificate() ? "it wants a certificate of the client" : "";
}

std::string url_at(const ListenConfig& listen, std::string_view host_for_all) {
  const std::string_view scheme = is_tls(listen) ? kHttpsScheme : kHttpScheme;
  std::string address = listen.address.to_string();
  if (is_every_address(listen)) address.replace(0, address.rfind(':'), host_for_all);
  return concat({scheme, address});
}

std::string url_on_host(const ListenConfig& listen) {
  return url_at(listen, listen.address.ip && listen.address.ip->is_v4() ? "127.0.0.1" : "[::1]");
}

/// Why it is not the one that was chosen; nullptr: none was.
std::string_view why_not(const ListenConfig& listen, const GivenListener* chosen) {
  const std::string_view why = why_unusable(listen);
  if (chosen == nullptr || !why.empty()) return why;
  return is_tls(listen) && !is_tls(chosen->listen) ? "its certificate would have to be trusted"
                                                   : "one is enough";
}

/// "unix:/run/culvert.sock (a proxy variable cannot name a unix socket), ..."
std::string the_others(std::span<const GivenListener> listeners, const GivenListener* chosen) {
  std::string text;
  for (const GivenListener& given : listeners) {
    if (&given == chosen) continue;
    text += concat({(text.empty() ? "" : ", "), printable(listen_url(given.listen)), " (",
                    why_not(given.listen, chosen), ")"});
  }
  return text;
}

/// The lower, the better; a negative one is out of the question.
using Rank = int (*)(const ListenConfig& listen, std::string_view bridge);

int rank_on_host(const ListenConfig& listen, std::string_view) {
  const bool local = listen.address.is_loopback() || is_every_address(listen);
  return (is_tls(listen) ? 2 : 0) + (local ? 0 : 1);
}

int rank_in_container(const ListenConfig& listen, std::string_view bridge) {
  if (listen.address.is_loopback() || (is_every_address(listen) && bridge.empty())) return -1;
  const bool near = is_every_address(listen) || listen.address.host == bridge;
  return (is_tls(listen) ? 2 : 0) + (near ? 0 : 1);
}

/// The first of the lowest rank; nullptr if there is none.
const GivenListener* best(std::span<const GivenListener> listeners, Rank rank,
                          std::string_view bridge) {
  const GivenListener* found = nullptr;
  int lowest = 0;
  for (const GivenListener& given : listeners) {
    const int own = why_unusable(given.listen).empty() ? rank(given.listen, bridge) : -1;
    if (own < 0 || (found != nullptr && own >= lowest)) continue;
    found = &given;
    lowest = own;
  }
  return found;
}

}  // namespace

ListenerChoice choose_for_host(std::span<const GivenListener> listeners) {
  ListenerChoice choice;
  choice.listener = best(listeners, rank_on_host, {});
  if (choice.listener == nullptr) {
    choice.problem =
        concat({"clients can use none of the listeners: ", the_others(listeners, nullptr),
                "; give one more, as in --listen 127.0.0.1:3128"});
    return choice;
  }
  choice.url = url_on_host(choice.listener->listen);
  if (listeners.size() > 1) {
    choice.note = concat({"of the listeners, clients on this machine get ", choice.url, ", not ",
                          the_others(listeners, choice.listener)});
  }
  return choice;
}

std::string choose_for_containers(std::span<const GivenListener> listeners,
                                  std::string_view bridge) {
  const GivenListener* const found = best(listeners, rank_in_container, bridge);
  return found == nullptr ? std::string() : url_at(found->listen, bridge);
}

bool speak_tls_alone(std::span<const GivenListener> listeners) {
  bool found = false;
  for (const auto& [text, listen, second] : listeners) {
    if (listen.kind != ListenConfig::Kind::http) continue;
    if (!is_tls(listen)) return false;
    found = true;
  }
  return found;
}

std::string service_address(const SetupFacts& facts) {
  const GivenListener* const chosen = choose_for_host(facts.listeners).listener;
  return chosen == nullptr ? std::string(kDefaultListen) : chosen->listen.address.to_string();
}

void note_tls(const SetupFacts& facts, Plan& plan) {
  // podman hands its variables on.
  const bool in_containers = plan.target == "docker-client" || plan.target == "podman";
  const std::string url = in_containers ? url_for_containers(facts) : facts.proxy_url;
  if (!is_https_url(url)) return;
  if (plan.target == "shell") {
    plan.notes.emplace_back(
        "wget and Python's urllib speak no TLS with a proxy, curl, git and Go's programs do: for "
        "those a listener without https://");
  }
  if (!facts.untrusted_ca) return;
  const std::string_view more = in_containers ? ", in the images, too"
                                : plan.target == "npm"
                                    ? "; npm has CAs of its own: npm config set cafile "
                                      "/etc/ssl/certs/ca-certificates.crt"
                                : plan.then_run.empty() ? ""
                                                        : ", before the restart";
  const std::string& issuer = *facts.untrusted_ca;
  plan.notes.push_back(
      concat({"it verifies the certificate at ", url, ", so the CA that issued it",
              (issuer.empty() ? "" : ", "), issuer, (issuer.empty() ? "" : ","), kTrust, more}));
}

std::string sign_in_problem(const SetupFacts& facts) {
  const std::size_t host = facts.proxy_url.find("://") + 3;
  return concat({kByHand, facts.proxy_url.substr(0, host), "USER:PASSWORD@",
                 facts.proxy_url.substr(host), " in them, into files of mode 0600"});
}

}  // namespace culvert
