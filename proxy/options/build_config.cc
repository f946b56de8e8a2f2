#include "options/build_config.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <initializer_list>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>

#include <fmt/format.h>

#include "base/redact.h"
#include "base/text.h"
#include "options/broken_upstreams.h"
#include "options/cores.h"
#include "options/listen_address.h"
#include "options/routing.h"
#include "options/upstream_url.h"
#include "options/values.h"
#include "options/via.h"

namespace culvert {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr milliseconds kLongest = std::chrono::hours(7 * 24);
constexpr unsigned kMaxThreads = 256;

/// Reads Settings into a Config, in the order of Config's members.
class ConfigBuilder {
 public:
  ConfigBuilder(const Settings& settings, ReadWhen when, std::vector<std::string>& problems)
      : settings_(settings), when_(when), problems_(problems) {}

  Config build() {
    read_listen();
    read_upstreams();
    read_routing(settings_, broken_, config_, problems_);
    read_threads();
    read_allow_clients();
    read_timeouts();
    read_count("max-connections", 1, 1'000'000, config_.max_connections);
    for (const Given& given : settings_.of("tunnel-command")) {
      config_.tunnel_command = Secret(given.value);
    }
    read_logs();
    check_exposure();
    return std::move(config_);
  }

 private:
  void read_listen() {
    for (const Given& given : settings_.of("listen")) {
      std::vector<std::string> found;
      const auto addresses = parse_listen(given.value, found);
      for (const std::string& text : found) problem(given, text);
      for (const ListenConfig& listen : addresses) add_listen(given, listen);
    }
    if (!settings_.has("listen")) config_.listen = default_listen();
  }

  void add_listen(const Given& given, const ListenConfig& listen) {
    const std::string text = listen.to_string();
    const bool any_port = listen.kind == ListenConfig::Kind::http && listen.address.port == 0;
    const auto same = [&](const ListenConfig& other) { return other.to_string() == text; };
    if (!any_port && std::any_of(config_.listen.begin(), config_.listen.end(), same)) {
      problem(given, fmt::format("{} is listened on twice", text));
      return;
    }
    config_.listen.push_back(listen);
    if (is_reachable_by_others(listen)) exposed_.push_back(given.origin + " " + text);
  }

  void read_upstreams() {
    std::vector<std::string> origins;
    for (const Given& given : settings_.of("upstream")) {
      std::vector<std::string> found;
      UpstreamConfig upstream = parse_upstream(given.value, found, when_);
      const auto same = [&](const UpstreamConfig& other) { return other.name == upstream.name; };
      if (found.empty() && std::any_of(config_.upstreams.begin(), config_.upstreams.end(), same)) {
        found.push_back(
            fmt::format("{0}: there are two upstreams of the name '{1}'; write "
                        "OTHERNAME={0}",
                        upstream.label, printable(upstream.name)));
      }
      for (const std::string& text : found) {
        problems_.push_back(fmt::format("{} {}", given.origin, text));
      }
      if (found.empty()) {
        config_.upstreams.push_back(std::move(upstream));
        origins.push_back(given.origin);
      } else {
        broken_.add(upstream.name);
      }
    }
    config_.upstream_given = settings_.has("upstream");
    if (!config_.upstream_given) {
      std::vector<std::string> none;
      config_.upstreams.push_back(parse_upstream("direct", none));
      origins.emplace_back();
    }
    resolve_via(config_.upstreams, origins, broken_, problems_);
  }

  void read_threads() {
    config_.threads = std::min(usable_cores(), kMaxThreads);
    read_count("threads", 1, kMaxThreads, config_.threads);
  }

  void read_allow_clients() {
    for (const Given& given : settings_.of("allow-client")) {
      if (given.value.find('@') != std::string::npos) {
        problem(given, "an '@' has no place here: write addresses, or blocks such as 10.0.0.0/8");
        continue;
      }
      for (const std::string_view text : split(given.value, ',')) {
        if (const auto block = Cidr::parse(text)) {
          config_.allow_clients.push_back(*block);
        } else {
          problems_.push_back(fmt::format(
              "{} {}: not an address or block such as 10.0.0.0/8 (bits behind the prefix are zero)",
              given.origin, redact(text)));
        }
      }
    }
    for (const Given& given : settings_.of("open-proxy")) config_.open_proxy = read_switch(given);
    if (config_.open_proxy && settings_.has("allow-client")) {
      const Given& open = settings_.of("open-proxy").front();
      problems_.push_back(fmt::format("{}: contradicts {}; give one of them", open.origin,
                                      settings_.of("allow-client").front().origin));
    }
  }

  void read_timeouts() {
    read_duration("header-timeout", {milliseconds(100), std::chrono::hours(1)},
                  config_.header_timeout);
    read_duration("connect-timeout", {milliseconds(100), seconds(55)}, config_.connect_timeout);
    read_duration("hold", {milliseconds(0), seconds(55)}, config_.hold);
    read_duration("hedge", {milliseconds(1), seconds(55), true}, config_.hedge);
    for (const Given& given : settings_.of("probe")) {
      auto host = HostPort::parse(given.value);
      if (host) {
        config_.probe = *host;
      } else {
        problem(given, host.error().text);
      }
    }
    read_duration("probe-interval", {seconds(1), std::chrono::hours(1)}, config_.probe_interval);
    read_duration("idle-timeout", {seconds(1), kLongest, true}, config_.idle_timeout);
    read_duration("half-open-timeout", {seconds(1), kLongest, true}, config_.half_open_timeout);
    read_duration("response-timeout", {seconds(1), kLongest, true}, config_.response_timeout);
    read_duration("keep-alive-timeout", {seconds(1), kLongest}, config_.keep_alive_timeout);
    read_drain_timeout();
  }

