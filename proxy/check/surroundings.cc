#include "check/surroundings.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "host/process_list.h"

namespace culvert {
namespace {

constexpr std::uint16_t kUsualPort = 3128;

std::string join(const std::vector<std::string>& texts, std::string_view separator) {
  std::string all;
  for (const std::string& text : texts) {
    if (!all.empty()) all += separator;
    all += text;
  }
  return all;
}

std::string counted(std::size_t count, std::string_view what) {
  return std::to_string(count) + " " + std::string(what) + (count == 1 ? "" : "s");
}

/// The culvert's or its clients' variables may be set in a unit instead of a shell.
bool is_daemon(std::string_view name) {
  return name == "dockerd" || name == "containerd" || name == "crio" || name == "buildkitd";
}

bool about_https(const ProxyMistake& mistake) {
  return mistake.variable == "HTTPS_PROXY" || mistake.variable == "https_proxy";
}

bool goes_direct(const VariablesFor& asked) {
  return asked.target && NoProxy("").matches(*asked.target);
}

std::string set_line(const NamedProxy& proxy, const std::string& url) {
  return ProxyMistake{proxy.variable, "", url, false, {}}.shell_line();
}

}  // namespace

HostPort listener_address(const Config& config) {
  for (const ListenConfig& listen : config.listen) {
    if (listen.kind != ListenConfig::Kind::http || listen.address.port == 0) continue;
    if (!listen.address.ip || !listen.address.ip->is_unspecified()) return listen.address;
    return HostPort::from("127.0.0.1", listen.address.port).value();
  }
  return HostPort::from("127.0.0.1", kUsualPort).value();
}

Surroundings::Surroundings(Walk& walk, std::optional<int> pid)
    : walk_(walk), pid_(pid), own_(listener_address(walk.config())) {
  const std::string right = "http://" + own_.to_string();
  if (!pid_) {
    variables_ = read_proxy_variables(own_environment(), right);
    return;
  }
  if (const auto process = running_process(*pid_)) name_ = process->name;
  const auto environment = environment_of(*pid_);
  if (environment) {
    variables_ = read_proxy_variables(*environment, right);
  } else {
    error_ = environment.error().text;
  }
}

CheckStep Surroundings::config_step() const {
  const Config& config = walk_.config();
  StepClock clock(walk_, "config", config.file.empty() ? "command line" : config.file);
  std::string detail = counted(config.upstreams.size(), "upstream");
  if (!config.upstream_given) detail = "no upstream: targets are connected to directly";
  if (!config.routes.empty()) detail += ", " + counted(config.routes.size(), "route");
  if (!config.warnings.empty()) {
    detail +=
        "; " + counted(config.warnings.size(), "warning") + ": " + join(config.warnings, "; ");
  }
  clock.step().detail = std::move(detail);
  return clock.end();
}

std::string Surroundings::subject() const {
  if (!pid_) return "this shell";
  return "process " + std::to_string(*pid_) + (name_.empty() ? "" : " (" + name_ + ")");
}

/// https:// in front of a proxy is right if that speaks TLS.
bool Surroundings::is_mistake(const ProxyMistake& mistake) {
  if (!mistake.unless_tls) return true;
  const bool of_https = about_https(mistake);
  const auto& proxy = variables_.proxy_for(of_https);
  const auto address = proxy ? proxy->address() : std::nullopt;
  if (!address) return true;
  const PortLook& look = look_at(*address);
  if (!look.protocol.empty()) return look.protocol != "TLS";
  // That nothing answers, the next step tells; here it is most likely a culvert that is not up.
  return address->ip && address->ip->is_loopback();
}

/// What is wrong for this target; that about its own variable first.
std::vector<ProxyMistake> Surroundings::mistakes_for(const VariablesFor& asked) {
  std::vector<ProxyMistake> found;
  for (const ProxyMistake& mistake : variables_.mistakes) {
    if (is_mistake(mistake)) found.push_back(mistake);
  }
  if (asked.target) {
    if (auto mistake = mistake_for_target(variables_, *asked.target, asked.tls)) {
      found.push_back(std::move(*mistake));
    }
  }
  const auto is_own = [&](const ProxyMistake& mistake) {
    return about_https(mistake) == asked.tls;
  };
  std::stable_partition(found.begin(), found.end(), is_own);
  return found;
}

std::string Surroundings::fix_for(const std::vector<ProxyMistake>& mistakes) const {
  std::string line = shell_lines(mistakes);
  if (!pid_) return line;
  std::string settings = line.starts_with("export ") ? line.substr(7) : line;
  if (!is_daemon(name_))
    return settings + "  # in front of its command, or in its unit; then restart it";
  const std::string unit = name_ == "dockerd" ? "docker" : name_;
  return fmt::format("culvert setup {0} --install && systemctl restart {0}  # sets {1}", unit,
                     settings);
}

std::string Surroundings::detail_for(const VariablesFor& asked) const {
  const auto& proxy = variables_.proxy_for(asked.tls);
  std::string detail;
  if (goes_direct(asked)) {
    detail = "clients connect to this machine directly, whatever variables say";
  } else if (proxy) {
    detail = proxy->variable + "=" + proxy->url();
  } else if (variables_.given) {
    detail = asked.tls ? "no proxy for https:// URLs" : "no proxy for http:// URLs";
  } else {
    detail = "no proxy variable is set: programs started here go direct";
  }
  if (!variables_.notes.empty()) detail += "; " + join(variables_.notes, "; ");
  return detail;
}

CheckStep Surroundings::environment_step(const VariablesFor& asked) {
  StepClock clock(walk_, "environment", subject());
  if (!error_.empty()) {
    clock.fail(error_, name_.empty() ? "pgrep -a dockerd  # tells the number of a process"
                                     : "sudo culvert check --pid " + std::to_string(*pid_));
    return clock.end();
  }
  clock.step().detail = detail_for(asked);
  const auto mistakes = mistakes_for(asked);
  if (!mistakes.empty()) {
    clock.fail(mistakes.front().cause, fix_for(mistakes));
  } else if (pid_ && !variables_.given) {
    clock.fail(subject() + " was started without a proxy variable, and goes direct",
               fix_for({{"HTTPS_PROXY", "", "http://" + own_.to_string(), false, {}}}));
  }
  return clock.end();
}

const PortLook& Surroundings::look_at(const HostPort& address) {
  for (const auto& [known, look] : looks_) {
    if (known == address) return look;
  }
  looks_.emplace_back(address, look_at_port(walk_, address));
  return looks_.back().second;
}

std::optional<CheckStep> Surroundings::listener_step(const VariablesFor& asked) {
  if (goes_direct(asked)) return std::nullopt;
  const auto& proxy = variables_.proxy_for(asked.tls);
  const auto address = proxy ? proxy->address() : std::nullopt;
  if (proxy && !address) return std::nullopt;  // the environment's mistake
  const HostPort where = address.value_or(own_);
  StepClock clock(walk_, "listener", where.to_string());
  const PortLook& look = look_at(where);
  if (look.over) {
    clock.fail_for_time();
  } else if (!look.connected) {
    judge_absence(look, proxy, where, clock);
  } else {
    clock.step().detail = kind_of_server(look);
    if (proxy) judge_kind(look, *proxy, where, clock);
  }
  return clock.end();
}

void Surroundings::judge_absence(const PortLook& look, const std::optional<NamedProxy>& proxy,
                                 const HostPort& where, StepClock& clock) const {
  if (!proxy) {
    clock.step().detail = "nothing listens there now: culvert serve would";
    return;
  }
  const bool refused = look.error.code == Errc::connection_refused;
  clock.step().detail = proxy->variable + " points there";
  clock.fail(refused ? "nothing listens where " + proxy->variable + " points"
                     : proxy->variable + " points to a proxy that " + look.error.text,
             "culvert serve --listen " + where.to_string() +
                 "  # or: " + set_line(*proxy, "http://" + own_.to_string()));
}

/// Whether it speaks what the variable says.
void Surroundings::judge_kind(const PortLook& look, const NamedProxy& proxy, const HostPort& where,
                              StepClock& clock) const {
  const bool wants_socks = proxy.scheme.starts_with("socks5");
  const std::string place = " listens where " + proxy.variable + "=" + proxy.url() + " points";
  if (look.protocol == "SOCKS5" && !wants_socks) {
    clock.fail("a SOCKS5 server" + place,
               "culvert serve --upstream socks5://" + where.to_string() + " --listen " +
                   own_.to_string() + "  # and: " + set_line(proxy, "http://" + own_.to_string()));
  } else if (look.protocol == "HTTP" && wants_socks) {
    clock.fail("a proxy that speaks HTTP" + place, set_line(proxy, "http://" + where.to_string()));
  } else if (look.protocol == "TLS" && proxy.scheme == "http") {
    clock.fail("a server that speaks TLS" + place, set_line(proxy, "https://" + where.to_string()));
  } else if (look.protocol.empty() && !wants_socks) {
    clock.fail(clock.step().detail + place + ", no HTTP proxy",
               "culvert serve --listen HOST:PORT  # and " + proxy.variable + "=http://HOST:PORT");
  }
}

}  // namespace culvert
