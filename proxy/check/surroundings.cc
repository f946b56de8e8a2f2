#include "check/surroundings.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include <fmt/format.h>

#include "base/shell_text.h"
#include "base/text.h"
#include "check/advice.h"
#include "check/docker_trust.h"
#include "check/own_listener.h"
#include "check/process_fix.h"
#include "check/process_variables.h"
#include "check/upstream_option.h"
#include "host/listening.h"
#include "net/own_address.h"
#include "policy/near_host.h"

namespace culvert {
namespace {

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

bool about_https(const ProxyMistake& mistake) { return iequals(mistake.variable, "https_proxy"); }

bool is_loopback(const VariablesFor& asked) {
  return asked.target && NoProxy("").matches(*asked.target);
}

bool is_this_machine(const HostPort& address) {
  return address.is_loopback() || (address.ip && is_own_address(*address.ip));
}

ProxyMistake to_set(const NamedProxy& proxy, const std::string& url) {
  return {proxy.variable, "", url, false, {}};
}

}  // namespace

Surroundings::Surroundings(Walk& walk, std::optional<int> pid, const std::string& running_url)
    : walk_(walk),
      running_url_(running_url),
      own_(client_address(walk.config(), running_url)),
      pid_(pid) {
  if (!listener_address(walk.config())) no_port_ = walk.config().listen.front().to_string();
  if (pid_) {
    read_process(*pid_);
  } else {
    variables_ = read_proxy_variables(own_environment(), own_url());
  }
}

void Surroundings::read_process(int pid) {
  process_ = running_process(pid).value_or(RunningProcess{pid, {}});
  process_.name = printable(process_.name);
  origin_ = origin_of(pid);
  auto environment = environment_of(pid);
  if (!environment) {
    error_ = environment.error().text;
    is_private_ = environment.error().sys == EACCES;
    return;
  }
  std::string daemon_json;
  if (process_.name == "dockerd" && !origin_.of_user) {
    // Of the root that it sees.
    daemon_json = read_daemon_json(concat({"/proc/", std::to_string(pid), "/root"}), kDockerFolder);
    daemon_json_ = set_by_daemon_json(daemon_json);
  }
  variables_ = read_proxy_variables(
      pulling_variables(process_.name, *std::move(environment), daemon_json), own_url());
}

bool Surroundings::is_near(const HostPort& target) {
  return seems_near(target) || is_this_machine(target);
}

bool Surroundings::spares_near(const VariablesFor& asked) const {
  if (!asked.target || is_loopback(asked) || !is_near(*asked.target)) return false;
  if (variables_.proxy_for(asked.tls)) return variables_.no_proxy.matches(*asked.target);
  // What was started with this shell's variables may be asked about later.
  return pid_ && error_.empty() && !variables_.given;
}

bool Surroundings::goes_direct(const VariablesFor& asked) const {
  return is_loopback(asked) || spares_near(asked);
}

/// A mistake of a proxy's variable, for this kind of URL.
bool Surroundings::concerns(const ProxyMistake& mistake, const VariablesFor& asked) const {
  if (!asked.target) return true;
  return !goes_direct(asked) && about_https(mistake) == asked.tls;
}

std::string Surroundings::spare_fix(const HostPort& target) const {
  std::string list = no_proxy_without(variables_.no_proxy_list, target);
  if (list.empty()) list = "localhost,127.0.0.1";
  list += "," + target.host;
  const bool has_proxy = variables_.given;
  if (!pid_ && !has_proxy) {
    return "culvert setup docker --no-proxy " + shell_quoted(list) +
           " --install  # so that docker connects to it directly; culvert itself would with "
           "--no-proxy " +
           shell_quoted(target.host);
  }
  const std::string& variable = variables_.no_proxy_variable;
  return fix_for({{variable.empty() ? "NO_PROXY" : variable, "", list, false, {}}});
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
  const std::string& name = process_.name;
  return "process " + std::to_string(*pid_) + (name.empty() ? "" : " (" + name + ")");
}

/// https:// in front of a proxy is right if that speaks TLS.
bool Surroundings::is_mistake(const ProxyMistake& mistake) {
  if (!mistake.unless_tls) return true;
  const auto& proxy = variables_.proxy_for(about_https(mistake));
  const auto address = proxy ? proxy->address() : std::nullopt;
  if (!address) return true;
  const PortLook& look = look_at(*address);
  // What else it speaks, or that nothing answers, the next step tells; on this machine it is most
  // likely a culvert that is not up.
  if (look.connected) return look.protocol == "HTTP";
  return is_this_machine(*address);
}

std::vector<ProxyMistake> Surroundings::mistakes_for(const VariablesFor& asked) {
  std::vector<ProxyMistake> found;
  for (const ProxyMistake& mistake : variables_.mistakes) {
    if (concerns(mistake, asked) && is_mistake(mistake)) found.push_back(mistake);
  }
  if (!asked.target || goes_direct(asked)) return found;
  auto mistake = mistake_for_target(variables_, *asked.target, asked.tls);
  const auto is_told = [&](const ProxyMistake& one) { return one.variable == mistake->variable; };
  if (mistake && std::none_of(found.begin(), found.end(), is_told)) {
    found.push_back(*std::move(mistake));
  }
  return found;
}

/// What is wrong with variables that this target does not use.
std::string Surroundings::other_mistakes(const VariablesFor& asked) const {
  std::string text;
  for (const ProxyMistake& mistake : variables_.mistakes) {
    // Whether that is one is not looked at.
    if (mistake.unless_tls || concerns(mistake, asked)) continue;
    if (text.find(mistake.cause) == std::string::npos) text += "; " + mistake.cause;
  }
  return text;
}

std::string Surroundings::fix_for(const std::vector<ProxyMistake>& mistakes) const {
  if (!pid_) return shell_lines(mistakes);
  return process_fix(process_, origin_, mistakes, running_url_, daemon_json_);
}

std::string Surroundings::detail_for(const VariablesFor& asked) const {
  const auto& proxy = variables_.proxy_for(asked.tls);
  std::string detail;
  if (is_loopback(asked)) {
    detail = "clients connect to this machine directly, whatever variables say";
  } else if (spares_near(asked)) {
    detail = "clients connect to " + asked.target->host + " directly" +
             (variables_.no_proxy_variable.empty() ? std::string(", as no proxy is set")
                                                   : ", by " + variables_.no_proxy_variable);
  } else if (proxy) {
    detail = proxy->variable + "=" + proxy->url();
  } else if (variables_.given) {
    detail = asked.tls ? "no proxy for https:// URLs" : "no proxy for http:// URLs";
  } else {
    detail = "no proxy variable is set";
    if (!pid_) detail += ": programs started here go direct";
  }
  if (!daemon_json_.empty()) detail += "; daemon.json sets " + join(daemon_json_, ", ");
  if (!variables_.notes.empty()) detail += "; " + join(variables_.notes, "; ");
  return detail + other_mistakes(asked);
}

CheckStep Surroundings::environment_step(const VariablesFor& asked) {
  StepClock clock(walk_, "environment", subject());
  if (!error_.empty()) {
    const GivenCheck& given = walk_.given();
    const std::string again = given.options.empty() ? "culvert check --pid " + std::to_string(*pid_)
                                                    : given.command(given.targets);
    clock.fail(error_,
               is_private_ ? "sudo " + again : "pgrep -a dockerd  # tells the number of a process");
    return clock.end();
  }
  clock.step().detail = detail_for(asked);
  const auto mistakes = mistakes_for(asked);
  if (!mistakes.empty()) {
    clock.fail(mistakes.front().cause, fix_for(mistakes));
  } else if (pid_ && !variables_.given && !goes_direct(asked)) {
    const std::string variable = asked.tls ? "HTTPS_PROXY" : "HTTP_PROXY";
    clock.fail(subject() + " was started without a proxy variable, and goes direct",
               fix_for({{variable, "", own_url(), false, {}}}));
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
  if (!proxy && !no_port_.empty()) {
    StepClock clock(walk_, "listener", no_port_);
    clock.step().detail = "culvert serve listens there alone, which no proxy variable can name";
    return clock.end();
  }
  const HostPort where = address.value_or(own_);
  StepClock clock(walk_, "listener", where.to_string());
  const auto listens = proxy ? listens_elsewhere(where) : std::nullopt;
  if (listens) {
    clock.step().detail = "in a network of its own, as a container's";
    if (!*listens) fail_elsewhere(clock);
    return clock.end();
  }
  if (!proxy && where.ip && !where.is_loopback() && !is_own_address(*where.ip)) {
    clock.step().detail =
        "no interface of this machine has that address yet: culvert serve would wait for it";
    return clock.end();
  }
  const PortLook look = look_at(where);
  if (look.over) {
    clock.fail_for_time();
  } else if (look.connected) {
    clock.step().detail = kind_of_server(look);
    if (proxy) judge_kind(look, *proxy, where, clock);
  } else if (proxy) {
    judge_absence(look, *proxy, where, clock);
  } else {
    const bool refused = look.error.code == Errc::connection_refused;
    clock.step().detail =
        refused ? "nothing listens there now: culvert serve would" : "it " + look.error.text;
  }
  return clock.end();
}

/// Of an address that is another in the network of the process; nullopt: it is ours.
std::optional<bool> Surroundings::listens_elsewhere(const HostPort& where) const {
  return pid_ && where.is_loopback() ? listens_in_network_of(*pid_, where) : std::nullopt;
}

void Surroundings::fail_elsewhere(StepClock& clock) const {
  const std::string port = std::to_string(own_.port);
  // slirp4netns' and its like's name of the machine below.
  const bool rootless = process_.name == "dockerd" && origin_.of_user;
  clock.fail("nothing listens there for " + subject() +
                 ": it is in a network of its own, whose loopback is not this machine's",
             rootless
                 ? fix_for({{"HTTPS_PROXY", "", "http://10.0.2.2:" + port, false, {}}})
                 : "culvert setup systemd --bridge --install  # it tells the URL for containers");
}

std::string Surroundings::serve_line(const HostPort& listen, const std::string& upstream) const {
  const Config& config = walk_.config();
  std::string line = "culvert serve";
  if (!config.file.empty()) line += " --config " + shell_quoted(config.file);
  if (!upstream.empty()) {
    line += " --upstream " + upstream;
  } else if (config.file.empty() && config.upstream_given && config.upstreams.size() == 1) {
    line += " " + upstream_option(config.upstreams.front(),
                                  {.login = config.upstreams.front().credentials.has_value()});
  }
  return line + " --listen " + listen.to_string();
}

std::string Surroundings::set_fix(const NamedProxy& proxy, const std::string& url) const {
  return fix_for({to_set(proxy, url)});
}

/// Lets the variable point to a culvert, which goes on to `upstream`, or as it is configured.
std::string Surroundings::own_fix(const NamedProxy& proxy, const std::string& upstream) {
  const std::string set = set_fix(proxy, own_url());
  if (look_at(own_).is_culvert) {
    return set + (upstream.empty() ? "" : "  # to culvert; that needs --upstream " + upstream);
  }
  return serve_line(own_, upstream) + "  # and: " + set;
}

void Surroundings::judge_absence(const PortLook& look, const NamedProxy& proxy,
                                 const HostPort& where, StepClock& clock) {
  clock.step().detail = proxy.variable + " points there";
  if (look.error.sys == EMFILE || look.error.sys == ENFILE) {
    return clock.fail("this program may open no more files and connections", "ulimit -n 1024");
  }
  const bool refused = look.error.code == Errc::connection_refused;
  const bool here = is_this_machine(where);
  std::string fix;
  if (here && refused) {
    fix = serve_line(where, {}) + (where == own_ ? "" : "  # or: " + set_fix(proxy, own_url()));
  } else if (here && where == own_) {
    fix = "ss -ltnp 'sport = :" + std::to_string(where.port) + "'  # who hangs there";
  } else {
    fix = own_fix(proxy, {});
  }
  clock.fail(refused ? "nothing listens where " + proxy.variable + " points"
                     : proxy.variable + " points to a proxy that " + look.error.text,
             std::move(fix));
}

/// Whether it speaks what the variable says.
void Surroundings::judge_kind(const PortLook& look, const NamedProxy& proxy, const HostPort& where,
                              StepClock& clock) {
  const bool wants_socks = proxy.scheme.starts_with("socks5");
  const bool wants_tls = proxy.scheme == "https";
  // Another scheme is the environment's mistake.
  if (!wants_socks && !wants_tls && proxy.scheme != "http") return;
  const std::string place = " listens where " + proxy.variable + "=" + proxy.url() + " points";
  const std::string server = kind_of_server(look);
  if (wants_socks && (look.protocol == "SOCKS5" || speaks_socks5(walk_, where))) {
    clock.step().detail = look.is_culvert ? "culvert, asked in SOCKS5" : "a SOCKS5 server";
  } else if (look.protocol == "HTTP") {
    // https:// is the environment's mistake.
    if (!wants_socks) return;
    clock.fail("a proxy that speaks HTTP" + place, set_fix(proxy, proxy.url_to_set("http")));
  } else if (look.protocol == "TLS") {
    if (wants_tls) return;
    clock.fail(server + place, set_fix(proxy, proxy.url_to_set("https")));
  } else if (look.protocol == "SOCKS5" || look.protocol == "SOCKS4") {
    const std::string scheme = look.protocol == "SOCKS5" ? "socks5://" : "socks4a://";
    clock.fail("a " + std::string(look.protocol) + " server" + place + ": it is no HTTP proxy",
               own_fix(proxy, scheme + where.to_string()));
  } else {
    clock.fail(
        server + place + (wants_socks ? ": it is no SOCKS5 server" : ": it is no HTTP proxy"),
        own_fix(proxy, {}));
  }
}

}  // namespace culvert
