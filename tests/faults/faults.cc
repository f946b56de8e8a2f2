// A library for LD_PRELOAD: socket calls of the program fail as a test has ordered.
//
// CULVERT_FAULTS names a file of the size of Orders, mapped by both.  Only sockets of IPv4 and IPv6
// are concerned, what leads from and to them, and descriptors that become such; the event loop's
// own, and files, work as always.
#include <dlfcn.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "shared_file.h"

namespace {

// As tests/e2e/test_faults.py has them.
enum Call : unsigned {
  kAccept,
  kSocket,
  kConnect,
  kRecv,
  kSend,
  kSplice,
  kEpoll,
  kPipe,
  kShutdown,
  kOption,
  kAskOption,
  kReceiveFrom,
  kSendMessage,
  kCalls
};

/// What the test has ordered, and what came of it.
struct Orders {
  std::atomic<std::uint32_t> call;      ///< the one call that fails, or kCalls: any
  std::atomic<std::uint32_t> nth;       ///< in so many calls; 0: none
  std::atomic<std::uint32_t> error;     ///< with this errno; 0: it does only part
  std::atomic<std::uint32_t> one_in;    ///< of any call one in so many fails, by chance; 0: none
  std::atomic<std::uint32_t> seed;      ///< of that
  std::atomic<std::uint32_t> injected;  ///< so many failed
  std::array<std::atomic<std::uint32_t>, kCalls> counted;
};

constexpr std::array<std::array<int, 6>, kCalls> kErrors = {{
    {ECONNABORTED, EMFILE, ENFILE, ENOBUFS, ENOMEM, EINTR},
    {EMFILE, ENFILE, ENOBUFS, ENOMEM, EMFILE, ENOBUFS},
    {ECONNREFUSED, ETIMEDOUT, ENETUNREACH, EADDRNOTAVAIL, ENOBUFS, ENOMEM},
    {ECONNRESET, ETIMEDOUT, ENOBUFS, ENOMEM, EINTR, EHOSTUNREACH},
    {ECONNRESET, EPIPE, ENOBUFS, ENOMEM, EINTR, 0},
    {ECONNRESET, ETIMEDOUT, ENOMEM, EINTR, 0, 0},
    {ENOSPC, ENOMEM, ENOSPC, ENOMEM, ENOSPC, ENOMEM},
    {EMFILE, ENFILE, EMFILE, ENFILE, EMFILE, ENFILE},
    {ENOTCONN, ENOTCONN, ENOTCONN, ENOTCONN, ENOTCONN, ENOTCONN},
    {ENOBUFS, ENOMEM, ENOPROTOOPT, EINVAL, ENOBUFS, ENOMEM},
    {ECONNREFUSED, ECONNRESET, ETIMEDOUT, EHOSTUNREACH, ENOBUFS, ENOMEM},
    {ECONNREFUSED, ENOBUFS, ENOMEM, EINTR, ECONNREFUSED, ENOMEM},
    {ECONNREFUSED, ENOBUFS, ENOMEM, EINTR, EPERM, ENETUNREACH},
}};
constexpr int kNone = -1;

Orders* orders() {
  static Orders* const found = map_shared_file<Orders>("CULVERT_FAULTS");
  return found;
}

/// The next number of a sequence that `seed` begins (Lehmer).
std::uint32_t next_random(std::atomic<std::uint32_t>& seed) {
  std::uint32_t now = seed.load();
  std::uint32_t next = 0;
  do {
    next = static_cast<std::uint32_t>(std::uint64_t{now | 1} * 48271 % 0x7fffffff);
  } while (!seed.compare_exchange_weak(now, next));
  return next >> 4;
}

template <typename Function>
Function real(const char* name) {
  return reinterpret_cast<Function>(dlsym(RTLD_NEXT, name));
}

bool is_of_internet(int fd) {
  static const auto ask = real<decltype(&getsockopt)>("getsockopt");
  int domain = 0;
  socklen_t size = sizeof domain;
  const int before = errno;
  const bool is_socket = ask(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) == 0;
  errno = before;
  return is_socket && (domain == AF_INET || domain == AF_INET6);
}

/// The errno with which this call has to fail; 0: it may do only part; kNone: it is done.
int fault_of(Call call) {
  Orders* const ordered = orders();
  if (ordered == nullptr) return kNone;
  const std::uint32_t before = ordered->counted[call].fetch_add(1);
  int error = kNone;
  if (const std::uint32_t nth = ordered->nth;
      nth != 0 && ordered->call == call && before + 1 == nth) {
    error = static_cast<int>(ordered->error.load());
  }
  if (const std::uint32_t one_in = ordered->one_in; one_in != 0) {
    const std::uint32_t chance = next_random(ordered->seed);
    if (chance % one_in == 0) error = kErrors[call][chance / one_in % kErrors[call].size()];
  }
  if (error != kNone) ordered->injected.fetch_add(1);
  return error;
}

/// As after such an error: the connection is gone, and its peer hears of it by a RST.
void end_connection(int fd) {
  sockaddr none{};
  none.sa_family = AF_UNSPEC;
  static const auto next = real<decltype(&connect)>("connect");
  const int before = errno;
  next(fd, &none, sizeof none);
  errno = before;
}

bool is_end(int error) {
  return error == ECONNRESET || error == EPIPE || error == ETIMEDOUT || error == EHOSTUNREACH ||
         error == ENOTCONN;
}

/// True if the call fails now, with errno; else `size` is how much it may do.
bool fails(Call call, int fd, std::size_t* size = nullptr) {
  if (!is_of_internet(fd)) return false;
  const int error = fault_of(call);
  if (error > 0) {
    if (call != kConnect && is_end(error)) end_connection(fd);
    errno = error;
    return true;
  }
  if (error == 0 && size != nullptr && *size > 1) *size = 1 + *size / 3;
  return false;
}

}  // namespace

