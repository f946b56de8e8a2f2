#include "net/take_over_place.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include <fmt/format.h>

#include "base/random_number.h"
#include "net/runtime_directory.h"
#include "net/socket_address.h"

namespace culvert {
namespace {

constexpr int kTakeOverBacklog = 16;

Error place_error(Error error) {
  error.text.insert(0, "--take-over: ");
  return error;
}

}  // namespace

Result<std::unique_ptr<TakeOverPlace>> TakeOverPlace::make(const std::string& directory) {
  if (auto ready = prepare_runtime_directory(directory); !ready) {
    return place_error(std::move(ready).error());
  }
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return place_error(runtime_error(directory, errno));
  std::unique_ptr<TakeOverPlace> out(new TakeOverPlace(fd));
  // Processes in different containers may have the same number.
  const std::string path =
      fmt::format("{}/{}{}-{:x}", directory, network_prefix(), getpid(), random_number());
  const auto address = SocketAddress::of_path(path);
  if (!address) return place_error(runtime_error(path, ENAMETOOLONG));
  fchmod(fd, S_IRUSR | S_IWUSR);  // which the file gets
  if (bind(fd, address->get(), address->size) != 0) {
    return place_error(runtime_error(path, errno));
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
