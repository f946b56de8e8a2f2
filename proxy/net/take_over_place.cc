#include "net/take_over_place.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <string_view>
#include <system_error>

#include <fmt/format.h>

#include "base/random_number.h"
#include "net/socket_address.h"

namespace culvert {
namespace {

constexpr int kTakeOverBacklog = 16;

std::string variable_value(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string() : value;
}

Error place_error(const std::string& where, std::string_view what, int error = 0) {
  return {Errc::proxy_internal_error, Side::local, error,
          fmt::format("--take-over: {}: {}", where,
                      error != 0 ? std::generic_category().message(error) : std::string(what))};
}

}  // namespace

// Root's is the same in a shell and in a service, so it goes by no variable of a login.
std::string take_over_directory() {
  if (std::string given = variable_value("RUNTIME_DIRECTORY"); given.starts_with('/')) {
    return given.substr(0, given.find(':'));
  }
  if (geteuid() == 0) return "/run/culvert";
  if (const std::string login = variable_value("XDG_RUNTIME_DIR"); login.starts_with('/')) {
    return login + "/culvert";
  }
  return fmt::format("/tmp/culvert-{}", geteuid());
}

Result<void> prepare_take_over_directory(const std::string& directory) {
  if (mkdir(directory.c_str(), S_IRWXU) != 0 && errno != EEXIST) {
    return place_error(directory, {}, errno);
  }
  // systemd's may be a link, which others cannot make in /run; in /tmp they can.
  const int follow = directory.starts_with("/tmp/") ? O_NOFOLLOW : 0;
  const int fd = ::open(directory.c_str(), O_DIRECTORY | O_RDONLY | O_CLOEXEC | follow);
  if (fd < 0) return place_error(directory, {}, errno);
  struct stat found {};
  const bool known = fstat(fd, &found) == 0;
  close(fd);
  if (!known || found.st_uid != geteuid() || (found.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
    return place_error(directory, "others can write to it, or it is another user's");
  }
  return {};
}

std::string take_over_prefix() {
  struct stat network {};
  if (stat("/proc/self/ns/net", &network) != 0) return "0-";
  return fmt::format("{}-", network.st_ino);
}

Result<std::unique_ptr<TakeOverPlace>> TakeOverPlace::make(const std::string& directory) {
  if (auto ready = prepare_take_over_directory(directory); !ready) return ready.error();
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return place_error(directory, {}, errno);
  std::unique_ptr<TakeOverPlace> out(new TakeOverPlace(fd));
  // Processes in different containers may have the same number.
  const std::string path =
      fmt::format("{}/{}{}-{:x}", directory, take_over_prefix(), getpid(), random_number());
  const auto address = SocketAddress::of_path(path);
  if (!address) return place_error(path, {}, ENAMETOOLONG);
  fchmod(fd, S_IRUSR | S_IWUSR);  // which the file gets
  if (bind(fd, address->get(), address->size) != 0) {
    return place_error(path, {}, errno);
  }
  out->path_ = path;
  return out;
}

TakeOverPlace::~TakeOverPlace() {
  if (!path_.empty()) unlink(path_.c_str());
  close(fd_);
}

void TakeOverPlace::open() { listen(fd_, kTakeOverBacklog); }

}  // namespace culvert
