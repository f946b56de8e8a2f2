#include "net/runtime_directory.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <string_view>
#include <system_error>
#include <utility>

#include <fmt/format.h>

namespace culvert {
namespace {

constexpr std::string_view kOfServices = "/run/culvert";

std::string variable_value(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string() : value;
}

}  // namespace

// Root's is the same in a shell and in a service, so it goes by no variable of a login.
std::string runtime_directory() {
  if (std::string given = variable_value("RUNTIME_DIRECTORY"); given.starts_with('/')) {
    return given.substr(0, given.find(':'));
  }
  if (geteuid() == 0) return std::string(kOfServices);
  if (const std::string login = variable_value("XDG_RUNTIME_DIR"); login.starts_with('/')) {
    return login + "/culvert";
  }
  return fmt::format("/tmp/culvert-{}", geteuid());
}

std::vector<std::string> runtime_directories() {
  std::vector<std::string> out = {runtime_directory()};
  const auto add = [&](std::string directory) {
    if (std::find(out.begin(), out.end(), directory) == out.end()) {
      out.push_back(std::move(directory));
    }
  };
  if (geteuid() != 0) {
    if (const std::string login = variable_value("XDG_RUNTIME_DIR"); login.starts_with('/')) {
      add(login + "/culvert");
    }
    add(fmt::format("/run/user/{}/culvert", geteuid()));
    add(fmt::format("/tmp/culvert-{}", geteuid()));
  }
  add(std::string(kOfServices));
  return out;
}

Error runtime_error(const std::string& path, int error) {
  return {Errc::proxy_internal_error, Side::local, error,
          fmt::format("{}: {}", path, std::generic_category().message(error))};
}

Result<void> prepare_runtime_directory(const std::string& directory) {
  if (mkdir(directory.c_str(), S_IRWXU) != 0 && errno != EEXIST) {
    return runtime_error(directory, errno);
  }
  // systemd's may be a link, which others cannot make in /run; in /tmp they can.
  const int follow = directory.starts_with("/tmp/") ? O_NOFOLLOW : 0;
  const int fd = ::open(directory.c_str(), O_DIRECTORY | O_RDONLY | O_CLOEXEC | follow);
  if (fd < 0) return runtime_error(directory, errno);
  struct stat found {};
  const bool known = fstat(fd, &found) == 0;
  close(fd);
  if (!known || found.st_uid != geteuid() || (found.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
    return Error{Errc::proxy_internal_error, Side::local, 0,
                 directory + ": others can write to it, or it is another user's"};
  }
  return {};
}

std::string network_prefix() {
  struct stat network {};
  if (stat("/proc/self/ns/net", &network) != 0) return "0-";
  return fmt::format("{}-", network.st_ino);
}

}  // namespace culvert
