#include "options/build_setup.h"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>
#include <utility>
#include <variant>

#include <fmt/format.h>

#include "base/redact.h"
#include "base/text.h"
#include "options/command_table.h"
#include "options/flags.h"
#include "options/listen_address.h"
#include "options/nearest.h"
#include "options/values.h"

namespace culvert {
namespace {

using Action = SetupOptions::Action;

struct ActionFlag {
  std::string_view name;
  Action action;
};
constexpr auto kActionFlags = std::to_array<ActionFlag>({
    {"install", Action::install},
    {"uninstall", Action::uninstall},
    {"dry-run", Action::dry_run},
    {"check", Action::check},
});

bool is_setup_target(std::string_view name) {
  const auto names = names_of_targets();
  return std::find(names.begin(), names.end(), name) != names.end();
}

std::string setup_target_names() {
  std::string names;
  for (const std::string_view name : names_of_targets()) {
    names.append(names.empty() ? "" : ", ").append(name);
  }
  return names;
}

std::string unknown_target_problem(const std::string& word) {
  const std::string_view meant = nearest(word, names_of_targets());
  return meant.empty()
             ? fmt::format("setup {}: unknown target; there are {}", redact(word),
                           setup_target_names())
             : fmt::format("setup {}: unknown target (did you mean {}?)", redact(word), meant);
}

/// A switch in one spelling, another value as it is.
std::string value_for_service(const Flag& flag, const std::string& value) {
  if (!std::holds_alternative<SwitchValue>(flag.value)) return value;
  const Parsed<bool> on = parse_switch(value);
  // What is no switch is a mistake that is told where the service's options are read.
  if (!std::holds_alternative<bool>(on)) return value;
  return std::get<bool>(on) ? "true" : "false";
}

/// Reads the flags and words of `setup`; what they contradict each other in is told at the end.
class SetupBuilder {
 public:
  SetupBuilder(const Settings& own, const Settings& service, std::vector<std::string>& problems)
      : own_(own), service_(service), problems_(problems) {}

  SetupOptions build(const std::vector<std::string>& words) {
    read_action();
    read_targets(words);
    read_root();
    read_listen();
    read_no_proxy();
    read_registries();
    out_.bridge = is_on("bridge");
    out_.daemon_json = is_on("daemon-json");
    read_service();
    check_cache();
    check_needless("daemon-json", "docker");
    return std::move(out_);
  }

 private:
  bool is_on(std::string_view name) {
    bool on = false;
    for (const Given& given : own_.of(name)) {
      const Parsed<bool> parsed = parse_switch(given.value);
      if (const auto* text = std::get_if<std::string>(&parsed)) {
        problem(given, *text);
      } else {
        on = std::get<bool>(parsed);
      }
    }
    return on;
  }

  void read_action() {
    std::string chosen;
    for (const ActionFlag& flag : kActionFlags) {
      if (!is_on(flag.name)) continue;
      chosen += fmt::format("{}--{}", chosen.empty() ? "" : ", ", flag.name);
      if (out_.action != Action::print) several_actions_ = true;
      out_.action = flag.action;
    }
    if (several_actions_) problems_.push_back(chosen + ": contradict each other; give one of them");
  }

  void read_targets(const std::vector<std::string>& words) {
    for (std::size_t i = 0; i < words.size(); ++i) {
      if (!is_setup_target(words[i])) {
        problems_.push_back(unknown_target_problem(words[i]));
        continue;
      }
      if (!out_.has(words[i])) out_.targets.push_back(words[i]);
      const bool has_address = i + 1 < words.size() && !is_setup_target(words[i + 1]);
      if (words[i] == kCacheTarget && has_address) read_cache(words[++i]);
    }
    if (words.empty() && out_.action != Action::check) {
      problems_.push_back("setup: name a target, of " + setup_target_names());
    }
  }

  void read_cache(const std::string& text) {
    has_address_of_cache_ = true;
    auto address = HostPort::parse(text);
    if (!address) {
      problems_.push_back(
          fmt::format("setup cache {}: {}; write HOST:PORT", redact(text), address.error().text));
    } else if (out_.cache && *out_.cache != *address) {
      problems_.push_back(fmt::format("setup cache {}: a second cache", redact(text)));
    } else {
      out_.cache = *std::move(address);
    }
  }

  void check_cache() {
    check_needless("registry", kCacheTarget);
    const bool adds = out_.action != Action::uninstall && out_.action != Action::check;
    if (!out_.has(kCacheTarget) || !adds) return;
    if (!has_address_of_cache_) {
      problems_.emplace_back("setup cache: needs its address, as in setup cache 127.0.0.1:5000");
    }
    if (!own_.has("registry")) {
      problems_.emplace_back(
          "setup cache: needs the registry whose images it holds, as in --registry gcr.io");
    }
  }

