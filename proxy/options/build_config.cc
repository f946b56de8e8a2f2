#include "options/build_config.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <iterator>
#include <set>
#include <string_view>
#include <system_error>
#include <utility>
#include <variant>

#include <fmt/format.h>

#include "base/account.h"
#include "base/journal_entry.h"
#include "base/redact.h"
#include "base/text.h"
#include "config/listen_url.h"
#include "config/open_listener.h"
#include "config/tunnel_port.h"
#include "options/broken_upstreams.h"
#include "options/cores.h"
#include "options/credential_file.h"
#include "options/flags.h"
#include "options/listen_address.h"
#include "options/read_file.h"
#include "options/routing.h"
#include "options/upstream_url.h"
#include "options/via.h"
#include "policy/impossible_host.h"

namespace culvert {
namespace {

constexpr std::string_view kCommandSample = "ssh -N -D 127.0.0.1:{port} user@host";

/// Does `listen` have every address of the family of `other`, at its port?  One socket of the two
/// could not be bound then.
bool covers(const ListenConfig& listen, const ListenConfig& other) {
  constexpr auto kTcp = ListenConfig::Kind::http;
  if (listen.kind != kTcp || other.kind != kTcp) return false;
  const IpAddress& ip = *listen.address.ip;
  return ip.is_unspecified() && listen.address.port == other.address.port &&
         ip.is_v4() == other.address.ip->is_v4();
}

/// A value of --listen for a message.  Its options are files and keywords, which no '@' is part of.
std::string redact_listen(std::string_view value) {
  const std::size_t mark = value.find('?');
  if (mark == std::string_view::npos || value.find('@') != std::string_view::npos) {
    return redact(value);
  }
  return concat({redact(value.substr(0, mark)), "?", redact(value.substr(mark + 1))});
}

/// Reads Settings into a Config: first what belongs together and has rules of its own, then every
/// flag that is left, as the table has it.
class ConfigBuilder {
 public:
  ConfigBuilder(const Settings& settings, ReadWhen when, std::vector<std::string>& problems)
      : settings_(settings), when_(when), problems_(problems) {}

  Config build() {
    read_listen();
    read_admin();
    read_upstreams();
    read(*find_flag("balance"));
    read_routing(settings_, broken_, config_, problems_);
    read_threads();
    read_allow_clients();
    read_auth_file();
    read_load_balancers();
    read_trace();
    for (const Flag& flag : flags()) read(flag);
    check_not_both("probe-tls", "probe");
    check_journal();
    check_exposure();
    check_balanced();
    warn_of_idle_limits();
    return std::move(config_);
  }

 private:
  void read_listen() {
    for (const Given& given : settings_.of("listen")) {
      std::vector<std::string> found;
      const auto addresses = parse_listen(given.value, found);
      for (const std::string& text : found) listen_problem(given, text);
      for (const ListenConfig& listen : addresses) {
        add_listen(given, listen);
        check_owners(given, listen);
      }
    }
    if (!settings_.has("listen")) config_.listen = default_listen();
  }

  void read_admin() {
    for (const Given& given : settings_.of("admin")) {
      std::vector<std::string> found;
      const auto addresses = parse_listen(given.value, found);
      for (const std::string& text : found) listen_problem(given, text);
      for (const ListenConfig& listen : addresses) add_admin(given, listen);
    }
  }

  void add_admin(const Given& given, const ListenConfig& listen) {
    using Kind = ListenConfig::Kind;
    if (listen.kind == Kind::systemd) {
      return listen_problem(given, "write an address and port, or unix:/path");
    }
    if (listen.proxy_protocol) {
      return listen_problem(given, "proxy-protocol has no meaning here");
    }
    const bool any_port = listen.kind == Kind::http && listen.address.port == 0;
    const auto clashes = [&](const ListenConfig& other) {
      return other.to_string() == listen.to_string() || covers(other, listen) ||
             covers(listen, other);
    };
    const auto clash_in = [&](const std::vector<ListenConfig>& others) {
      return !any_port && std::any_of(others.begin(), others.end(), clashes);
    };
    if (clash_in(config_.listen)) {
      return listen_problem(given,
                            "proxy clients connect there; give it an address or port of its own");
    }
    if (clash_in(config_.admin)) {
      return listen_problem(given, fmt::format("{} is listened on twice", listen_url(listen)));
    }
    config_.admin.push_back(listen);
    check_owners(given, listen);
    if (!listen.optional && is_reachable_by_others(listen)) {
      exposed_admin_.emplace_back(given.origin + " " + listen_url(listen), listen);
    }
  }

