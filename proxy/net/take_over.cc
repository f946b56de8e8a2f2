#include "net/take_over.h"

#include <dirent.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <ctime>
#include <memory>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "base/text.h"
#include "net/descriptor_message.h"
#include "net/runtime_directory.h"
#include "net/socket_address.h"
#include "net/unix_peer.h"

namespace culvert {
namespace {

constexpr std::chrono::milliseconds kBetweenTries{20};
constexpr int kTries = 50;

/// The connection to one running culvert.
class Asking {
 public:
  enum class Connected { yes, refused, no };

  Asking(const std::string& path, std::chrono::milliseconds patience) : patience_(patience) {
    const auto address = SocketAddress::of_path(path);
    if (!address) return;
    fd_ = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const timeval limit{patience.count() / 1000, patience.count() % 1000 * 1000};
    setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    if (connect(fd_, address->get(), address->size) == 0) {
      const auto peer = trusted_peer(fd_);
      connected_ = peer ? Connected::yes : Connected::no;
      if (peer) pid_ = peer->pid;
    } else if (errno == ECONNREFUSED) {
      connected_ = Connected::refused;
    }
  }
  ~Asking() {
    if (fd_ >= 0) close(fd_);
  }
  Asking(const Asking&) = delete;
  Asking& operator=(const Asking&) = delete;

  Connected connected() const { return connected_; }

  Result<std::optional<TakenOver>> ask(const std::vector<std::string>& wanted) {
    HandoverVariable request{getpid(), 0, {}};
    for (const std::string& one : wanted) request.sockets.push_back({0, one});
    MessageReader reader;
    if (!send_message(fd_, request.to_string()) || !read_answer(reader)) {
      // It has ended meanwhile.
      if (errno == ECONNRESET || errno == EPIPE) return std::optional<TakenOver>();
      return failure("does not answer - is it stopped?");
    }
    if (reader.text() == "-") return std::optional<TakenOver>();
    if (reader.text().starts_with('-')) {
      return failure("does not hand over: " + printable(reader.text().substr(1), 300));
    }
    return take_sockets(reader);
  }

 private:
  /// False, and errno: there is none.
  bool read_answer(MessageReader& reader) {
    const auto until = std::chrono::steady_clock::now() + patience_;
    while (std::chrono::steady_clock::now() < until) {
      errno = 0;
      const MessageReader::State state = reader.read_from(fd_);
      if (state == MessageReader::State::complete) return true;
      if (state == MessageReader::State::gone) return false;
    }
    errno = ETIMEDOUT;
    return false;
  }

  Result<std::optional<TakenOver>> take_sockets(MessageReader& reader) {
    auto description = HandoverVariable::parse(reader.text());
    std::vector<int> descriptors = reader.take_descriptors();
    const auto has_place = [&](const PassedSocket& socket) {
      return static_cast<std::size_t>(socket.fd) < descriptors.size() &&
             descriptors[static_cast<std::size_t>(socket.fd)] >= 0;
    };
    TakenOver out{pid_, -1, {}};
    for (PassedSocket& socket : description ? description->sockets : out.sockets) {
      if (!has_place(socket)) continue;
      socket.fd = std::exchange(descriptors[static_cast<std::size_t>(socket.fd)], -1);
      out.sockets.push_back(socket);
    }
    for (const int fd : descriptors) {
      if (fd >= 0) close(fd);
    }
    if (out.sockets.empty()) return failure("gives an answer that is none");
    const timeval forever{};
    setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &forever, sizeof forever);
    setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &forever, sizeof forever);
    out.control = std::exchange(fd_, -1);
    return std::optional<TakenOver>(std::move(out));
  }

  Error failure(const std::string& what) const {
    return {Errc::proxy_internal_error, Side::local, 0,
            fmt::format("--take-over: the running culvert (process {}) {}", pid_, what)};
  }

  std::chrono::milliseconds patience_;
  int fd_ = -1;
  int pid_ = 0;
  Connected connected_ = Connected::no;
};

/// The names in `directory` that begin with `prefix`, in order.
std::vector<std::string> socket_names(const std::string& directory, const std::string& prefix) {
  std::vector<std::string> out;
  const std::unique_ptr<DIR, int (*)(DIR*)> open(opendir(directory.c_str()), closedir);
  if (!open) return out;
  while (const dirent* const entry = readdir(open.get())) {
    if (std::string_view(entry->d_name).starts_with(prefix)) out.emplace_back(entry->d_name);
  }
  std::sort(out.begin(), out.end());
  return out;
}

constexpr std::int64_t kNsPerSecond = 1'000'000'000;

/// When a socket was made, in ns, and its name, which decides between those of one moment.
using SocketAge = std::pair<std::int64_t, std::string>;

std::optional<SocketAge> age_of(const std::string& path, const std::string& name) {
  struct stat file {};
  if (stat(path.c_str(), &file) != 0) return std::nullopt;
  return SocketAge{file.st_mtim.tv_sec * kNsPerSecond + file.st_mtim.tv_nsec, name};
}

enum class Closed { nobodys_business, starting, left };

/// A socket at which nobody listens: of one that is just starting, or left by one that was killed.
/// A process that cannot be seen may be one of a container.
Closed closed_socket(const SocketAge& age, int pid) {
  constexpr std::int64_t kFreshNs = 60 * kNsPerSecond;
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  const bool fresh = now.tv_sec * kNsPerSecond - age.first < kFreshNs;
  return pid > 0 && fresh && (kill(pid, 0) == 0 || errno == EPERM) ? Closed::starting
         : fresh                                                   ? Closed::nobodys_business
                                                                   : Closed::left;
}

int pid_in(std::string_view name, std::string_view prefix) {
  name.remove_prefix(prefix.size());
  return parse_number<int>(name.substr(0, name.find('-'))).value_or(0);
}

}  // namespace

Result<std::optional<TakenOver>> take_over(const std::string& directory,
                                           const std::vector<std::string>& wanted,
                                           std::chrono::milliseconds patience) {
  if (auto ready = prepare_runtime_directory(directory); !ready) {
    Error error = std::move(ready).error();
    error.text.insert(0, "--take-over: ");
    return error;
  }
  const std::string prefix = network_prefix();
  for (int tries = kTries; tries > 0; --tries) {
    const std::vector<std::string> names = socket_names(directory, prefix);
    std::optional<SocketAge> ours;
    for (const std::string& name : names) {
      if (pid_in(name, prefix) != getpid()) continue;
      ours = age_of(fmt::format("{}/{}", directory, name), name);
    }
    bool older_starts = false;
    for (const std::string& name : names) {
      const std::string path = fmt::format("{}/{}", directory, name);
      Asking asking(path, patience);
      const auto age = age_of(path, name);
      if (asking.connected() == Asking::Connected::refused && age && age != ours) {
        const Closed closed = closed_socket(*age, pid_in(name, prefix));
        // Of several that start at the same time the oldest waits for nobody.
        older_starts = older_starts || (closed == Closed::starting && (!ours || *age < *ours));
        if (closed == Closed::left) unlink(path.c_str());
      }
      if (asking.connected() != Asking::Connected::yes) continue;
      auto answer = asking.ask(wanted);
      if (!answer || *answer) return answer;
    }
    if (!older_starts) break;
    poll(nullptr, 0, static_cast<int>(kBetweenTries.count()));
  }
  return std::optional<TakenOver>();
}

}  // namespace culvert
