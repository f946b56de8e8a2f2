#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/connection_ends.h"
#include "base/host_port.h"
#include "base/ip_address.h"
#include "base/log.h"
#include "base/secret.h"
#include "policy/balance.h"
#include "policy/no_proxy.h"
#include "policy/password_file.h"
#include "policy/presets.h"
#include "policy/target_pattern.h"

namespace culvert {

/// A certificate, with those that lead to its CA, and its key: PEM files, which may be the same.
struct CertificateFiles {
  std::string cert, key;
  bool operator==(const CertificateFiles&) const = default;
};

/// One `--listen`.
struct ListenConfig {
  enum class Kind { http, unix_socket, systemd };
  /// What clients may speak.
  enum class Speaks : std::uint8_t {
    any,        ///< HTTP or SOCKS, and TLS if there is a certificate: the first byte tells
    http_only,  ///< http-only://
    tls_only,   ///< https://: HTTP or SOCKS within TLS
  };
  Kind kind = Kind::http;
  HostPort address;       ///< kind http; ip is set, port 0: the system chooses
  std::string path;       ///< kind unix_socket
  std::string name;       ///< kind systemd: FileDescriptorName=; empty: every socket
  bool optional = false;  ///< [::1] of the default pair: left out where there is no IPv6
  Speaks speaks = Speaks::any;
  std::vector<CertificateFiles> certificates;  ///< ?cert= and ?key=; the first one is the default
  std::string client_ca;  ///< ?client-ca=: a client needs a certificate of this PEM file's CAs
  bool proxy_protocol = false;   ///< ?proxy-protocol=on: a PROXY header comes before anything else
  bool metrics_only = false;     ///< of --admin, ?metrics-only=on: no page, no API
  std::optional<unsigned> mode;  ///< unix_socket, ?mode=: permission bits of the file
  std::string owner, group;      ///< unix_socket: of the file, names or numbers; empty: as made
  /// No client gets in without a certificate of `client_ca`.  Where TLS is a choice, some do.
  bool wants_certificate() const { return speaks == Speaks::tls_only && !client_ca.empty(); }
  /// "http://127.0.0.1:3128", "unix:/path" or "systemd:NAME": which socket it is, not how it is
  /// used.
  std::string to_string() const;
};

/// One `--upstream`: a proxy, or none, by which targets are reached.
struct UpstreamConfig {
  enum class Kind { direct, socks5, socks4a, http, https };
  Kind kind = Kind::direct;
  std::string name;   ///< NAME= of the option, else "direct" or the label
  std::string label;  ///< "socks5://127.0.0.1:1080": for messages, without credentials
  HostPort address;   ///< of the proxy; unused for direct
  std::optional<Credentials> credentials;
  bool resolve_local = false;  ///< ?resolve=local: names are looked up here, not by the proxy
  std::string ca;              ///< https: PEM file or directory to verify against
  std::string cert, key;       ///< https: client certificate
  std::string password_file;   ///< where the password came from; empty: no file
  std::string sni;             ///< https: name to send and verify instead of the host
  std::optional<std::chrono::milliseconds> connect_timeout;  ///< own deadline of one attempt
  std::optional<ProxyVersion> proxy_protocol;  ///< ?proxy-protocol: the header that is sent first
  std::size_t warm = 0;                        ///< ?warm=N: connections kept ready for a request
  std::uint32_t weight = 1;  ///< ?weight=N: its share where a route is balanced, beside others'
  std::string via;           ///< ?via=NAME: the upstream through which this one is reached
  std::optional<std::size_t> via_index;  ///< the same as an index into Config::upstreams; no cycles
  /// Which of --tunnels is at its port, from 1; then `address` has no port and `label` has "{port}"
  /// before it is chosen.  0: the port is its own.
  std::size_t tunnel = 0;
  std::string group;  ///< what those of several tunnels are called together; empty: it is one alone
};

/// As it is written in an upstream's URL: "socks5".
std::string_view scheme_of(UpstreamConfig::Kind kind);

/// How a tunnel that was lost on the upstream's side, or that we cut, ends for its client.
enum class LostTunnel {
  automatic,  ///< `eof` for Go programs, else `reset`
  eof,        ///< within TLS as RelayEnd::client_gets_eof has it, else `reset`
  reset,
};

/// When a tunnel has stalled: less than `rate` moved in it for `time`.
struct StallLimit {
  std::chrono::milliseconds time{0};  ///< 0: never
  std::uint64_t rate = 0;             ///< bytes a second; 0: nothing at all moved
  std::string describe() const;       ///< "nothing moved for 30.0 s"
};

/// One `--route`.
struct RouteConfig {
  std::string text;  ///< as given
  std::vector<TargetPattern> patterns;
  std::vector<const Preset*> presets;  ///< those among them
  std::vector<std::size_t> upstreams;  ///< indices into Config::upstreams; empty: deny
  std::string origin{};                ///< "--route", "CULVERT_ROUTE", "FILE:3: route"
  std::vector<Tier> tiers{};           ///< of `upstreams`, see Route
};

/// One value of `--no-proxy`.
struct NoProxyLine {
  std::string origin;  ///< "--no-proxy", "CULVERT_NO_PROXY", "FILE:3: no-proxy"
  std::string list;
};

/// --access-log: the systemd journal.
inline constexpr std::string_view kJournalAsLog = "journal";
/// What --access-log may name in the place of a file.
inline constexpr auto kNoLogFiles = std::to_array<std::string_view>({"-", "off", kJournalAsLog});
/// Whether this value of --access-log, given in letters of any case, names a file.
bool is_access_log_file(std::string_view access_log);

/// How many sessions a trace shows, unless it is told another number, and at most.
inline constexpr std::size_t kTracedSessions = 10;
inline constexpr std::size_t kMostTracedSessions = 10'000;

/// What `culvert serve` runs with: plain values, validated.
struct Config {
  std::vector<ListenConfig> listen;
  std::vector<ListenConfig> admin;          ///< where the status page is; empty: nowhere
  bool admin_actions = false;               ///< it may act for whoever can reach it
  bool take_over = false;                   ///< from a running culvert, and by the next one
  std::vector<UpstreamConfig> upstreams;    ///< in order of preference, never empty
  bool upstream_given = false;              ///< false: direct:// by default, which is logged
  std::size_t upstream_count = 0;           ///< of those that were given: the first ones
  std::string upstream_origin;              ///< of the first: "--upstream", "FILE:3: upstream"
  std::vector<RouteConfig> routes;          ///< first match wins
  std::vector<std::size_t> default_route;   ///< upstreams for what no route matches
  std::vector<Tier> default_tiers;          ///< of them, see Route
  Balance balance = Balance::order;         ///< of routes that do not say it
  NoProxy no_proxy;                         ///< targets that go direct before any route
  std::vector<NoProxyLine> no_proxy_lines;  ///< what that is made of
  std::optional<std::size_t> direct;        ///< the upstream for that, if anything needs it
  unsigned threads = 1;

