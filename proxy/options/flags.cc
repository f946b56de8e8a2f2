#include "options/flags.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <numeric>
#include <vector>

#include <fmt/format.h>

namespace culvert {
namespace {

struct Group {
  std::string_view title;
  std::span<const Flag> flags;
};

constexpr bool kRepeatable = true;
constexpr bool kOnce = false;

constexpr auto kFlags = std::to_array<Flag>({
    {"listen", "ADDR:PORT", kRepeatable,
     "where clients connect; repeatable (default: 127.0.0.1:3128 and\n"
     "[::1]:3128)\n"
     "  PORT or localhost:PORT   both loopback addresses\n"
     "  :PORT                    every address of this host\n"
     "  unix:/PATH               a unix socket"},
    {"allow-client", "CIDR,...", kRepeatable,
     "clients that may use the proxy besides this host's own on\n"
     "loopback; repeatable; needed when others can reach --listen"},
    {"open-proxy", "", kOnce, "let any client that can connect use the proxy"},

    {"upstream", "[NAME=]URL", kRepeatable,
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
     "  via=NAME               the upstream through which this one is\n"
     "                         reached (any kind but direct)\n"
     "  ca=FILE cert=FILE key=FILE sni=NAME      (https)"},
    {"route", "PATTERN,...=NAME,...", kRepeatable,
     "targets that go through these upstreams, tried in their order;\n"
     "repeatable, the first that matches counts (default: every\n"
     "upstream that is not the via of another); NAME may be direct,\n"
     "and deny refuses\n"
     "  gcr.io               that host alone\n"
     "  .gcr.io or *.gcr.io  its subdomains\n"
     "  10.0.0.0/8           targets given as an address in the block\n"
     "  *                    every target\n"
     "  preset:gcr           hosts of a registry, best effort; also\n"
     "                       preset:k8s and preset:dockerhub\n"
     "each but a preset may end in :PORT"},
    {"no-proxy", "LIST", kRepeatable,
     "targets that go direct before any route is asked, read as Go\n"
     "programs read NO_PROXY; localhost and loopback are always in it"},

    {"tunnel-command", "COMMAND", kOnce,
     "a shell command that makes the tunnel, such as\n"
     "'ssh -N -D 127.0.0.1:1080 user@host': started, started again\n"
     "when it ends, and ended with culvert; what it says is logged"},

    {"header-timeout", "TIME", kOnce, "for a client's request head, 100ms to 1h (default: 10s)"},
    {"connect-timeout", "TIME", kOnce,
     "for the whole way to an answer, 100ms to 55s (default: 12s, as\n"
     "docker gives up after 15s)"},
    {"hold", "TIME", kOnce,
     "wait for upstreams that refuse the connection if they have been\n"
     "down for less than TIME, up to 55s: a tunnel may be starting; 0\n"
     "fails at once (default: 12s)"},
    {"hedge", "TIME", kOnce,
     "start the next upstream of a route beside one that has not\n"
     "connected within TIME, the first to connect serves; 1ms to 55s,\n"
     "or off (default: off)"},
    {"probe", "HOST:PORT", kOnce,
     "ask each upstream for a connection to HOST:PORT now and then, and\n"
     "pass over those that fail: a local port that accepts says nothing\n"
     "about the tunnel behind it (default: off)"},
    {"probe-interval", "TIME", kOnce, "between two probes, 1s to 1h (default: 15s)"},
    {"idle-timeout", "TIME", kOnce,
     "for a tunnel without traffic both ways, or a plain answer that\n"
     "stalls, 1s to 168h, or off (default: off)"},
    {"half-open-timeout", "TIME", kOnce,
     "for a tunnel of which one side has finished and the other sends\n"
     "nothing, 1s to 168h, or off (default: 5m)"},
    {"response-timeout", "TIME", kOnce,
     "for the answer to a plain http:// request to begin, 1s to 168h,\n"
     "or off (default: 5m)"},
    {"keep-alive-timeout", "TIME", kOnce,
     "for a client's next plain http:// request, 1s to 168h\n"
     "(default: 60s)"},
    {"drain-timeout", "TIME", kOnce,
     "for tunnels to finish after SIGTERM, up to 168h; 0 cuts them at\n"
     "once, off waits for the last of them (default: 30s)"},

    {"max-connections", "N", kOnce, "clients at a time, 1 to 1000000 (default: 4096)"},
    {"threads", "N", kOnce, "workers, 1 to 256 (default: one for each usable core)"},

    {"config", "FILE", kOnce,
     "take flags from a TOML file, as in threads = 2 or\n"
     "listen = [\"127.0.0.1:3128\", \"[::1]:3128\"]"},

    {"log-level", "LEVEL", kOnce,
     "debug, info, warning or error (default: info); debug tells of each\n"
     "attempt: by which route, through what, and where the time went"},
    {"log-format", "FORMAT", kOnce, "text or json (default: text)"},
    {"access-log", "FILE", kOnce,
     "one line for each finished session: a file, - for standard\n"
     "output, or off (default: -)"},
});

/// The flags from `first` up to, but without, `end`.
constexpr std::span<const Flag> between(std::string_view first, std::string_view end) {
  const auto index = [](std::string_view name) {
    std::size_t i = 0;
    while (i < kFlags.size() && kFlags[i].name != name) ++i;
    return i;
  };
  return std::span(kFlags).subspan(index(first), index(end) - index(first));
}

constexpr auto kGroups = std::to_array<Group>({
    {"Clients", between("listen", "upstream")},
    {"Upstreams", between("upstream", "header-timeout")},
    {"Time limits (500ms, 12s, 5m, 1h; a bare number is seconds)",
     between("header-timeout", "max-connections")},
    {"Resources", between("max-connections", "config")},
    {"Logs", between("log-level", "")},
    {"Configuration", between("config", "log-level")},
});

constexpr std::string_view kExamples = R"(
Examples
  Docker and others through an SSH tunnel:
    ssh -N -D 127.0.0.1:1080 user@host &
    culvert --upstream socks5://127.0.0.1:1080
    https_proxy=http://127.0.0.1:3128 curl https://gcr.io/v2/