  /// Here 0 is a limit like any other; only "off" is none.
  void read_drain_timeout() {
    milliseconds limit = *config_.drain_timeout;
    read_duration("drain-timeout", {milliseconds(0), kLongest, true}, limit);
    config_.drain_timeout = limit;
    for (const Given& given : settings_.of("drain-timeout")) {
      if (iequals(trim(given.value), "off")) config_.drain_timeout.reset();
    }
  }

  void read_logs() {
    using Level = Log::Level;
    read_choice("log-level",
                {{"debug", Level::debug},
                 {"info", Level::info},
                 {"warning", Level::warning},
                 {"error", Level::error}},
                config_.log_level);
    read_choice("log-format", {{"text", Log::Format::text}, {"json", Log::Format::json}},
                config_.log_format);
    for (const Given& given : settings_.of("access-log")) {
      config_.access_log = given.value;
      if (given.value != "-" && given.value != "off") check_log_file(given);
    }
  }

  /// A file that is missing is created at the start; here only its chances are looked at.
  void check_log_file(const Given& given) {
    const std::string& path = given.value;
    struct stat info {};
    if (::stat(path.c_str(), &info) == 0) {
      if (S_ISDIR(info.st_mode)) {
        problem(given, "is a directory");
      } else if (::access(path.c_str(), W_OK) != 0) {
        problem(given, fmt::format("cannot be written: {}", std::strerror(errno)));
      }
      return;
    }
    const std::size_t slash = path.rfind('/');
    const std::string directory = slash == std::string::npos ? "."
                                  : slash == 0               ? "/"
                                                             : path.substr(0, slash);
    if (::access(directory.c_str(), W_OK | X_OK) != 0) {
      problem(given, fmt::format("cannot be created: {}", std::strerror(errno)));
    }
  }

  /// An open proxy is found and abused within hours, so one must be asked for.
  void check_exposure() {
    if (config_.open_proxy || settings_.has("allow-client")) return;
    for (const std::string& listen : exposed_) {
      problems_.push_back(fmt::format(
          "{}: others than this host can reach it; say who may use it with --allow-client CIDR,... "
          "or let everybody with --open-proxy",
          listen));
    }
  }

  bool read_switch(const Given& given) {
    const std::string value = to_lower(given.value);
    for (const std::string_view yes : {"", "true", "yes", "on", "1"}) {
      if (value == yes) return true;
    }
    for (const std::string_view no : {"false", "no", "off", "0"}) {
      if (value == no) return false;
    }
    problem(given, "either true or false");
    return false;
  }

  void read_duration(std::string_view flag, const DurationLimits& limits, milliseconds& out) {
    for (const Given& given : settings_.of(flag)) {
      const auto parsed = parse_duration(given.value, limits);
      if (const auto* text = std::get_if<std::string>(&parsed)) {
        problem(given, *text);
      } else {
        out = std::get<milliseconds>(parsed);
      }
    }
  }

  template <typename T>
  void read_count(std::string_view flag, std::uint64_t at_least, std::uint64_t at_most, T& out) {
    for (const Given& given : settings_.of(flag)) {
      const auto parsed = parse_count(given.value, at_least, at_most);
      if (const auto* text = std::get_if<std::string>(&parsed)) {
        problem(given, *text);
      } else {
        out = static_cast<T>(std::get<std::uint64_t>(parsed));
      }
    }
  }

  template <typename T>
  using Choices = std::initializer_list<std::pair<std::string_view, std::type_identity_t<T>>>;

  template <typename T>
  void read_choice(std::string_view flag, Choices<T> choices, T& out) {
    for (const Given& given : settings_.of(flag)) {
      const auto found = std::find_if(choices.begin(), choices.end(), [&](const auto& choice) {
        return iequals(choice.first, given.value);
      });
      if (found != choices.end()) {
        out = found->second;
        continue;
      }
      std::string names;
      for (const auto& choice : choices) {
        if (!names.empty()) names += ", ";
        names += choice.first;
      }
      problem(given, fmt::format("not one of {}", names));
    }
  }

  void problem(const Given& given, std::string_view text) {
    problems_.push_back(fmt::format("{} {}: {}", given.origin, redact(given.value), text));
  }

  const Settings& settings_;
  ReadWhen when_;
  std::vector<std::string>& problems_;
  Config config_;
  std::vector<std::string> exposed_;  ///< origin and address of listeners that others can reach
  BrokenUpstreams broken_;
};

}  // namespace

Config build_config(const Settings& settings, ReadWhen when, std::vector<std::string>& problems) {
  return ConfigBuilder(settings, when, problems).build();
}

}  // namespace culvert
