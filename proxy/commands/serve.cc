#include "commands/serve.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <memory>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>

#include <fmt/format.h>

#include "admin/admin_server.h"
#include "commands/client_hints.h"
#include "commands/needed_paths.h"
#include "commands/proxy_start.h"
#include "commands/standard_streams.h"
#include "config/bound_listeners.h"
#include "config/listen_url.h"
#include "net/orphans.h"
#include "net/runtime_directory.h"
#include "net/sandbox.h"
#include "net/signals.h"
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
std::unique_ptr<Ruleset> read_ruleset_in_place(const std::function<CommandLine()>& read_again,
                                               const Config& started, int access_fd,
                                               std::vector<std::string>& problems) {
  CommandLine line = read_again();
  if (auto* found = std::get_if<Problems>(&line)) {
    problems = std::move(found->lines);
    find_certificate_problems(found->upstreams, found->listen, problems);
    return nullptr;
  }
  Config& config = std::get<Config>(line);
  for (const std::string_view flag : changed_until_restart(started, config)) {
    config.warnings.push_back(fmt::format("--{} has changed, which needs a restart", flag));
  }
  config.listen = bound_listeners(started.listen, config.listen);
  config.admin = bound_listeners(started.admin, config.admin);
  std::unique_ptr<Ruleset> ruleset = make_ruleset(config, problems);
  if (is_access_log_file(started.access_log) && is_access_log_file(config.access_log)) {
    const int fd = open_access_log(config, ReadWhen::serving, problems).fd;
    if (fd >= 0 && problems.empty()) dup3(fd, access_fd, O_CLOEXEC);
    if (fd >= 0) close(fd);
  }
  return problems.empty() ? std::move(ruleset) : nullptr;
}

/// The same, with a word about what the sandbox forbids.
std::unique_ptr<Ruleset> read_ruleset_again(const std::function<CommandLine()>& read_again,
                                            const Config& started, int access_fd,
                                            const SandboxState& sandbox,
                                            std::vector<std::string>& problems) {
  auto ruleset = read_ruleset_in_place(read_again, started, access_fd, problems);
  const std::string denied = std::generic_category().message(EACCES);
  const auto is_denied = [&](const std::string& problem) {
    return problem.find(denied) != std::string::npos;
  };
  if (sandbox.landlock > 0 && std::any_of(problems.begin(), problems.end(), is_denied)) {
    problems.emplace_back(
        "since its start culvert can reach only the folders of the files that were named then "
        "(sandbox): others take SIGUSR2, a restart, or --no-sandbox");
  }
  return ruleset;
}

/// Gives up what is not needed any more.  A tunnel command may need everything, whenever it is
/// started again.
SandboxState give_up_rights(const Config& config, Log& log) {
  const bool has_command = !config.tunnel_command.empty();
  if (config.no_sandbox || has_command) {
    log.write(Log::Level::debug, fmt::format("sandbox: none, because of --{}",
                                             has_command ? "tunnel-command" : "no-sandbox"));
    return {};
  }
  const auto [grants, alone] = needed_paths(config);
  SandboxState state = enter_sandbox(grants);
  log.write(Log::Level::debug,
            fmt::format("sandbox: {}{}", state.no_new_privs ? "no_new_privs, " : "",
                        state.landlock > 0 ? fmt::format("Landlock (version {}), {}",
                                                         state.landlock, paths_text(grants))
                                           : state.why_not));
  if (state.landlock > 0 && !alone.empty()) log.write(Log::Level::info, alone_text(alone));
  return state;
}

/// Before anything is bound: with the sockets that were passed, and the addresses to bind.
void find_loops_at_start(Ruleset& ruleset, const Listeners& listeners,
                         std::vector<std::string>& problems) {
  ruleset.listeners = listeners.addresses();
  for (const ListenConfig& listen : ruleset.config.listen) {
    const bool known = listen.kind == ListenConfig::Kind::http && listen.address.port != 0;
    if (known) ruleset.listeners.push_back(listen.address);
  }
  find_loops(ruleset, problems);
}

/// Where clients are to connect; empty: nowhere that a proxy variable can name.
std::string url_for_hints(const Server& server) {
  const auto& urls = server.listeners().urls();
  for (const std::string_view scheme : {kHttpScheme, kHttpsScheme}) {
    for (std::size_t i = 0; i < urls.size(); ++i) {
      if (!urls[i].starts_with(scheme)) continue;
      const auto& tls = server.ruleset().tls_listeners[server.listeners().listen_of_urls()[i]];
      std::string url = local_url(urls[i]);
      return scheme == kHttpsScheme && tls ? verifiable_url(url, tls->default_certificate()) : url;
    }
  }
  return {};
}

