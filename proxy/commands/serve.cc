#include "commands/serve.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <memory>
#include <random>
#include <system_error>
#include <utility>

#include "config/routing.h"
#include "server/server.h"

namespace culvert {
namespace {

/// As many descriptors as the system lets us have: two for each tunnel.
void raise_file_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  static_cast<void>(setrlimit(RLIMIT_NOFILE, &limit));
}

void say(const std::string& line) { fmt::print(stderr, "culvert: {}\n", line); }

/// Random, so that a chain of culverts is not taken for a loop.
std::string make_pseudonym() {
  std::random_device random;
  return fmt::format("culvert-{:08x}", random());
}

void log_start(Server& server, const Config& config) {
  Log& log = server.log();
  for (const std::string& url : server.listening()) {
    log.write(Log::Level::info, "listening on " + url);
  }
  for (const UpstreamConfig& upstream : config.upstreams) {
    log.write(Log::Level::info,
              "upstream " + (upstream.name == upstream.label ? "" : upstream.name + " = ") +
                  upstream.label + (upstream.via.empty() ? "" : " via " + upstream.via));
  }
  for (const std::string& warning : config.warnings) log.write(Log::Level::warning, warning);
  if (!config.upstream_given) {
    log.write(Log::Level::info,
              "no --upstream given: connecting directly, which does not get under any wall");
  }
  if (config.log_format == Log::Format::text && !server.listening().empty()) {
    const std::string& url = server.listening()[0];
    log.write(Log::Level::info,
              fmt::format("for a shell:     export http_proxy={0} https_proxy={0}", url));
    log.write(Log::Level::info,
              fmt::format("for a registry:  https_proxy={} registry serve config.yml", url));
    log.write(Log::Level::info,
              fmt::format("for dockerd, in a systemd drop-in under [Service]:  "
                          "Environment=HTTP_PROXY={0} HTTPS_PROXY={0} "
                          "NO_PROXY=localhost,127.0.0.1",
                          url));
  }
  log.flush();
}

}  // namespace

int serve(const Config& config) {
  // splice() knows no MSG_NOSIGNAL.
  std::signal(SIGPIPE, SIG_IGN);
  raise_file_limit();
  std::vector<std::shared_ptr<const TlsClientContext>> tls;
  bool usable = true;
  for (const UpstreamConfig& upstream : config.upstreams) {
    tls.push_back(nullptr);
    if (upstream.kind != UpstreamConfig::Kind::https) continue;
    auto made = TlsClientContext::make({upstream.ca, upstream.cert, upstream.key});
    if (made) {
      tls.back() = *made;
    } else {
      say("--upstream " + upstream.label + ": " + made.error().text);
      usable = false;
    }
  }
  int access_fd = config.access_log == "-" ? STDOUT_FILENO : -1;
  if (config.access_log != "-" && config.access_log != "off") {
    access_fd = open(config.access_log.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
    if (access_fd < 0) {
      say("--access-log " + config.access_log + ": " + std::generic_category().message(errno));
      usable = false;
    }
  }
  if (!usable) return 2;

  auto shared = std::make_unique<Shared>(config, AccessPolicy(config.allow_clients, config.open_proxy),
                                         make_router(config), std::move(tls), make_pseudonym(), access_fd);
  auto started = Server::start(std::move(shared));
  if (!started) {
    say(started.error().text);
    return 1;
  }
  Server& server = **started;
  log_start(server, config);
  server.run();
  server.log().write(Log::Level::info, "drained, leaving");
  server.log().flush();
  // A lookup that hangs in the resolver's thread would hold up the exit for as long as it likes.
  if (server.busy()) std::_Exit(0);
  return 0;
}

}  // namespace culvert
