#include "net/runtime_socket.h"

#include <dirent.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <optional>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "base/random_number.h"
#include "base/text.h"
#include "net/runtime_directory.h"
#include "net/socket_address.h"
#include "net/unix_peer.h"

namespace culvert {
namespace {

constexpr std::string_view kStatusPrefix = "status-";
constexpr std::string_view kStatusSuffix = ".sock";
constexpr int kStatusBacklog = 16;

bool is_status_name(std::string_view name) {
  return name.starts_with(kStatusPrefix) && name.ends_with(kStatusSuffix);
}

/// One that is tried, to see who listens.
class Attempt {
 public:
  enum class Outcome : std::uint8_t { listening, left, forbidden, none };

  explicit Attempt(const std::string& path) {
    const auto address = SocketAddress::of_path(path);
    if (!address) return;
    fd_ = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd_ < 0) return;
    // With EAGAIN its queue is full.
    if (connect(fd_, address->get(), address->size) == 0 || errno == EAGAIN) {
      outcome_ = Outcome::listening;
    } else if (errno == ECONNREFUSED) {
      outcome_ = Outcome::left;
    } else if (errno == EACCES || errno == EPERM) {
      outcome_ = Outcome::forbidden;
    }
  }
  ~Attempt() {
    if (fd_ >= 0) close(fd_);
  }
  Attempt(const Attempt&) = delete;
  Attempt& operator=(const Attempt&) = delete;

  Outcome outcome() const { return outcome_; }
  std::optional<UnixPeer> peer() const { return unix_peer(fd_); }

 private:
  int fd_ = -1;
  Outcome outcome_ = Outcome::none;
};

std::vector<std::string> status_names(const std::string& directory) {
  std::vector<std::string> out;
  const std::unique_ptr<DIR, int (*)(DIR*)> open(opendir(directory.c_str()), closedir);
  while (const dirent* const entry = open ? readdir(open.get()) : nullptr) {
    if (is_status_name(entry->d_name)) out.emplace_back(entry->d_name);
  }
  return out;
}

/// Nobody has it any more.  Asked for by a socket of another type, which no connection can come of
/// (EPROTOTYPE), so that whoever listens is not woken.
bool is_left(const std::string& path) {
  const auto address = SocketAddress::of_path(path);
  if (!address) return false;
  const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return false;
  const bool left = connect(fd, address->get(), address->size) != 0 && errno == ECONNREFUSED;
  close(fd);
  return left;
}

/// Nobody but us makes one that refuses: it gets its name when somebody listens already.
void clear_away(const std::string& path) {
  struct stat file {};
  if (lstat(path.c_str(), &file) == 0 && S_ISSOCK(file.st_mode) && file.st_uid == geteuid()) {
    unlink(path.c_str());
  }
}

/// "status-4026531840-4242-1f.sock"
FoundRuntimeSocket read_name(std::string_view name) {
  FoundRuntimeSocket out;
  name.remove_prefix(kStatusPrefix.size());
  const std::string prefix = network_prefix();
  out.same_network = name.starts_with(prefix);
  name.remove_prefix(std::min(name.size(), name.find('-') + 1));
  out.own_pid = parse_number<int>(name.substr(0, name.find('-'))).value_or(0);
  return out;
}

/// Of the user of whom root takes them, besides root.
uid_t user_of(const std::string& directory) {
  struct stat info {};
  const bool known = stat(directory.c_str(), &info) == 0;
  if (geteuid() != 0 || !known || (info.st_mode & (S_IWGRP | S_IWOTH)) != 0) return geteuid();
  return info.st_uid;
}

}  // namespace

Result<std::unique_ptr<RuntimeSocket>> RuntimeSocket::make(const std::string& directory) {
  if (auto ready = prepare_runtime_directory(directory); !ready) return std::move(ready).error();
  for (const std::string& name : status_names(directory)) {
    const std::string path = fmt::format("{}/{}", directory, name);
    if (is_left(path)) clear_away(path);
  }
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return runtime_error(directory, errno);
  std::unique_ptr<RuntimeSocket> out(new RuntimeSocket(fd));
  // Processes in different containers may have the same number.
  const std::string name = fmt::format("{}{}{}-{:x}{}", kStatusPrefix, network_prefix(), getpid(),
                                       random_number(), kStatusSuffix);
  const std::string path = fmt::format("{}/{}", directory, name);
  // Whoever finds one that refuses clears it away.
  const std::string before = fmt::format("{}/.{}", directory, name.substr(kStatusPrefix.size()));
  const auto address = SocketAddress::of_path(before);
  if (!address || !SocketAddress::of_path(path)) return runtime_error(path, ENAMETOOLONG);
  fchmod(fd, S_IRUSR | S_IWUSR);  // which the file gets
  if (bind(fd, address->get(), address->size) != 0) return runtime_error(before, errno);
  struct stat file {};
  if (listen(fd, kStatusBacklog) != 0 || lstat(before.c_str(), &file) != 0 ||
      std::rename(before.c_str(), path.c_str()) != 0) {
    const int error = errno;
    unlink(before.c_str());
    return runtime_error(path, error);
  }
  out->path_ = path;
  out->device_ = file.st_dev;
  out->inode_ = file.st_ino;
  return out;
}

RuntimeSocket::~RuntimeSocket() {
  struct stat file {};
  if (!path_.empty() && lstat(path_.c_str(), &file) == 0 && file.st_dev == device_ &&
      file.st_ino == inode_) {
    unlink(path_.c_str());
  }
  close(fd_);
}

FoundRuntimeSockets find_runtime_sockets(const std::vector<std::string>& directories) {
  FoundRuntimeSockets out;
  for (const std::string& directory : directories) {
    const uid_t trusted = user_of(directory);
    for (const std::string& name : status_names(directory)) {
      const std::string path = fmt::format("{}/{}", directory, name);
      const Attempt attempt(path);
      if (attempt.outcome() == Attempt::Outcome::left) clear_away(path);
      if (attempt.outcome() == Attempt::Outcome::forbidden) out.foreign.push_back(path);
      if (attempt.outcome() != Attempt::Outcome::listening) continue;
      struct stat file {};
      if (stat(path.c_str(), &file) != 0) continue;
      // A full queue does not tell who listens.
      const UnixPeer peer = attempt.peer().value_or(UnixPeer{file.st_uid, 0});
      if (peer.uid != 0 && peer.uid != geteuid() && peer.uid != trusted) {
        out.foreign.push_back(path);
        continue;
      }
      FoundRuntimeSocket found = read_name(name);
      found.made_ns = file.st_mtim.tv_sec * std::int64_t{1'000'000'000} + file.st_mtim.tv_nsec;
      found.pid = peer.pid;
      found.path = path;
      out.sockets.push_back(std::move(found));
    }
  }
  std::sort(out.sockets.begin(), out.sockets.end(), [](const auto& one, const auto& other) {
    return std::pair(other.made_ns, other.path) < std::pair(one.made_ns, one.path);
  });
  return out;
}

void keep_nearest(std::vector<FoundRuntimeSocket>& sockets) {
  const auto is_far = [](const FoundRuntimeSocket& one) { return !one.same_network; };
  if (!std::all_of(sockets.begin(), sockets.end(), is_far)) std::erase_if(sockets, is_far);
}

}  // namespace culvert