  void add_listen(const Given& given, const ListenConfig& listen) {
    if (listen.metrics_only) return listen_problem(given, "metrics-only is an option of --admin");
    const std::string text = listen.to_string();
    const bool any_port = listen.kind == ListenConfig::Kind::http && listen.address.port == 0;
    const auto same = [&](const ListenConfig& other) {
      // "systemd" takes the sockets of every name.
      return other.to_string() == text || (listen.kind == ListenConfig::Kind::systemd &&
                                           other.kind == ListenConfig::Kind::systemd &&
                                           (listen.name.empty() || other.name.empty()));
    };
    if (!any_port && std::any_of(config_.listen.begin(), config_.listen.end(), same)) {
      listen_problem(given, fmt::format("{} is listened on twice", listen_url(listen)));
      return;
    }
    const auto overlapping = std::find_if(
        config_.listen.begin(), config_.listen.end(),
        [&](const ListenConfig& other) { return covers(other, listen) || covers(listen, other); });
    if (!any_port && overlapping != config_.listen.end()) {
      const std::string other = listen_url(*overlapping);
      listen_problem(given, covers(*overlapping, listen)
                                ? fmt::format("{} takes its clients as well; leave one out", other)
                                : fmt::format("{} takes the clients of {} as well; leave one out",
                                              listen_url(listen), other));
      return;
    }
    config_.listen.push_back(listen);
    // Of a pair one is enough.
    if (listen.optional) return;
    if (is_reachable_by_others(listen))
      exposed_.emplace_back(given.origin + " " + listen_url(listen), listen);
    if (is_reachable_by_others(listen) && listen.proxy_protocol) {
      balanced_.push_back(given.origin + " " + listen_url(listen));
    }
  }

  /// Not for a reload, which changes no file of a socket.
  void check_owners(const Given& given, const ListenConfig& listen) {
    if (when_ != ReadWhen::starting) return;
    if (!listen.owner.empty() && !user_number(listen.owner)) {
      listen_problem(given, concat({"owner: no user is named ", printable(listen.owner, 40)}));
    }
    if (!listen.group.empty() && !group_number(listen.group)) {
      listen_problem(given, concat({"group: no group is named ", printable(listen.group, 40)}));
    }
  }

  void read_upstreams() {
    const bool has_mark = read_tunnels();
    std::vector<std::string> origins;
    bool uses_mark = false;
    for (const Given& given : settings_.of("upstream")) {
      std::vector<std::string> found;
      UpstreamConfig upstream = parse_upstream(given.value, found, when_);
      const bool at_mark = upstream.tunnel > 0;
      uses_mark = uses_mark || at_mark;
      if (at_mark && !has_mark) {
        found.push_back(
            fmt::format("{}: {} is the port of a tunnel: write it in "
                        "--tunnel-command, too, as in '{}'",
                        upstream.label, kPortMark, kCommandSample));
      }
      const std::string name = upstream.name;
      if (!add_upstream(given.origin, std::move(upstream), config_.upstreams.size(), found)) {
        broken_.add(name);
      }
      origins.resize(config_.upstreams.size(), given.origin);
    }
    config_.upstream_given = settings_.has("upstream");
    if (config_.upstream_given) config_.upstream_origin = settings_.of("upstream").front().origin;
    if (has_mark && !uses_mark) {
      // What was made for it is what is to be used.
      std::vector<std::string> found;
      config_.upstream_origin = settings_.of("tunnel-command").back().origin;
      const std::size_t before = config_.upstreams.size();
      add_upstream(config_.upstream_origin, parse_upstream(kTunnelUpstream, found), 0, found);
      origins.insert(origins.begin(), config_.upstreams.size() - before, config_.upstream_origin);
      config_.upstream_given = true;
    }
    config_.upstream_count = config_.upstreams.size();
    if (!config_.upstream_given) {
      std::vector<std::string> none;
      config_.upstreams.push_back(parse_upstream("direct", none));
      origins.emplace_back();
    }
    resolve_via(config_.upstreams, origins, broken_, problems_);
  }