  Containers, too, with a second way out for when the first is down:
    culvert --listen 127.0.0.1:3128 --listen 172.17.0.1:3128 \
            --allow-client 172.17.0.0/16 \
            --upstream tunnel=socks5://127.0.0.1:1080 \
            --upstream office=http://proxy.example:3128
)";

constexpr std::size_t kColumn = 28;  // where the text of an entry begins

void append_entry(std::string& text, std::string_view left, std::string_view help) {
  text += fmt::format("  {:<{}}", left, kColumn - 2);
  // A name that leaves no gap before the column has its help on the next line.
  if (left.size() + 4 > kColumn) text += fmt::format("\n{:{}}", "", kColumn);
  while (true) {
    const std::size_t end = help.find('\n');
    text += help.substr(0, end);
    text += '\n';
    if (end == std::string_view::npos) return;
    help.remove_prefix(end + 1);
    text += std::string(kColumn, ' ');
  }
}

/// Levenshtein's distance.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t substituted = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({substituted, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row[b.size()];
}

}  // namespace

std::span<const Flag> flags() { return kFlags; }

const Flag* find_flag(std::string_view name) {
  const auto found = std::find_if(kFlags.begin(), kFlags.end(),
                                  [&](const Flag& flag) { return flag.name == name; });
  return found == kFlags.end() ? nullptr : &*found;
}

std::string_view nearest_flag(std::string_view name) {
  std::string_view nearest;
  // A third of the letters may be wrong; beyond that a guess would only confuse.
  std::size_t least = name.size() / 3 + 1;
  for (const std::string_view known : {"help", "version"}) {
    if (const std::size_t d = distance(name, known); d < least) least = d, nearest = known;
  }
  for (const Flag& flag : kFlags) {
    if (const std::size_t d = distance(name, flag.name); d < least) least = d, nearest = flag.name;
  }
  return nearest;
}

std::string help_text() {
  std::string text =
      "culvert - an HTTP proxy that leaves through SOCKS, HTTP or HTTPS proxies\n"
      "\n"
      "Usage: culvert [serve] [options]\n"
      "       culvert check --route URL... [options]   say which route URL takes, and why\n";
  for (const Group& group : kGroups) {
    text += fmt::format("\n{}\n", group.title);
    for (const Flag& flag : group.flags) {
      append_entry(text, fmt::format("--{} {}", flag.name, flag.value), flag.help);
    }
  }
  append_entry(text, "--help, -h", "print this text");
  append_entry(text, "--version", "print the version");
  text +=
      "\n"
      "  Each flag may also come from the environment, as CULVERT_CONNECT_TIMEOUT=5s; a "
      "repeatable\n"
      "  one takes its values separated by white space. Flags win over variables, variables over\n"
      "  the file.\n";
  text += kExamples;
  return text;
}

}  // namespace culvert
