#include "commands/serve.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "commands/proxy_start.h"
#include "commands/standard_streams.h"
#include "config/bound_listeners.h"
#include "net/orphans.h"
#include "net/take_over.h"
#include "net/take_over_place.h"
#include "options/read_file.h"
#include "options/restart.h"
#include "server/serve_signals.h"
#include "server/server.h"

namespace culvert {
namespace {

/// For a reload.  The access log's file is opened anew under the descriptor that the workers have,
/// so that it can be rotated.  What takes a restart is a warning.
std::unique_ptr<Ruleset> read_ruleset_again(const std::function<CommandLine()>& read_again,
                                            const Config& started, int access_fd,
                                            std::vector<std::string>& problems) {
  CommandLine line = read_again();
  if (auto* found = std::get_if<Problems>(&line)) {
    problems = std::move(found->lines);
    make_tls_contexts(found->upstreams, problems);
    return nullptr;
  }
  Config& config = std::get<Config>(line);
  for (const std::string_view flag : changed_until_restart(started, config)) {
    config.warnings.push_back(fmt::format("--{} has changed, which needs a restart", flag));
  }
  config.listen = bound_listeners(started.listen, config.listen);
  std::unique_ptr<Ruleset> ruleset = make_ruleset(config, problems);
  if (access_fd > STDERR_FILENO && is_access_log_file(config.access_log)) {
    const int fd = open_access_log(config, ReadWhen::serving, problems);
    if (fd >= 0 && problems.empty()) dup3(fd, access_fd, O_CLOEXEC);
    if (fd >= 0) close(fd);
  }
  return problems.empty() ? std::move(ruleset) : nullptr;
}

/// How to configure clients.  Proxy variables take no unix socket.
void log_hints(Log& log, const std::vector<std::string>& listening) {
  const auto is_http = [](const std::string& url) { return url.starts_with("http://"); };
  const auto found = std::find_if(listening.begin(), listening.end(), is_http);
  if (found == listening.end()) {
    if (listening.empty()) return;
    return log.write(Log::Level::info,
                     "http_proxy and https_proxy cannot name a unix socket: give another --listen, "
                     "as in 127.0.0.1:3128, for clients that go by them");
  }
  const std::string& url = *found;
  log.write(Log::Level::info,
            fmt::format("for a shell:     export http_proxy={0} https_proxy={0}", url));
  log.write(Log::Level::info,
            fmt::format("for a registry:  https_proxy={} registry serve config.yml", url));
  log.write(Log::Level::info, fmt::format("for dockerd, in a systemd drop-in under [Service]:  "
                                          "Environment=HTTP_PROXY={0} HTTPS_PROXY={0} "
                                          "NO_PROXY=localhost,127.0.0.1",
                                          url));
}

/// What --take-over has brought.
struct TakeOver {
  std::unique_ptr<TakeOverPlace> place;  ///< for the next one
  std::string news;                      ///< a line for the log; empty: none
};

/// Asks a running culvert for its sockets, unless one has started us (SIGUSR2).  Only if all else
/// is well: until we serve nobody shall notice anything.
TakeOver prepare_take_over(const Config& config, Inheritance& inheritance,
                           std::vector<std::string>& problems) {
  TakeOver out;
  if (!config.take_over || !problems.empty()) return out;
  const std::string directory = take_over_directory();
  auto place = TakeOverPlace::make(directory);
  if (!place) {
    problems.push_back(place.error().text);
    return out;
  }
  out.place = std::move(*place);
  if (inheritance.control >= 0) return out;
  std::vector<std::string> wanted;
  for (const ListenConfig& listen : config.listen) {
    const bool got = listen.kind == ListenConfig::Kind::systemd && !inheritance.sockets.empty();
    if (!got) wanted.push_back(listen.to_string());
  }
  auto taken = take_over(directory, wanted);
  if (!taken) {
    problems.push_back(taken.error().text);
  } else if (!*taken) {
    out.news =
        "--take-over: no culvert that can be taken over listens there, so this one just starts";
  } else {
    out.news = fmt::format("--take-over: took {} listening sockets over from process {}",
                           (*taken)->sockets.size(), (*taken)->pid);
    inheritance.control = (*taken)->control;
    for (PassedSocket& socket : (*taken)->sockets) inheritance.sockets.push_back(std::move(socket));
  }
  return out;
}

void log_start(Server& server, const Config& config, const std::string& news) {
  Log& log = server.log();
  if (!news.empty()) log.write(Log::Level::info, news);
  const Listeners& listeners = server.listeners();
  for (const std::string& url : listeners.urls()) {
    log.write(Log::Level::info, "listening on " + url);
  }
  for (const std::string& warning : listeners.warnings()) {
    log.write(Log::Level::warning, warning);
  }
  for (const UpstreamConfig& upstream : config.upstreams) {
    log.write(Log::Level::info,
              "upstream " +
                  (upstream.label.starts_with(upstream.name) ? "" : upstream.name + " = ") +
                  upstream.label + (upstream.via.empty() ? "" : " via " + upstream.via));
  }
  for (const std::string& warning : config.warnings) log.write(Log::Level::warning, warning);
  if (!config.upstream_given) {
    log.write(Log::Level::info,
              "no --upstream given: connecting directly, which does not get under any wall");
  }
  if (config.log_format == Log::Format::text) log_hints(log, listeners.urls());
  log.flush();
}

int failed(const std::vector<std::string>& problems, int status) {
  for (const std::string& problem : problems) complain(problem);
  return status;
}

}  // namespace

int serve(const Config& config, const std::function<CommandLine()>& read_again,
          Inheritance inheritance, Invocation invocation) {
  leave_no_core();
  if (const std::string problem = prepare_process(config); !problem.empty()) {
    complain(problem);
    return 1;
  }
  std::vector<std::string> problems;
  std::unique_ptr<Ruleset> ruleset = make_ruleset(config, problems);
  const int access_fd = open_access_log(config, ReadWhen::starting, problems);
  const bool usable = problems.empty();
  TakeOver take = prepare_take_over(config, inheritance, problems);
  Predecessor predecessor(inheritance.control);
  if (usable && !problems.empty()) return failed(problems, 1);
  Listeners listeners(config.threads);
  listeners.take(config, inheritance, problems);
  if (!problems.empty()) return failed(problems, 2);
  const auto reload = [&](std::vector<std::string>& found) {
    return read_ruleset_again(read_again, config, access_fd, found);
  };
  try {
    const auto started =
        Server::start(std::move(ruleset), std::make_unique<Shared>(make_pseudonym(), access_fd),
                      reload, std::move(listeners), std::move(invocation), problems);
    if (!started) return failed(problems, 1);
    Server& server = *started;
    {
      const ServeSignals signals(server);
      const Orphans orphans(server.loop(), {});
      server.set_take_over_place(std::move(take.place));
      if (!server.run(predecessor, [&] { log_start(server, config, take.news); })) {
        complain("the running culvert goes on serving: " + predecessor.given_up());
        return 1;
      }
    }
    server.loop().turn(0);  // in which libuv lets go of their watchers
    server.log().write(
        Log::Level::info,
        fmt::format("drained, leaving; local lookups: {} of targets, {} of upstreams",
                    server.target_lookups(), server.upstream_lookups()));
    if (const Stats stats = server.stats(); stats.requests() > 0) {
      server.log().write(Log::Level::info, stats.summary());
    }
    if (const std::uint64_t lost = server.lost_access_lines(); lost > 0) {
      server.log().write(Log::Level::warning, Log::loss_report(lost, "access log"));
    }
    server.log().flush();
    // A look-up that hangs in its thread must not meet what ends with the process.
    if (server.busy()) std::_Exit(0);
  } catch (const std::system_error& error) {
    complain(start_failure(config, error.code().message()));
    return 1;
  }
  return 0;
}

}  // namespace culvert
