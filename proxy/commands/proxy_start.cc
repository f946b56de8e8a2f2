#include "commands/proxy_start.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <string_view>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "base/journal_entry.h"
#include "base/random_number.h"
#include "base/redact.h"
#include "net/journal_socket.h"
#include "net/runtime_directory.h"

namespace culvert {
namespace {

/// Without them, libuv ends the process, or there is none for a client.
rlim_t least_files(const Config& config) {
  constexpr rlim_t kOfProcess = 16;
  constexpr rlim_t kOfWorker = 6;
  constexpr rlim_t kOfListener = 2;  // in each worker: its socket, and a spare one
  return kOfProcess + config.threads * (kOfWorker + kOfListener * config.listen.size());
}

}  // namespace

std::uint64_t raise_file_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return RLIM_INFINITY;
  limit.rlim_cur = limit.rlim_max;
  static_cast<void>(setrlimit(RLIMIT_NOFILE, &limit));
  return limit.rlim_cur;
}

std::string loop_limit_problem(std::string_view command) {
  constexpr std::uint64_t kLeast = 16;
  const std::uint64_t limit = raise_file_limit();
  if (limit >= kLeast) return {};
  return fmt::format("{}: the limit of open files is {}, and it takes {} (ulimit -n)", command,
                     limit, kLeast);
}

void ignore_signals_of_writing() {
  // splice() has no MSG_NOSIGNAL.
  std::signal(SIGPIPE, SIG_IGN);
  // A log that has grown to RLIMIT_FSIZE must not end the process.
  std::signal(SIGXFSZ, SIG_IGN);
}

std::string file_limit_problem(const Config& config) {
  const std::uint64_t files = raise_file_limit();
  if (files >= least_files(config)) return {};
  return fmt::format(
      "the limit of open files is {}: --threads {} with {} listener{} needs {} at least, and two "
      "more for each tunnel (ulimit -n, LimitNOFILE=)",
      files, config.threads, config.listen.size(), config.listen.size() == 1 ? "" : "s",
      least_files(config));
}

std::string file_limit_warning(const Config& config) {
  const rlim_t files = raise_file_limit();
  const rlim_t least = least_files(config);
  const rlim_t needed = least + 2 * config.max_connections;
  if (files >= needed) return {};
  return fmt::format(
      "the limit of open files is {}, which is enough for about {} tunnels at a time: "
      "--max-connections {} may need {} (ulimit -Hn, LimitNOFILE=)",
      files, (std::max(files, least) - least) / 2, config.max_connections, needed);
}

void leave_no_core() {
  rlimit core{};
  if (getrlimit(RLIMIT_CORE, &core) == 0) {
    core.rlim_cur = 0;
    static_cast<void>(setrlimit(RLIMIT_CORE, &core));
  }
  const int fd = open("/proc/self/coredump_filter", O_WRONLY | O_CLOEXEC);
  if (fd < 0) return;  // a system without cores, or without /proc
  constexpr std::string_view kElfHeaders = "0x10";
  static_cast<void>(!write(fd, kElfHeaders.data(), kElfHeaders.size()));
  close(fd);
}

std::string make_pseudonym() { return fmt::format("culvert-{:08x}", random_number()); }

AccessOutput open_journal(std::vector<std::string>& problems) {
  std::string why;
  auto journal = JournalSocket::open(kJournalSocket, why);
  if (!journal) {
    problems.push_back(fmt::format("--access-log {}: {}", kJournalAsLog, no_journal(why)));
    return {};
  }
  const int fd = journal->fd();
  return {fd, std::move(journal)};
}

AccessOutput open_access_log(const Config& config, ReadWhen when,
                             std::vector<std::string>& problems) {
  if (config.access_log == "-") return {STDOUT_FILENO, nullptr};
  if (config.access_log == "off") return {};
  if (config.access_log == kJournalAsLog) return open_journal(problems);
  const int no_wait = when == ReadWhen::serving ? O_NONBLOCK : 0;
  const int fd =
      open(config.access_log.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | no_wait, 0640);
  if (fd < 0) {
    problems.push_back("--access-log " + redact(config.access_log) + ": " +
                       (errno == ENXIO ? std::string("a pipe that nobody reads")
                                       : std::generic_category().message(errno)));
  } else if (no_wait != 0) {
    fcntl(fd, F_SETFL, O_APPEND);
  }
  return {fd, nullptr};
}

std::unique_ptr<RuntimeSocket> make_runtime_socket(Log& log) {
  auto made = RuntimeSocket::make(runtime_directory());
  if (made) return std::move(*made);
  log.write(Log::Level::debug, "culvert status will not find this process: " + made.error().text);
  return nullptr;
}

}  // namespace culvert