/// How to configure clients.
void log_hints(Server& server) {
  if (server.listeners().urls().empty()) return;
  const bool sign_in = !server.ruleset().config.auth_file.empty();
  for (const std::string& line : client_hints(url_for_hints(server), sign_in, find_registry())) {
    server.log().write(Log::Level::info, line);
  }
}

/// What --take-over has brought.
struct TakeOver {
  std::unique_ptr<TakeOverPlace> place;  ///< for the next one
  std::string news;                      ///< a line for the log; empty: none
};

/// Asks a running culvert for the sockets that this one lacks, which then are `inheritance`'s.
/// False: there are none, or a problem.
bool ask_for_sockets(const Config& config, Inheritance& inheritance, TakeOver& out,
                     std::vector<std::string>& problems) {
  std::vector<std::string> wanted;
  for (const ListenConfig& listen : config.admin) wanted.push_back(listen.to_string());
  for (const ListenConfig& listen : config.listen) {
    const bool got = listen.kind == ListenConfig::Kind::systemd && !inheritance.sockets.empty();
    if (!got) wanted.push_back(listen.to_string());
  }
  auto taken = take_over(runtime_directory(), wanted);
  if (!taken) problems.push_back(taken.error().text);
  if (!taken || !*taken) return false;
  out.news = fmt::format("--take-over: took {} listening sockets over from process {}",
                         (*taken)->sockets.size(), (*taken)->pid);
  inheritance.control = (*taken)->control;
  for (PassedSocket& socket : (*taken)->sockets) inheritance.sockets.push_back(std::move(socket));
  return true;
}

/// Asks unless one has started us (SIGUSR2).  Only if all else is well: until we serve nobody shall
/// notice anything.
TakeOver prepare_take_over(const Config& config, Inheritance& inheritance,
                           std::vector<std::string>& problems) {
  TakeOver out;
  if (!config.take_over || !problems.empty()) return out;
  auto place = TakeOverPlace::make(runtime_directory());
  if (!place) {
    problems.push_back(place.error().text);
    return out;
  }
  out.place = std::move(*place);
  if (inheritance.control >= 0) return out;
  if (!ask_for_sockets(config, inheritance, out, problems) && problems.empty()) {
    out.news =
        "--take-over: no culvert that can be taken over listens there, so this one just starts";
  }
  return out;
}

/// Binds what is left.  Of culverts that are started at the same time one is the first to bind; the
/// others find its addresses in use, and take over from it as soon as it serves.
/// Once they are bound clients may connect, so `held` holds what would end this process.
void bind_listeners(const Config& config, Inheritance& inheritance, TakeOver& take,
                    Listeners& listeners, std::optional<HeldSignals>& held,
                    std::vector<std::string>& problems) {
  constexpr std::chrono::milliseconds kPatience{2000};
  constexpr std::chrono::milliseconds kBetweenTries{50};
  const auto end = std::chrono::steady_clock::now() + kPatience;
  const bool may_ask = config.take_over && inheritance.control < 0;
  for (;;) {
    problems.clear();
    held.emplace(HeldSignals::Which::those_that_end);
    listeners.bind(config, problems);
    if (!listeners.address_in_use() || !may_ask || std::chrono::steady_clock::now() > end) return;
    held.reset();
    Inheritance got;
    std::vector<std::string> refusals;
    if (ask_for_sockets(config, got, take, refusals)) {
      inheritance.control = got.control;
      listeners.take_more(config, got.sockets);
      problems.clear();
      held.emplace(HeldSignals::Which::those_that_end);
      return listeners.bind(config, problems);
    }
    if (!refusals.empty()) {
      problems = std::move(refusals);
      return;
    }
    std::this_thread::sleep_for(kBetweenTries);
  }
}