  std::vector<Cidr> allow_clients;  ///< empty: loopback clients, or all if open_proxy or locked
  bool open_proxy = false;
  std::string auth_file;                      ///< where users are; empty: nobody has to sign in
  std::shared_ptr<const PasswordFile> users;  ///< what is in it; null without one
  /// Who is believed in a PROXY header about its clients, see is_load_balancer().
  std::vector<Cidr> load_balancers;

  std::chrono::milliseconds header_timeout{10'000};   ///< a request head must arrive in this
  std::chrono::milliseconds connect_timeout{12'000};  ///< from the request to its answer
  std::chrono::milliseconds hold{12'000};             ///< see RouteDial; 0: never
  std::chrono::milliseconds hold_resumed{55'000};     ///< the same for resumptions; 0: no longer
  std::chrono::milliseconds hedge{0};                 ///< see RouteDial; 0: never
  std::optional<HostPort> probe;                      ///< connected to through each upstream
  std::optional<HostPort> probe_tls;                  ///< the same, and it must answer in TLS
  std::chrono::milliseconds probe_interval{15'000};   ///< between two probes
  LostTunnel lost_tunnel = LostTunnel::automatic;
  std::chrono::milliseconds idle_timeout{0};      ///< of a tunnel, in both directions; 0: never
  std::chrono::milliseconds stall_after{30'000};  ///< see StallReporter; 0: never
  StallLimit reset_stalled;                       ///< see StallWatch
  std::chrono::milliseconds half_open_timeout{300'000};  ///< after one FIN, without progress
  std::chrono::milliseconds response_timeout{300'000};   ///< for a plain response's head
  std::chrono::milliseconds keep_alive_timeout{60'000};  ///< for a client's next plain request
  /// How long sessions may finish.  0: they are cut at once; nullopt: without limit.
  std::optional<std::chrono::milliseconds> drain_timeout{30'000};
  std::size_t max_connections = 4096;  ///< client connections, all workers together

  bool no_sandbox = false;  ///< `serve` keeps every right that it was started with
  // 0 in one of these: no limit.
  std::size_t max_connections_per_client = 0;
  std::size_t max_connections_per_user = 0;
  std::size_t max_requests_per_second = 0;  ///< of one client
  std::size_t max_accepts_per_second = 0;
  std::uint64_t bandwidth = 0;  ///< bytes a second each way
  std::uint64_t bandwidth_per_client = 0;
  std::uint64_t bandwidth_per_user = 0;
  std::chrono::milliseconds max_lifetime{0};  ///< of a tunnel

  /// One of those is set that count something for each client or user.
  bool counts_clients() const;
  bool limits_bandwidth() const;
  /// A route is balanced, and so that it matters what upstreams do.
  bool balances_by_load() const;

  Secret tunnel_command;    ///< for the shell, kept running; empty: none
  std::size_t tunnels = 1;  ///< how many of it run; 2 and more take a "{port}" in it

  Log::Level log_level = Log::Level::info;
  Log::Format log_format = Log::Format::text;
  std::vector<TargetPattern> trace_targets;      ///< whose sessions are traced; empty: nobody's
  std::size_t trace_sessions = kTracedSessions;  ///< how many of them
  std::string access_log = "-";  ///< "-": standard output, "off", kJournalAsLog, or a file

  std::string file;  ///< --config, for messages; empty: none

  /// Likely mistakes that do not prevent serving, one line each.
  std::vector<std::string> warnings;
};

}  // namespace culvert