#define CULVERT_REAL(name) static const auto next = real<decltype(&name)>(#name)

extern "C" {

int accept4(int fd, sockaddr* address, socklen_t* size, int flags) {
  CULVERT_REAL(accept4);
  return fails(kAccept, fd) ? -1 : next(fd, address, size, flags);
}

int socket(int family, int type, int protocol) noexcept {
  CULVERT_REAL(socket);
  if (family == AF_INET || family == AF_INET6) {
    if (const int error = fault_of(kSocket); error > 0) {
      errno = error;
      return -1;
    }
  }
  return next(family, type, protocol);
}

int connect(int fd, const sockaddr* address, socklen_t size) {
  CULVERT_REAL(connect);
  return fails(kConnect, fd) ? -1 : next(fd, address, size);
}

ssize_t recv(int fd, void* data, std::size_t size, int flags) {
  CULVERT_REAL(recv);
  // Never part of what is there: a short read means that no more is (epoll(7)).
  return fails(kRecv, fd) ? -1 : next(fd, data, size, flags);
}

ssize_t send(int fd, const void* data, std::size_t size, int flags) {
  CULVERT_REAL(send);
  return fails(kSend, fd, &size) ? -1 : next(fd, data, size, flags);
}

ssize_t splice(int from, off64_t* from_at, int to, off64_t* to_at, std::size_t size,
               unsigned flags) {
  CULVERT_REAL(splice);
  if (fails(kSplice, is_of_internet(from) ? from : to, &size)) return -1;
  return next(from, from_at, to, to_at, size, flags);
}

int epoll_ctl(int set, int what, int fd, epoll_event* event) noexcept {
  CULVERT_REAL(epoll_ctl);
  if (what == EPOLL_CTL_ADD && fails(kEpoll, fd)) return -1;
  return next(set, what, fd, event);
}

int pipe2(int ends[2], int flags) noexcept {
  CULVERT_REAL(pipe2);
  if (const int error = fault_of(kPipe); error > 0) {
    errno = error;
    return -1;
  }
  return next(ends, flags);
}

int shutdown(int fd, int how) noexcept {
  CULVERT_REAL(shutdown);
  return fails(kShutdown, fd) ? -1 : next(fd, how);
}

int setsockopt(int fd, int level, int name, const void* value, socklen_t size) noexcept {
  CULVERT_REAL(setsockopt);
  // Asking for a reset needs nothing that could be missing.
  if (level == SOL_SOCKET && name == SO_LINGER) return next(fd, level, name, value, size);
  return fails(kOption, fd) ? -1 : next(fd, level, name, value, size);
}

int getsockopt(int fd, int level, int name, void* value, socklen_t* size) noexcept {
  CULVERT_REAL(getsockopt);
  if (!fails(kAskOption, fd)) return next(fd, level, name, value, size);
  if (level != SOL_SOCKET || name != SO_ERROR || *size < sizeof errno) return -1;
  // It is what the call tells, not what becomes of it.
  std::memcpy(value, &errno, sizeof errno);
  return 0;
}

ssize_t recvfrom(int fd, void* data, std::size_t size, int flags, sockaddr* from,
                 socklen_t* from_size) {
  CULVERT_REAL(recvfrom);
  return fails(kReceiveFrom, fd) ? -1 : next(fd, data, size, flags, from, from_size);
}

ssize_t sendmsg(int fd, const msghdr* message, int flags) {
  CULVERT_REAL(sendmsg);
  return fails(kSendMessage, fd) ? -1 : next(fd, message, flags);
}

}  // extern "C"