  /// Whether the tunnels have ports that are chosen.
  bool read_tunnels() {
    const Flag& tunnels = *find_flag("tunnels");
    read(*find_flag("tunnel-command"));
    read(tunnels);
    const bool has_mark = has_port_mark(config_.tunnel_command.reveal());
    if (!settings_.has(tunnels.name)) return has_mark;
    const Given& given = settings_.of(tunnels.name).back();
    if (config_.tunnel_command.empty()) {
      problem(given, fmt::format("there is no --tunnel-command to run; give one, as in '{}'",
                                 kCommandSample));
    } else if (config_.tunnels > 1 && !has_mark) {
      problem(given, fmt::format("each of them needs a port of its own: write {} in "
                                 "--tunnel-command in its place, as in '{}'",
                                 kPortMark, kCommandSample));
    }
    return has_mark;
  }

  /// In front of the one at `place`: one, or as many as there are tunnels.  False: it has `found`
  /// problems.
  bool add_upstream(const std::string& origin, UpstreamConfig upstream, std::size_t place,
                    std::vector<std::string>& found) {
    std::vector<UpstreamConfig> added(upstream.tunnel > 0 ? config_.tunnels : 1, upstream);
    if (added.size() > 1) {
      for (std::size_t i = 0; i < added.size(); ++i) {
        added[i].group = upstream.name;
        added[i].tunnel = i + 1;
        added[i].name = fmt::format("{}-{}", upstream.name, i + 1);
      }
    }
    for (const UpstreamConfig& one : added) {
      if (!found.empty()) break;
      for (const std::string& name : {one.name, one.group}) {
        if (name.empty() || !is_name_taken(name)) continue;
        found.push_back(
            fmt::format("{0}: there are two upstreams of the name '{1}'; write "
                        "OTHERNAME={0}",
                        upstream.label, printable(name)));
      }
    }
    for (const std::string& text : found) problems_.push_back(fmt::format("{} {}", origin, text));
    if (!found.empty()) return false;
    config_.upstreams.insert(config_.upstreams.begin() + static_cast<std::ptrdiff_t>(place),
                             std::make_move_iterator(added.begin()),
                             std::make_move_iterator(added.end()));
    return true;
  }

  bool is_name_taken(std::string_view name) const {
    return std::any_of(
        config_.upstreams.begin(), config_.upstreams.end(),
        [name](const UpstreamConfig& other) { return other.name == name || other.group == name; });
  }

  void read_threads() {
    const Flag& threads = *find_flag("threads");
    config_.threads =
        std::min(usable_cores(), std::get<CountValue<unsigned>>(threads.value).at_most);
    read(threads);
  }

  void read_allow_clients() {
    read_blocks("allow-client", config_.allow_clients);
    read(*find_flag("open-proxy"));
    if (config_.open_proxy) check_not_both("open-proxy", "allow-client");
  }

  void read_load_balancers() {
    read_blocks("load-balancer", config_.load_balancers);
    const auto& listen = config_.listen;
    const bool used = std::any_of(listen.begin(), listen.end(), [](const ListenConfig& listener) {
      return listener.proxy_protocol;
    });
    if (settings_.has("load-balancer") && !used) {
      config_.warnings.push_back(fmt::format(
          "{}: no --listen has ?proxy-protocol=on, so nothing is taken from a load balancer",
          settings_.of("load-balancer").front().origin));
    }
    for (const Cidr& block : config_.load_balancers) {
      if (!block.contains_all()) continue;
      config_.warnings.push_back(
          fmt::format("{} {}: whoever reaches that listener can pass for any client",
                      settings_.of("load-balancer").front().origin, block.to_string()));
    }
  }

