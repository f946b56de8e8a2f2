#include "options/flags.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <vector>

#include "config/tunnel_port.h"
#include "options/nearest.h"

namespace culvert {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

constexpr auto kLogLevels = std::to_array<Choice<Log::Level>>({
    {"debug", Log::Level::debug},
    {"info", Log::Level::info},
    {"warning", Log::Level::warning},
    {"error", Log::Level::error},
});
constexpr auto kLogFormats = std::to_array<Choice<Log::Format>>({
    {"text", Log::Format::text},
    {"json", Log::Format::json},
});

constexpr auto kLostTunnels = std::to_array<Choice<LostTunnel>>({
    {"auto", LostTunnel::automatic},
    {"eof", LostTunnel::eof},
    {"reset", LostTunnel::reset},
});

constexpr auto kBalances = [] {
  std::array<Choice<Balance>, kBalanceNames.size()> out{};
  for (std::size_t i = 0; i < out.size(); ++i) {
    out[i] = {kBalanceNames[i].first, kBalanceNames[i].second};
  }
  return out;
}();

constexpr milliseconds kLongest = 168h;
constexpr bool kOrOff = true;

// ---- which changes a reload cannot apply

template <auto Member>
bool differs(const Config& started, const Config& now) {
  return started.*Member != now.*Member;
}

/// Which sockets there are, and their files.
template <std::vector<ListenConfig> Config::*Listeners>
bool sockets_differ(const Config& started, const Config& now) {
  const std::vector<ListenConfig>& before = started.*Listeners;
  const std::vector<ListenConfig>& after = now.*Listeners;
  return !std::equal(before.begin(), before.end(), after.begin(), after.end(),
                     [](const ListenConfig& one, const ListenConfig& other) {
                       return one.to_string() == other.to_string() && one.mode == other.mode &&
                              one.owner == other.owner && one.group == other.group;
                     });
}

bool tunnel_commands_differ(const Config& started, const Config& now) {
  return started.tunnel_command.reveal() != now.tunnel_command.reveal();
}

/// A file may be exchanged for another one, but for nothing else.
bool kinds_of_access_log_differ(const Config& started, const Config& now) {
  const auto kind = [](const Config& config) -> std::string_view {
    const std::string& log = config.access_log;
    return is_access_log_file(log) ? "file" : std::string_view(log);
  };
  return kind(started) != kind(now);
}

// ---- what is in effect where nothing was given

std::vector<std::string> usual_listeners(const Config& config) {
  std::vector<std::string> out;
  for (const ListenConfig& listen : config.listen) out.push_back(listen.to_string());
  return out;
}

std::vector<std::string> usual_upstream(const Config& config) {
  if (config.upstreams.empty() || config.upstreams[0].tunnel == 0) return {"direct"};
  return {std::string(kTunnelUpstream)};
}

// ---- the table

constexpr bool kRepeatable = true;
constexpr bool kOnce = false;
constexpr RestartCheck kReloads = nullptr;

constexpr std::string_view kClients = "Clients";
constexpr std::string_view kUpstreams = "Upstreams";
constexpr std::string_view kAdministration = "Administration";
constexpr std::string_view kTimes = "Time limits (500ms, 12s, 5m, 1h; a bare number is seconds)";
constexpr std::string_view kResources = "Resources";
constexpr std::string_view kLogs = "Logs";
constexpr std::string_view kConfiguration = "Configuration";

// In the order of --help; a group's flags stand together.
constexpr auto kFlags = std::to_array<Flag>({
    {"listen", "ADDR:PORT", kRepeatable, kClients, OwnReader{usual_listeners},
     sockets_differ<&Config::listen>,
     "where clients connect; repeatable (default: 127.0.0.1:3128 and\n"
     "[::1]:3128)\n"
     "  PORT or localhost:PORT   both loopback addresses\n"
     "  :PORT or [::]:PORT       every address of this host\n"
     "  ADDR:PORT                one, which may come up later, as docker0's\n"
     "  unix:/PATH               a unix socket, with the options mode=0660,\n"
     "                           owner=USER and group=GROUP (default: mode\n"
     "                           0600, with a group 0660)\n"
     "  systemd or systemd:NAME  sockets that a .socket unit passes: all of\n"
     "                           them, or those of that name\n"
     "their clients speak HTTP, SOCKS5 or SOCKS4: the first byte tells\n"
     "  http-only://ADDR:PORT    HTTP and nothing else\n"
     "  https://ADDR:PORT?cert=FILE&key=FILE\n"
     "                           TLS and nothing else (PEM files; several\n"
     "                           pairs, by SNI)\n"
     "options behind a '?', as in 10.0.0.1:3128?proxy-protocol=on:\n"
     "  cert=FILE&key=FILE       TLS as well\n"
     "  client-ca=FILE           TLS alone, with a certificate of these CAs\n"
     "  proxy-protocol=on        a PROXY protocol header comes first (v1\n"
     "                           or v2), and tells whose connection a\n"
     "                           load balancer passes on; see\n"
     "                           --load-balancer"},
    {"allow-client", "CIDR,...", kRepeatable, kClients, OwnReader{}, kReloads,
     "clients that may use the proxy besides this host's own on\n"
     "loopback; repeatable; needed when others can reach --listen\n"
     "without password or certificate"},
    {"auth-file", "FILE", kOnce, kClients, OwnReader{}, kReloads,
     "users who may use the proxy, in htpasswd format (htpasswd -B; also\n"
     "SHA-crypt and yescrypt): all clients have to sign in, those of this\n"
     "host too, with http://USER:PASSWORD@HOST:PORT as their proxy URL;\n"
     "with --allow-client as well, both must hold"},
    {"load-balancer", "CIDR,...", kRepeatable, kClients, OwnReader{}, kReloads,
     "load balancers whose PROXY protocol header is believed, on a\n"
     "listener with ?proxy-protocol=on; repeatable (default: this host's\n"
     "own on loopback; those of a unix socket always are)"},
    {"open-proxy", "", kOnce, kClients, SwitchValue{&Config::open_proxy}, kReloads,
     "let any client that can connect use the proxy"},
    {"take-over", "", kOnce, kClients, SwitchValue{&Config::take_over}, differs<&Config::take_over>,
     "take the listening sockets over from the culvert that has them, if\n"
     "it was started with --take-over as well: it serves until this one\n"
     "can, and ends with its last tunnel"},

    {"lost-tunnel", "HOW", kOnce, kClients,
     ChoiceValue<LostTunnel>{&Config::lost_tunnel, kLostTunnels}, kReloads,
     "how a TLS tunnel ends for its client when the upstream loses it or\n"
     "culvert cuts it (default: {default})\n"
     "  eof    in a FIN within a TLS record: containerd, and docker with\n"
     "         its image store, resume the layer at the byte, and lose\n"
     "         the pull at a reset\n"
     "  reset  podman 4 and skopeo 1.9 begin the layer again, and lose\n"
     "         the pull at an EOF\n"
     "  auto   eof for Go programs (User-Agent of their CONNECT) but for\n"
     "         those with docker's cipher suites (no ChaCha20), which\n"
     "         podman and skopeo have; reset for all others\n"
     "tunnels without TLS always end in a reset"},

    {"upstream", "[NAME=]URL", kRepeatable, kUpstreams, OwnReader{usual_upstream}, kReloads,
     "the way out; repeatable, tried in their order (default: direct,\n"
     "which means no proxy: names are looked up and connections made\n"
     "from here)\n"
     "  socks5://[USER:PASSWORD@]HOST[:1080]     names are resolved by\n"
     "                                           the proxy; socks5h and\n"
     "                                           socks are the same\n"
     "  socks4a://[USER@]HOST[:1080]             socks4 is the same\n"
     "  http://[USER:PASSWORD@]HOST[:3128]       CONNECT through a proxy\n"
     "  https://[USER:PASSWORD@]HOST[:443]       the same over TLS\n"
     "  direct\n"
     "options behind the URL, as in ?connect-timeout=5s&resolve=local:\n"
     "  connect-timeout=TIME   of one attempt, the proxy's answer\n"
     "                         included, 100ms to 55s (any kind)\n"
     "  password-file=FILE     password in its first line (socks5, http,\n"
     "                         https)\n"
     "  resolve=local          look names up here (socks5, socks4a)\n"
     "  warm=N                 keep N connections ready for a request\n"
     "                         (any kind but direct)\n"
     "  weight=N               its share where a route is balanced, 1 to\n"
     "                         100 (any kind; default: 1), see --balance\n"
     "  via=NAME               the upstream through which this one is\n"
     "                         reached (any kind but direct)\n"
     "  proxy-protocol=v1|v2   tell the proxy the client's address in a\n"
     "                         header first (any kind but direct; not\n"
     "                         with warm)\n"
     "  ca=FILE cert=FILE key=FILE sni=NAME      (https)"},
    {"route", "PATTERN,...=NAME,...", kRepeatable, kUpstreams, OwnReader{}, kReloads,
     "targets that go through these upstreams, tried in their order;\n"
     "repeatable, the first that matches counts (default: every\n"
     "upstream that is not the via of another); NAME may be direct,\n"
     "and deny refuses\n"
     "  gcr.io               that host alone\n"
     "  .gcr.io or *.gcr.io  its subdomains\n"
     "  10.0.0.0/8           targets given as an address in the block\n"
     "  *                    every target\n"
     "  preset:gcr           hosts of a registry, best effort; also k8s,\n"
     "                       dockerhub, ghcr, quay, mcr, ecr, nvidia and\n"
     "                       redhat, or preset:containers for all\n"
     "each but a preset may end in :PORT; with a word of --balance before\n"
     "the names, as in '*=least:a,b', the route is balanced so"},
    {"balance", "BALANCE", kOnce, kUpstreams, ChoiceValue<Balance>{&Config::balance, kBalances},
     kReloads,
     "how requests are spread over the upstreams of a route that work\n"
     "(default: {default}), unless the route says it itself\n"
     "  order    all by the first; the others are for its failure\n"
     "  least    by the one with the fewest requests and tunnels under\n"
     "           way, idle ones aside, and then the fewest bytes\n"
     "  fastest  by the one that has connected and delivered fastest\n"
     "           lately; one request of 16 tries another, to learn\n"
     "  sticky   each client's requests to one host by the same one\n"
     "weight=N of an upstream multiplies its share; what sticky would\n"
     "choose decides between equals of least and fastest"},
    {"no-proxy", "LIST", kRepeatable, kUpstreams, OwnReader{}, kReloads,
     "targets that go direct before any route is asked, read as Go\n"
     "programs read NO_PROXY; localhost and loopback belong to any list,\n"
     "but without --no-proxy they go by the routes, as all targets do"},
    {"tunnel-command", "COMMAND", kOnce, kUpstreams, SecretValue{&Config::tunnel_command},
     tunnel_commands_differ,
     "a shell command that makes the tunnel, such as\n"
     "'ssh -N -D 127.0.0.1:1080 user@host': started, started again\n"
     "when it ends, and ended with culvert; what it says is logged"},
    {"tunnels", "N", kOnce, kUpstreams, CountValue<std::size_t>{&Config::tunnels, 1, 16}, kReloads,
     "how many of --tunnel-command run at the same time, {least} to {most}\n"
     "(default: {default}), each at a free port that takes the place of {port}, as\n"
     "in 'ssh -N -D 127.0.0.1:{port} user@host'; an --upstream with it, as\n"
     "in NAME=socks5://127.0.0.1:{port}, becomes NAME-1, NAME-2 and so on\n"
     "(with one tunnel NAME); where there is none, the first upstream is\n"
     "tunnel=socks5://127.0.0.1:{port}; NAME in a route means all of them,\n"
     "balanced by least unless the route or --balance says otherwise"},

    {"admin", "ADDR:PORT", kRepeatable, kAdministration, OwnReader{},
     sockets_differ<&Config::admin>,
     "serve the status page, /metrics, /healthz, /readyz, /proxy.pac and\n"
     "/api/v1/ there; repeatable; unix:/PATH, https:// and options as for\n"
     "--listen, and ?metrics-only=on for neither page nor API; where\n"
     "others can reach it, --allow-client, --auth-file or client-ca= say\n"
     "who may see more than /healthz and /readyz (default: off)"},
    {"admin-actions", "", kOnce, kAdministration, SwitchValue{&Config::admin_actions}, kReloads,
     "let the status page end tunnels and mark upstreams down, and let\n"
     "/api/v1/trace be read, also where --admin is neither protected so\n"
     "nor a unix socket"},

    {"header-timeout", "TIME", kOnce, kTimes, DurationValue{&Config::header_timeout, {100ms, 1h}},
     kReloads, "for a client's request head, {least} to {most} (default: {default})"},
    {"connect-timeout", "TIME", kOnce, kTimes,
     DurationValue{&Config::connect_timeout, {100ms, 55s}}, kReloads,
     "for the whole way to an answer, {least} to {most} (default: {default}, as\n"
     "docker gives up after 15s)"},
    {"hold", "TIME", kOnce, kTimes, DurationValue{&Config::hold, {0ms, 55s}}, kReloads,
     "wait for upstreams that may just be starting if they have been down\n"
     "for less than TIME, up to {most}: that refuse the connection or close\n"
     "it unasked, whose name does not resolve yet or which have no route; 0\n"
     "fails at once (default: {default})"},
    {"hold-resumed", "TIME", kOnce, kTimes, DurationValue{&Config::hold_resumed, {1s, 55s, kOrOff}},
     kReloads,
     "the same for a CONNECT to a target whose tunnel was lost in the\n"
     "last minute, whatever --connect-timeout, and also for upstreams\n"
     "that are silent: a client that resumes a layer and is refused\n"
     "loses all of it; {least} to {most}, or off (default: {default}, as Go gives\n"
     "up after 60s); at most 256 requests at a time"},
    {"hedge", "TIME", kOnce, kTimes, DurationValue{&Config::hedge, {1ms, 55s, kOrOff}}, kReloads,
     "start the next upstream of a route beside one that has not\n"
     "connected within TIME, the first to connect serves; {least} to {most},\n"
     "or off (default: {default})"},
    {"probe", "HOST:PORT", kOnce, kTimes, HostPortValue{&Config::probe}, kReloads,
     "ask each upstream for a connection to HOST:PORT now and then, and\n"
     "pass over those that refuse it or close it within 3 s: a local\n"
     "port that accepts says nothing about the tunnel behind it\n"
     "(default: off)"},
    {"probe-tls", "HOST:PORT", kOnce, kTimes, HostPortValue{&Config::probe_tls}, kReloads,
     "the same in place of --probe, and say hello in TLS there: only a\n"
     "TLS server's answer counts (its certificate is not checked, nor\n"
     "whether it likes the hello), so that an upstream fails that says\n"
     "yes to anything, or whose key is wrong (default: off)"},
    {"probe-interval", "TIME", kOnce, kTimes, DurationValue{&Config::probe_interval, {1s, 1h}},
     kReloads, "between two probes, {least} to {most} (default: {default})"},
    {"idle-timeout", "TIME", kOnce, kTimes,
     DurationValue{&Config::idle_timeout, {1s, kLongest, kOrOff}}, kReloads,
     "for a tunnel without traffic both ways, or a plain answer that\n"
     "stalls, {least} to {most}, or off (default: {default})"},
    {"stall-after", "TIME", kOnce, kTimes, DurationValue{&Config::stall_after, {1s, 1h, kOrOff}},
     kReloads,
     "log a tunnel or plain request, and who holds it up, in which bytes\n"
     "wait, or a request for its answer, and nothing moved for TIME,\n"
     "{least} to {most}, or off (default: {default})"},
    {"reset-stalled", "TIME[:RATE]", kOnce, kTimes,
     StallLimitValue{&Config::reset_stalled, {1s, 1h, kOrOff}}, kReloads,
     "end a tunnel in which less than RATE bytes a second (default:\n"
     "nothing at all) moved for TIME, after the first MiB, though its\n"
     "client takes all there is: so that the client resumes, through\n"
     "another upstream if there is one; and with it the tunnels through\n"
     "the same upstream that are silent; a connection kept idle after a\n"
     "transfer looks the same, so make TIME longer than clients keep\n"
     "those (Go: 90s); RATE as in 4096, 64k or 1M;\n"
     "TIME from {least} to {most}, or off (default: {default})"},
    {"half-open-timeout", "TIME", kOnce, kTimes,
     DurationValue{&Config::half_open_timeout, {1s, kLongest, kOrOff}}, kReloads,
     "for a tunnel of which one side has finished and the other sends\n"
     "nothing, {least} to {most}, or off (default: {default})"},
    {"max-lifetime", "TIME", kOnce, kTimes,
     DurationValue{&Config::max_lifetime, {1s, kLongest, kOrOff}}, kReloads,
     "for a tunnel in all, whatever moves in it, {least} to {most}, or off\n"
     "(default: {default})"},
    {"response-timeout", "TIME", kOnce, kTimes,
     DurationValue{&Config::response_timeout, {1s, kLongest, kOrOff}}, kReloads,
     "for the answer to a plain http:// request to begin, {least} to {most},\n"
     "or off (default: {default})"},
    {"keep-alive-timeout", "TIME", kOnce, kTimes,
     DurationValue{&Config::keep_alive_timeout, {1s, kLongest}}, kReloads,
     "for a client's next plain http:// request, {least} to {most}\n"
     "(default: 60s)"},
    {"drain-timeout", "TIME", kOnce, kTimes,
     OptionalDurationValue{&Config::drain_timeout, {0ms, kLongest, kOrOff}}, kReloads,
     "for tunnels to finish after SIGTERM, up to {most}; 0 cuts them at\n"
     "once, off waits for the last of them (default: {default})"},

    {"max-connections", "N", kOnce, kResources,
     CountValue<std::size_t>{&Config::max_connections, 1, 1'000'000}, kReloads,
     "clients at a time, {least} to {most} (default: {default})"},
    {"max-connections-per-client", "N", kOnce, kResources,
     CountValue<std::size_t>{&Config::max_connections_per_client, 1, 1'000'000, kOrOff}, kReloads,
     "of one client address at a time, {least} to {most}, or off\n"
     "(default: {default}); the IPv6 addresses of a /64 are one client, those\n"
     "of a unix socket are not counted; more get a 429"},
    {"max-connections-per-user", "N", kOnce, kResources,
     CountValue<std::size_t>{&Config::max_connections_per_user, 1, 1'000'000, kOrOff}, kReloads,
     "the same for one user, whatever the address, {least} to {most}, or\n"
     "off (default: {default})"},
    {"max-requests-per-second", "N", kOnce, kResources,
     CountValue<std::size_t>{&Config::max_requests_per_second, 1, 1'000'000, kOrOff}, kReloads,
     "of one client address, CONNECT or not, {least} to {most}, or off\n"
     "(default: {default}); as many may come at once; more get a 429"},
    {"max-accepts-per-second", "N", kOnce, kResources,
     CountValue<std::size_t>{&Config::max_accepts_per_second, 1, 1'000'000, kOrOff}, kReloads,
     "new connections in all, {least} to {most}, or off (default: {default});\n"
     "more wait for their turn and are not refused"},
    {"bandwidth", "RATE", kOnce, kResources, RateValue{&Config::bandwidth}, kReloads,
     "bytes a second in all, each way, as in 20M or 64k, or off\n"
     "(default: {default}): shared by the clients alike, however many\n"
     "connections they have"},
    {"bandwidth-per-client", "RATE", kOnce, kResources, RateValue{&Config::bandwidth_per_client},
     kReloads, "the same for one client address (default: {default})"},
    {"bandwidth-per-user", "RATE", kOnce, kResources, RateValue{&Config::bandwidth_per_user},
     kReloads, "the same for one user (default: {default})"},
    {"threads", "N", kOnce, kResources, CountValue<unsigned>{&Config::threads, 1, 256},
     differs<&Config::threads>, "workers, {least} to {most} (default: one for each usable core)"},

    {"no-sandbox", "", kOnce, kResources, SwitchValue{&Config::no_sandbox},
     differs<&Config::no_sandbox>,
     "keep every right: otherwise serve, once it has started, gives up\n"
     "what programs may gain (no_new_privs) and, by Landlock, every path\n"
     "but those that it needs; with --tunnel-command it keeps them, too"},

    {"log-level", "LEVEL", kOnce, kLogs, ChoiceValue<Log::Level>{&Config::log_level, kLogLevels},
     differs<&Config::log_level>,
     "debug, info, warning or error (default: {default}); debug tells of each\n"
     "attempt: by which route, through what, and where the time went"},
    {"log-format", "FORMAT", kOnce, kLogs,
     ChoiceValue<Log::Format>{&Config::log_format, kLogFormats}, differs<&Config::log_format>,
     "text or json (default: {default})"},
    {"trace-target", "PATTERN,...", kRepeatable, kLogs, OwnReader{}, kReloads,
     "log each step of the next sessions to these targets, which are\n"
     "written as in --route: look-ups, connections, what is said to\n"
     "upstreams, heads of requests and answers (what may be a secret is\n"
     "left out), and the end, whatever --log-level; see culvert status --trace"},
    {"trace-sessions", "N", kOnce, kLogs,
     CountValue<std::size_t>{&Config::trace_sessions, 1, kMostTracedSessions}, kReloads,
     "of how many, {least} to {most} (default: {default}); a reload counts anew"},
    {"access-log", "FILE", kOnce, kLogs, OutputFileValue{&Config::access_log},
     kinds_of_access_log_differ,
     "one line for each finished session: a file, - for standard\n"
     "output, journal for entries with fields in the systemd journal,\n"
     "or off (default: {default})"},

    {"config", "FILE", kOnce, kConfiguration, OwnReader{}, kReloads,
     "take flags from a TOML file, as in threads = 2 or listen =\n"
     "[\"127.0.0.1:3128\", \"[::1]:3128\"]; any FILE: %d/NAME is a credential"},
});

}  // namespace

std::span<const Flag> flags() { return kFlags; }

const Flag* find_flag(std::string_view name) {
  const auto found = std::find_if(kFlags.begin(), kFlags.end(),
                                  [&](const Flag& flag) { return flag.name == name; });
  return found == kFlags.end() ? nullptr : &*found;
}

std::string_view nearest_flag(std::string_view name) {
  std::vector<std::string_view> known = {"help", "version"};
  for (const Flag& flag : kFlags) known.push_back(flag.name);
  return nearest(name, known);
}

}  // namespace culvert