  /// What clients use, and with `systemd` what the service listens on, which is judged as `serve`
  /// judges it.
  void read_listen() {
    for (const Given& given : own_.of("listen")) {
      std::vector<std::string> found;
      if (auto listener = parse_given_listener(given.value, found)) {
        add_listener(given, *std::move(listener));
      } else if (out_.has(kSystemdTarget) && !out_.is_elsewhere()) {
        continue;
      } else if (const auto named =
                     out_.has(kSystemdTarget) ? std::nullopt : named_proxy(given.value)) {
        add_listener(given, {given.value, *named});
      } else {
        problem(given, found.front());
      }
    }
  }

  void add_listener(const Given& given, GivenListener listener) {
    const ListenConfig& listen = listener.listen;
    if (listen.kind == ListenConfig::Kind::http && listen.address.port == 0) {
      problem(given, "no client can know which port that will be; name one");
    }
    out_.listen.push_back(std::move(listener));
  }

  /// A proxy of this or another machine, of which its URL is known alone.
  static std::optional<ListenConfig> named_proxy(std::string_view url) {
    ListenConfig listen;
    const std::size_t mark = url.find("://");
    const std::string scheme = mark == url.npos ? "http" : to_lower(url.substr(0, mark));
    if (scheme == "https") listen.speaks = ListenConfig::Speaks::tls_only;
    if (scheme != "http" && scheme != "https") return std::nullopt;
    if (mark != url.npos) url.remove_prefix(mark + 3);
    if (url.ends_with('/')) url.remove_suffix(1);
    auto address = HostPort::parse(url);
    if (!address) return std::nullopt;
    listen.address = *std::move(address);
    return listen;
  }

  void read_no_proxy() {
    for (const Given& given : own_.of("no-proxy")) {
      const auto is_odd = [](char c) { return c < ' ' || c > '~' || c == '"' || c == '\''; };
      if (std::any_of(given.value.begin(), given.value.end(), is_odd)) {
        problem(given, "write hosts and addresses with commas between them, without quotes");
      }
      out_.no_proxy += out_.no_proxy.empty() ? given.value : "," + given.value;
    }
  }

  void read_root() {
    for (const Given& given : own_.of("root")) {
      struct stat info {};
      if (::stat(given.value.c_str(), &info) != 0) {
        problem(given, std::strerror(errno));
      } else if (!S_ISDIR(info.st_mode)) {
        problem(given, "is no directory");
      }
      out_.root = given.value;
    }
  }

  void read_registries() {
    constexpr std::uint16_t kAnyPort = 443;
    for (const Given& given : own_.of("registry")) {
      const auto host = HostPort::parse(given.value, kAnyPort);
      if (!host) problem(given, host.error().text + "; write its host, as in gcr.io");
      const auto same = [&](const std::string& other) { return iequals(other, given.value); };
      auto& all = out_.registries;
      if (std::none_of(all.begin(), all.end(), same)) all.push_back(to_lower(given.value));
    }
  }

  void read_service() {
    for (const Flag& flag : flags()) {
      std::vector<std::string> values;
      for (const Given& given : service_.of(flag.name)) {
        values.push_back(value_for_service(flag, given.value));
      }
      if (values.empty()) continue;
      if (flag.name == "config") {
        problems_.emplace_back("--config: setup reads no file; give the options themselves");
      } else if (!out_.has(kSystemdTarget)) {
        problems_.push_back(
            fmt::format("--{}: only setup systemd writes it down, for the service", flag.name));
      }
      out_.service.emplace_back(flag.name, std::move(values));
    }
  }

  void check_needless(std::string_view flag, std::string_view target) {
    if (!own_.has(flag) || out_.has(target)) return;
    problems_.push_back(fmt::format("--{}: an option of setup {} alone", flag, target));
  }

  void problem(const Given& given, std::string_view text) {
    problems_.push_back(fmt::format("{} {}: {}", given.origin, redact(given.value), text));
  }

  const Settings& own_;
  const Settings& service_;
  std::vector<std::string>& problems_;
  SetupOptions out_;
  bool several_actions_ = false;
  bool has_address_of_cache_ = false;
};

}  // namespace

SetupOptions build_setup(const Settings& own, const Settings& service,
                         const std::vector<std::string>& words,
                         std::vector<std::string>& problems) {
  return SetupBuilder(own, service, problems).build(words);
}

}  // namespace culvert