  void read_trace() {
    read(*find_flag("trace-sessions"));
    for (const Given& given : settings_.of("trace-target")) {
      std::vector<std::string> found;
      for (TargetPattern& pattern : parse_target_patterns(given.value, found)) {
        config_.trace_targets.push_back(std::move(pattern));
      }
      for (const std::string& each : found) {
        problems_.push_back(concat({given.origin, " ", each}));
      }
    }
    if (settings_.has("trace-sessions") && !settings_.has("trace-target")) {
      config_.warnings.push_back(concat({settings_.of("trace-sessions").front().origin,
                                         ": without --trace-target no session is traced"}));
    }
  }

  /// Addresses and blocks.
  void read_blocks(std::string_view flag, std::vector<Cidr>& blocks) {
    for (const Given& given : settings_.of(flag)) {
      if (given.value.find('@') != std::string::npos) {
        problem(given, "an '@' has no place here: write addresses, or blocks such as 10.0.0.0/8");
        continue;
      }
      for (const std::string_view text : split(given.value, ',')) {
        if (text.empty()) {
          problem(given, "an address is missing beside a ','");
        } else if (const std::string found = add_block(text, blocks); !found.empty()) {
          problems_.push_back(fmt::format("{} {}: {}", given.origin, redact(text), found));
        }
      }
    }
  }

  void read_auth_file() {
    if (!settings_.has("auth-file")) return;
    const Given& given = settings_.of("auth-file").front();
    const NamedFile file = named_file(given.value);
    if (!file.problem.empty()) return problem(given, file.problem);
    const FileContent content = read_file(file.path, when_);
    if (!content.problem.empty()) {
      return problem(given, concat({content.problem, credential_hint(file.path)}));
    }
    std::vector<std::string> found;
    auto users = std::make_shared<const PasswordFile>(PasswordFile::parse(content.text, found));
    for (const std::string& text : found) problem(given, text);
    config_.auth_file = file.path;
    if (!found.empty()) return;
    if (users->costs_differ()) {
      config_.warnings.push_back(
          fmt::format("{} {}: some hashes in it take more than four times as long to check as "
                      "others, and how long an answer takes tells such users apart: make them all "
                      "of one kind and cost",
                      given.origin, redact(given.value)));
    }
    config_.users = std::move(users);
    if (others_can_read(file.path)) {
      config_.warnings.push_back(
          fmt::format("{} {}: every user of this host can read the hashes in it: chmod o-r, and "
                      "chgrp to the group of culvert",
                      given.origin, redact(given.value)));
    }
  }

  void check_not_both(const char* flag, const char* other) {
    if (!settings_.has(flag) || !settings_.has(other)) return;
    problems_.push_back(fmt::format("{}: contradicts {}; give one of them",
                                    settings_.of(flag).front().origin,
                                    settings_.of(other).front().origin));
  }

  /// Returns what is wrong with `text`.
  std::string add_block(std::string_view text, std::vector<Cidr>& blocks) {
    const auto block = Cidr::parse(text);
    if (!block) {
      const std::string_view why = impossible_host(text);
      return why.empty()
                 ? "not an address or block such as 10.0.0.0/8 (bits behind the prefix are zero)"
                 : std::string(why);
    }
    if (const auto ip = IpAddress::parse(text); ip && ip->is_unspecified()) {
      return fmt::format("no client has that address; {} is everybody",
                         ip->is_v4() ? "0.0.0.0/0" : "::/0");
    }
    blocks.push_back(*block);
    return {};
  }

  /// A lock that is given, and has a mistake, is told by that alone.
  void check_exposure() {
    if (settings_.has("allow-client") || settings_.has("auth-file")) return;
    for (const auto& [name, listen] : exposed_) {
      if (has_lock(listen, config_)) continue;
      problems_.push_back(concat({name, ": ", open_listener_problem("it")}));
    }
    for (const auto& [name, listen] : exposed_admin_) {
      if (!is_protected(listen, config_))
        problems_.push_back(concat({name, ": ", open_admin_problem()}));
    }
  }

