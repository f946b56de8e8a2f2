#include "net/service_notice.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "base/text.h"
#include "net/socket_address.h"

namespace culvert {
namespace {

constexpr const char* kNotifySocket = "NOTIFY_SOCKET";
constexpr const char* kWatchdogUsec = "WATCHDOG_USEC";
constexpr const char* kWatchdogPid = "WATCHDOG_PID";

std::optional<std::string> notify_variable(const char* name) {
  const char* value = std::getenv(name);
  if (value == nullptr || *value == '\0') return std::nullopt;
  return value;
}

/// Why no notice can be sent there; empty if it can.
std::string objection_to_address(std::string_view address) {
  if (address.starts_with("vsock:"))
    return "it is a vsock address, and culvert writes to unix sockets";
  if (address[0] != '/' && address[0] != '@') return "it is neither a path nor an abstract socket";
  if (address.size() < 2 || address.size() >= sizeof(sockaddr_un::sun_path)) {
    return "it is too short or too long for a unix socket";
  }
  return {};
}

}  // namespace

ServiceNotice::ServiceNotice(const NotifyVariables& variables, pid_t own_pid) {
  if (!variables.socket) return;
  address_ = *variables.socket;
  std::string objection = objection_to_address(address_);
  if (objection.empty()) {
    fd_ = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd_ < 0) objection = std::generic_category().message(errno);
  }
  if (!objection.empty()) {
    problem_ = fmt::format("the service manager is told nothing (NOTIFY_SOCKET={}): {}",
                           printable(address_, 100), objection);
    return;
  }
  const auto usec = parse_number<std::uint64_t>(variables.watchdog_usec.value_or(""));
  const bool ours = !variables.watchdog_pid || *variables.watchdog_pid == std::to_string(own_pid);
  constexpr std::uint64_t kMost = std::uint64_t{1} << 50;  // some decades
  if (usec && *usec > 0 && *usec < kMost && ours) watchdog_ = std::chrono::microseconds(*usec);
}

ServiceNotice::ServiceNotice(ServiceNotice&& other) noexcept
    : address_(std::move(other.address_)),
      fd_(std::exchange(other.fd_, -1)),
      problem_(std::move(other.problem_)),
      watchdog_(other.watchdog_) {}

ServiceNotice& ServiceNotice::operator=(ServiceNotice&& other) noexcept {
  std::swap(address_, other.address_);
  std::swap(fd_, other.fd_);
  std::swap(problem_, other.problem_);
  std::swap(watchdog_, other.watchdog_);
  return *this;
}

ServiceNotice::~ServiceNotice() {
  if (fd_ >= 0) close(fd_);
}

ServiceNotice ServiceNotice::of_environment() {
  return {NotifyVariables{notify_variable(kNotifySocket), notify_variable(kWatchdogUsec),
                          notify_variable(kWatchdogPid)},
          getpid()};
}

void ServiceNotice::clean_environment() {
  for (const char* name : {kNotifySocket, kWatchdogUsec, kWatchdogPid}) unsetenv(name);
}

ServiceNotice::Sent ServiceNotice::send(std::string_view lines) const {
  const auto to = address_[0] == '@'
                      ? SocketAddress::of_abstract(std::string_view(address_).substr(1))
                      : SocketAddress::of_path(address_);
  for (;;) {
    if (sendto(fd_, lines.data(), lines.size(), MSG_NOSIGNAL | MSG_DONTWAIT, to->get(), to->size) >=
        0) {
      return Sent::yes;
    }
    if (errno == EINTR) continue;
    return errno == EAGAIN || errno == ENOBUFS ? Sent::later : Sent::never;
  }
}

}  // namespace culvert