void log_start(Server& server, const Config& config, const ServiceNotice& notice,
               const std::string& news) {
  Log& log = server.log();
  if (!news.empty()) log.write(Log::Level::info, news);
  const Listeners& listeners = server.listeners();
  for (const std::string& url : listeners.urls()) {
    log.write(Log::Level::info, "listening on " + url);
  }
  for (const std::string& url : listeners.admin_urls()) {
    log.write(Log::Level::info, "status page on " + url + (url.starts_with("unix:") ? "" : "/"));
  }
  for (const std::string& warning : listeners.warnings()) {
    log.write(Log::Level::warning, warning);
  }
  for (const UpstreamConfig& upstream : server.ruleset().config.upstreams) {
    log.write(Log::Level::info,
              "upstream " +
                  (upstream.label.starts_with(upstream.name) ? "" : upstream.name + " = ") +
                  upstream.label + (upstream.via.empty() ? "" : " via " + upstream.via) +
                  (upstream.weight == 1 ? "" : fmt::format(", weight {}", upstream.weight)));
  }
  for (const std::string& warning : server.ruleset().config.warnings) {
    log.write(Log::Level::warning, warning);
  }
  for (const std::string& warning : {notice.problem(), file_limit_warning(config)}) {
    if (!warning.empty()) log.write(Log::Level::warning, warning);
  }
  if (!config.upstream_given) {
    const std::string why =
        config.file.empty() ? "no --upstream given" : "no upstream in " + config.file;
    log.write(Log::Level::info, why + ": connecting directly, which does not get under any wall");
    if (!config.file.empty()) {
      log.write(Log::Level::info,
                R"(to leave through a tunnel, write upstream = ["socks5://127.0.0.1:1080"] or the )"
                "like there, and reload");
    }
  }
  if (config.log_format == Log::Format::text) log_hints(server);
  log.flush();
}

/// nullptr if no other process can follow this one, or none is to be had.
std::unique_ptr<Launcher> fork_launcher(const Invocation& invocation, const ServiceNotice& notice) {
  const std::string objection =
      objection_to_handover(ProcessPlace::ours(), std::getenv("SYSTEMD_EXEC_PID"), notice.wanted());
  if (!objection.empty()) return nullptr;
  auto launcher = Launcher::fork(invocation);
  return launcher ? std::move(*launcher) : nullptr;
}

int failed(const std::vector<std::string>& problems, int status) {
  for (const std::string& problem : problems) complain(problem);
  return status;
}

}  // namespace

int serve(const Config& config, const std::function<CommandLine()>& read_again,
          Inheritance inheritance, const Invocation& invocation) {
  leave_no_core();
  ignore_signals_of_writing();
  if (const std::string problem = file_limit_problem(config); !problem.empty()) {
    complain(problem);
    return 1;
  }
  const ServiceNotice notice = ServiceNotice::of_environment();
  // With as many descriptors as we have: it passes our sockets on.
  const std::unique_ptr<Launcher> launcher = fork_launcher(invocation, notice);
  ServiceNotice::clean_environment();
  std::vector<std::string> problems;
  std::unique_ptr<Ruleset> ruleset = make_ruleset(config, problems);
  AccessOutput access = open_access_log(config, ReadWhen::starting, problems);
  const int access_fd = access.fd;
  const bool usable = problems.empty();
  TakeOver take = prepare_take_over(config, inheritance, problems);
  if (usable && !problems.empty()) return failed(problems, 1);
  Listeners listeners(config.threads);
  listeners.take(config, inheritance, problems);
  if (ruleset) find_loops_at_start(*ruleset, listeners, problems);
  if (!problems.empty()) return failed(problems, 2);
  std::optional<HeldSignals> held;
  bind_listeners(config, inheritance, take, listeners, held, problems);
  if (!problems.empty()) return failed(problems, 1);
  Predecessor predecessor(inheritance.control);
  SandboxState sandbox;
  const auto reload = [&](std::vector<std::string>& found) {
    return read_ruleset_again(read_again, config, access_fd, sandbox, found);
  };
  const auto started = Server::start(
      std::move(ruleset), std::make_unique<Shared>(make_pseudonym(), std::move(access)), reload,
      std::move(listeners), {launcher.get(), &notice}, problems);
  if (!started) return failed(problems, 1);
  Server& server = *started;
  AdminServer admin(server, make_runtime_socket(server.log()));
  sandbox = give_up_rights(config, server.log());
  {
    const ServeSignals signals(server);
    const Orphans orphans(server.loop(),
                          launcher ? std::vector{launcher->pid()} : std::vector<int>{});
    server.set_take_over_place(std::move(take.place));
    const auto begun = [&] {
      admin.begin();
      log_start(server, config, notice, take.news);
    };
    if (const std::string why = server.run(predecessor, begun); !why.empty()) {
      complain(why);
      return 1;
    }
    admin.end();
  }
  server.loop().turn(0);  // in which libuv lets go of their watchers
  server.log().write(Log::Level::info,
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
  return 0;
}

}  // namespace culvert