  /// Limits that count nobody.
  void warn_of_idle_limits() {
    const auto& listen = config_.listen;
    const bool has_users = settings_.has("auth-file") ||
                           std::any_of(listen.begin(), listen.end(), [](const ListenConfig& one) {
                             return !one.client_ca.empty();
                           });
    const bool has_addresses =
        std::any_of(listen.begin(), listen.end(), [](const ListenConfig& one) {
          return one.kind != ListenConfig::Kind::unix_socket || one.proxy_protocol;
        });
    if (!has_users) {
      constexpr std::string_view kWhy =
          "no effect, as clients have no user: that takes --auth-file or a client-ca= at --listen";
      warn_if_set("max-connections-per-user", config_.max_connections_per_user, kWhy);
      warn_if_set("bandwidth-per-user", config_.bandwidth_per_user, kWhy);
    }
    if (!has_addresses && !listen.empty()) {
      constexpr std::string_view kWhy =
          "no effect, as clients of a unix socket have no address, and there is no other --listen";
      warn_if_set("max-connections-per-client", config_.max_connections_per_client, kWhy);
      warn_if_set("max-requests-per-second", config_.max_requests_per_second, kWhy);
      warn_if_set("bandwidth-per-client", config_.bandwidth_per_client, kWhy);
    }
  }

  void warn_if_set(std::string_view flag, std::uint64_t limit, std::string_view why) {
    if (limit == 0 || !settings_.has(flag)) return;
    config_.warnings.push_back(concat({settings_.of(flag).back().origin, ": ", why}));
  }

  /// A header may name any client, so whose header is believed must be explicit, too.
  void check_balanced() {
    if (settings_.has("load-balancer")) return;
    for (const std::string& listen : balanced_) {
      problems_.push_back(
          fmt::format("{}?proxy-protocol=on: say whose header is believed with --load-balancer "
                      "CIDR,...",
                      listen));
    }
  }

  /// Not for a reload, which opens no other one.  Whether somebody listens there, the start finds.
  void check_journal() {
    struct stat info {};
    const std::string path(kJournalSocket);
    if (when_ != ReadWhen::starting || config_.access_log != kJournalAsLog) return;
    if (::stat(path.c_str(), &info) != 0) {
      problem(settings_.of("access-log").back(),
              no_journal(std::generic_category().message(errno)));
    }
  }

  /// For a flag whose row in the table fully describes its values.
  void read(const Flag& flag) {
    if (!read_already_.insert(flag.name).second) return;
    for (const Given& given : settings_.of(flag.name)) {
      const std::string found = read_flag_value(flag.value, given.value, config_);
      if (!found.empty()) problem(given, found);
    }
  }

  void listen_problem(const Given& given, std::string_view text) {
    problems_.push_back(concat({given.origin, " ", redact_listen(given.value), ": ", text}));
  }

  void problem(const Given& given, std::string_view text) {
    const bool credential = given.value.starts_with(kCredentialMark);
    const std::string shown = credential ? printable(given.value) : redact(given.value);
    problems_.push_back(concat({given.origin, " ", shown, ": ", text}));
  }

  const Settings& settings_;
  ReadWhen when_;
  std::vector<std::string>& problems_;
  Config config_;
  /// Listeners that others can reach, each behind its origin and address.
  std::vector<std::pair<std::string, ListenConfig>> exposed_;
  std::vector<std::pair<std::string, ListenConfig>> exposed_admin_;  ///< the same of --admin
  std::vector<std::string> balanced_;  ///< origin and address of those that take PROXY headers
  BrokenUpstreams broken_;
  std::set<std::string_view> read_already_;  ///< flags; each is read once
};

}  // namespace

Config build_config(const Settings& settings, ReadWhen when, std::vector<std::string>& problems) {
  return ConfigBuilder(settings, when, problems).build();
}

}  // namespace culvert
