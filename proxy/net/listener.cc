#include "net/listener.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <limits>
#include <string_view>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "net/own_address.h"
#include "net/peer_history.h"
#include "net/socket_address.h"
#include "net/tcp_connect.h"

namespace culvert {
namespace {

constexpr int kBacklog = 4096;  // the kernel caps it at net.core.somaxconn
constexpr int kAcceptsPerWakeup = 64;
constexpr std::chrono::milliseconds kRetryAfterStarvation{100};
constexpr std::chrono::milliseconds kRetryWhenCrowded{20};
constexpr std::chrono::milliseconds kRetrySoon{2};
constexpr int kRefusedAtATime = 8;
constexpr std::chrono::milliseconds kPatience{200};

Error listen_error(const std::string& where, int error) {
  std::string text = "cannot listen on " + where + ": ";
  if (error == EADDRINUSE) {
    text += "the address is already in use - is another culvert or proxy running there?";
  } else if (error == EACCES) {
    text += "permission denied - ports below 1024 need root or CAP_NET_BIND_SERVICE";
  } else if (error == EADDRNOTAVAIL) {
    text += "no interface of this machine has that address";
  } else if (error == EAFNOSUPPORT) {
    text += "this machine has no IPv6 - every IPv4 address is 0.0.0.0";
  } else {
    text += std::generic_category().message(error);
  }
  return {Errc::proxy_internal_error, Side::local, error, std::move(text)};
}

/// The same for a unix socket, which has other reasons.
Error unix_error(const std::string& path, int error) {
  std::string text = "cannot listen on unix:" + path + ": ";
  if (error == EADDRINUSE) {
    text += "the socket is already in use - is another culvert running there?";
  } else if (error == EEXIST) {
    text += "something that is no socket stands there, and culvert does not remove it";
  } else if (error == EACCES || error == EPERM) {
    text +=
        "permission denied - culvert makes a file there, so it needs the right to write to "
        "the directory, and to pass through those above";
  } else {
    text += std::generic_category().message(error);
  }
  return {Errc::proxy_internal_error, Side::local, error, std::move(text)};
}

/// Binds `fd` so that the file has its mode from the first moment: that of the socket, which
/// bind(2) takes less the umask.
bool bind_file(int fd, const SocketAddress& address, const SocketFileRights& rights) {
  const mode_t mode = rights.mode.value_or(rights.group ? 0660U : 0600U);
  if (fchmod(fd, mode) != 0) return false;
  const mode_t before = umask(0);
  const bool bound = bind(fd, address.get(), address.size) == 0;
  const int error = errno;
  umask(before);
  errno = error;
  return bound;
}

/// Gives the socket's file, and nothing that somebody has put into its place, to its owner.
bool give_file(const std::string& path, const SocketFileRights& rights) {
  constexpr auto kUnchanged = std::numeric_limits<unsigned>::max();
  if (!rights.owner && !rights.group) return true;
  const int file = open(path.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC);
  if (file < 0) return false;
  struct stat info {};
  errno = EEXIST;
  const bool given = fstat(file, &info) == 0 && S_ISSOCK(info.st_mode) &&
                     fchownat(file, "", rights.owner.value_or(kUnchanged),
                              rights.group.value_or(kUnchanged), AT_EMPTY_PATH) == 0;
  const int error = errno;
  close(file);
  errno = error;
  return given;
}

Error owner_error(const std::string& path, int error) {
  return {Errc::proxy_internal_error, Side::local, error,
          "cannot listen on unix:" + path + ": its file cannot be given to that owner or group: " +
              std::generic_category().message(error) +
              " - only root gives files to another user, others to groups that they are in"};
}

/// A clause about a descriptor that was passed to us.
Error passed_error(int fd, std::string_view what, int error = 0) {
  return {Errc::proxy_internal_error, Side::local, error,
          fmt::format("descriptor {} {}", fd, what)};
}

/// An option of a socket; -1 and errno if it cannot be had.
int option_of(int fd, int name) {
  int value = 0;
  socklen_t size = sizeof value;
  return getsockopt(fd, SOL_SOCKET, name, &value, &size) == 0 ? value : -1;
}

/// Why `fd` cannot be used as a listening socket; empty if it can.
std::string_view objection_to(int fd) {
  const int type = option_of(fd, SO_TYPE);
  if (type < 0) return errno == EBADF ? "is not open" : "is not a socket";
  if (type == SOCK_DGRAM) {
    return "is a datagram socket, and culvert serves streams: write ListenStream= in the .socket "
           "unit";
  }
  if (type != SOCK_STREAM) return "is not a stream socket: write ListenStream= in the .socket unit";
  const int family = option_of(fd, SO_DOMAIN);
  if (family != AF_INET && family != AF_INET6 && family != AF_UNIX) {
    return "is neither an IPv4 or IPv6 nor a unix socket";
  }
  if (option_of(fd, SO_ACCEPTCONN) != 1) {
    return "is a connection, not a listening socket: write Accept=no in the .socket unit";
  }
  return {};
}

/// The path of a unix socket, with '@' for the NUL before an abstract name.
std::string path_of(const sockaddr_storage& bound, socklen_t size) {
  sockaddr_un address{};
  std::memcpy(&address, &bound, std::min<std::size_t>(size, sizeof address));
  if (size <= offsetof(sockaddr_un, sun_path)) return {};
  std::string path(address.sun_path, size - offsetof(sockaddr_un, sun_path));
  if (path[0] == '\0') return "@" + path.substr(1);
  return path.substr(0, path.find('\0'));  // which may end it, too
}

/// Some descriptors are kept for what a client that was accepted needs: a tunnel, name lookups.
int first_of_reserve() {
  constexpr rlim_t kMostReserved = 64;
  rlimit files{};
  if (getrlimit(RLIMIT_NOFILE, &files) != 0) return std::numeric_limits<int>::max();
  const rlim_t first = files.rlim_cur - std::min(kMostReserved, files.rlim_cur / 10);
  return static_cast<int>(std::min<rlim_t>(first, std::numeric_limits<int>::max()));
}

/// Whether any address can be bound.
bool set_free_bind(int fd, bool v4) {
  const int one = 1;
  return setsockopt(fd, v4 ? IPPROTO_IP : IPPROTO_IPV6, v4 ? IP_FREEBIND : IPV6_FREEBIND, &one,
                    sizeof one) == 0;
}

/// A bound socket, or -1 and errno.
int bind_tcp(const SocketAddress& address, bool reuse_port, ListenSocket::Takes takes,
             ListenSocket::Absent absent) {
  const int fd = socket(address.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  const int one = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (reuse_port) setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof one);
  if (address.storage.ss_family == AF_INET6) {
    const int v6_only = takes == ListenSocket::Takes::its_family ? 1 : 0;
    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &v6_only, sizeof v6_only);
  }
  if (bind(fd, address.get(), address.size) == 0) return fd;
  int error = errno;
  const bool may_wait = error == EADDRNOTAVAIL && absent == ListenSocket::Absent::awaited;
  if (may_wait && set_free_bind(fd, address.storage.ss_family == AF_INET)) {
    if (bind(fd, address.get(), address.size) == 0) return fd;
    error = errno;
  }
  close(fd);
  errno = error;
  return -1;
}

}  // namespace

SocketFile SocketFile::at(const std::string& path) {
  struct stat file {};
  if (lstat(path.c_str(), &file) != 0) return {};
  return {path, {file.st_dev, file.st_ino}};
}

ListenSocket::ListenSocket(ListenSocket&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      index_(other.index_),
      address_(std::move(other.address_)),
      path_(std::move(other.path_)),
      file_(std::exchange(other.file_, {})),
      owns_file_(std::exchange(other.owns_file_, false)),
      outlives_us_(other.outlives_us_) {}

ListenSocket& ListenSocket::operator=(ListenSocket&& other) noexcept {
  std::swap(fd_, other.fd_);
  std::swap(index_, other.index_);
  std::swap(address_, other.address_);
  std::swap(path_, other.path_);
  std::swap(file_, other.file_);
  std::swap(owns_file_, other.owns_file_);
  std::swap(outlives_us_, other.outlives_us_);
  return *this;
}

ListenSocket::~ListenSocket() {
  // Unlink before close: after it, the file may be a successor's.  It may be so already if ours was
  // removed.
  if (owns_file_ && file_.is_there()) unlink(file_.path.c_str());
  if (fd_ >= 0) close(fd_);
}

bool ListenSocket::is_dual_stack() const {
  if (!is_tcp() || address_.ip->is_v4() || !address_.ip->is_unspecified()) return false;
  int v6_only = 1;
  socklen_t size = sizeof v6_only;
  getsockopt(fd_, IPPROTO_IPV6, IPV6_V6ONLY, &v6_only, &size);
  return v6_only == 0;
}

bool ListenSocket::awaits_address() const {
  if (!is_tcp()) return false;
  const bool v4 = address_.ip->is_v4();
  int free_bind = 0;
  socklen_t size = sizeof free_bind;
  getsockopt(fd_, v4 ? IPPROTO_IP : IPPROTO_IPV6, v4 ? IP_FREEBIND : IPV6_FREEBIND, &free_bind,
             &size);
  return free_bind != 0 && !is_own_address(*address_.ip);
}

std::string ListenSocket::url() const {
  return is_tcp() ? "http://" + address_.to_string() : "unix:" + path_;
}

Result<ListenSocket> ListenSocket::passed(int fd) {
  if (const std::string_view objection = objection_to(fd); !objection.empty()) {
    return passed_error(fd, objection);
  }
  ListenSocket out(fd);
  fcntl(fd, F_SETFD, FD_CLOEXEC);
  // Whoever has the socket too only polls it.
  fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
  sockaddr_storage bound{};
  socklen_t size = sizeof bound;
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&bound), &size) != 0) {
    return passed_error(fd, std::generic_category().message(errno), errno);
  }
  if (auto address = host_port_of(bound)) {
    out.address_ = std::move(*address);
    set_tunnel_options(fd);
  } else {
    out.path_ = path_of(bound, size);
  }
  return out;
}

Result<ListenSocket> ListenSocket::tcp(const HostPort& address, bool reuse_port, Takes takes,
                                       Absent absent) {
  const SocketAddress wanted = SocketAddress::of(*address.ip, address.port);
  ListenSocket out(bind_tcp(wanted, reuse_port, takes, absent));
  if (out.fd_ < 0) return listen_error(address.to_string(), errno);
  set_tunnel_options(out.fd_);  // accepted sockets inherit
  if (listen(out.fd_, kBacklog) != 0) return listen_error(address.to_string(), errno);
  sockaddr_storage bound{};
  socklen_t size = sizeof bound;
  getsockname(out.fd_, reinterpret_cast<sockaddr*>(&bound), &size);
  out.address_ = host_port_of(bound).value_or(address);
  return out;
}

Result<void> ListenSocket::check_free(const HostPort& address, Takes takes, Absent absent) {
  // SO_REUSEPORT would let us share the port of another program in silence, so the first look is
  // without it.  Binding is enough to detect another listener, and accepts no client.
  const int fd = bind_tcp(SocketAddress::of(*address.ip, address.port), false, takes, absent);
  if (fd < 0) return listen_error(address.to_string(), errno);
  close(fd);
  return {};
}

Result<ListenSocket> ListenSocket::unix_path(const std::string& path,
                                             const SocketFileRights& rights) {
  const auto address = SocketAddress::of_path(path);
  if (!address) return unix_error(path, ENAMETOOLONG);
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return unix_error(path, errno);
  ListenSocket out(fd);

  struct stat file {};
  if (lstat(path.c_str(), &file) == 0) {
    if (!S_ISSOCK(file.st_mode)) return unix_error(path, EEXIST);
    const int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    const bool dead = connect(probe, address->get(), address->size) != 0 && errno == ECONNREFUSED;
    close(probe);
    if (!dead) return unix_error(path, EADDRINUSE);
    if (unlink(path.c_str()) != 0) return unix_error(path, errno);
  }
  if (!bind_file(fd, *address, rights)) return unix_error(path, errno);
  out.path_ = path;
  out.find_file();
  out.own_file();
  // Until it listens, connecting is refused.
  if (!give_file(path, rights)) return owner_error(path, errno);
  if (listen(fd, kBacklog) != 0) return unix_error(path, errno);
  return out;
}

Listener::Listener(Loop& loop, ListenSocket& socket, Accepted accepted, Starved starved)
    : loop_(loop),
      socket_(socket),
      accepted_(accepted),
      starved_(starved),
      reserve_from_(loop.can_make_room() ? first_of_reserve() : std::numeric_limits<int>::max()),
      crowded_from_(reserve_from_),
      retry_(loop, Callback<void()>::to<&Listener::on_retry>(this)) {
  begin_watching();
}

Listener::~Listener() { loop_.unwatch(socket_.fd(), *this); }

void Listener::refuse_if(AskHopeless hopeless, SpareDescriptor& spare) {
  hopeless_ = hopeless;
  spare_ = &spare;
  spare.regain();
}

/// Level-triggered: a queue longer than a batch stays.
void Listener::begin_watching() {
  watch_error_ = loop_.watch(socket_.fd(), *this, EPOLLIN);
  if (watch_error_ != 0) retry_.start(kRetryAfterStarvation);
}

void Listener::on_poll(std::uint32_t) {
  refused_ = 0;
  for (int i = 0; i < kAcceptsPerWakeup; ++i) {
    if (!accept_one() || has_to_wait() || !has_room()) return;
  }
}

bool Listener::has_to_wait() {
  if (!next_) return false;
  std::chrono::milliseconds time{0};
  next_(time);
  if (time.count() > 0) pause(time);
  return time.count() > 0;
}

void Listener::accept_all() {
  // The queue cannot have held more when we began.
  for (int i = 0; i < kBacklog; ++i) {
    if (!accept_one()) return;
  }
}

bool Listener::accept_one() {
  sockaddr_storage peer{};
  socklen_t size = sizeof peer;
  const int fd = accept4(socket_.fd(), reinterpret_cast<sockaddr*>(&peer), &size,
                         SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd < 0) return accept_after(errno);
  seek_room(fd);
  accepted_(fd, host_port_of(peer));
  return true;
}

/// Whether the queue may hold more that can be accepted now.
bool Listener::accept_after(int error) {
  switch (error) {
    case ECONNABORTED:  // closed before accept(): the next one may be fine
    case EINTR:
    case EPROTO:
      return true;
    case EMFILE:
    case ENFILE:
      return accept_in_need(error);
    case ENOBUFS:  // no descriptor would help
    case ENOMEM:
      starve(error);
      return false;
    default:
      queued_since_ = Loop::Clock::time_point::max();
      return false;
  }
}

std::chrono::milliseconds Listener::pressed_for() const {
  if (paused_at_ < queued_since_) return {};
  return std::chrono::duration_cast<std::chrono::milliseconds>(paused_at_ - queued_since_);
}

/// No descriptor is free.  For a while, a low number does not mean that there are more.
bool Listener::accept_in_need(int error) {
  starved_at_ = loop_.now();
  crowded_from_ = 0;
  const Loop::Room room = made_room_ ? Loop::Room::none : loop_.make_room();
  if (room == Loop::Room::made) return accept_last();
  if (accept_with_spare()) return false;
  if (room == Loop::Room::soon) {
    pause(kRetrySoon);
    return false;
  }
  starve(error);
  return false;
}

void Listener::starve(int error) {
  pause(kRetryAfterStarvation);
  is_starved_ = true;
  starved_(error);
}

void Listener::resume() {
  if (!is_starved_) return;
  retry_.stop();
  on_retry();
}

/// The last descriptors are for what the clients need that were accepted.
void Listener::seek_room(int fd) {
  room_ = Loop::Room::made;
  shortage_ = {};
  if (fd < crowded_from_) {
    hopeless_since_ = Loop::Clock::time_point::max();
    return;
  }
  shortage_.queued_for = time_since_connected(fd);
  if (fd < reserve_from_ && !made_room_) {
    if (loop_.now() - starved_at_ > kPatience) crowded_from_ = reserve_from_;
    return;
  }
  shortage_.refuses = is_hopeless();
  room_ = loop_.make_room();
}

bool Listener::has_room() {
  if (shortage_.refuses) {
    if (++refused_ < kRefusedAtATime) return true;
  } else if (room_ == Loop::Room::made) {
    return true;
  }
  // One that has had its time in the queue can be spared as soon as its bytes are read.
  const bool soon = room_ == Loop::Room::soon || shortage_.queued_for > kRetryWhenCrowded;
  pause(soon ? kRetrySoon : kRetryWhenCrowded);
  return false;
}

/// For long enough that no other thread could give way either.
bool Listener::is_hopeless() {
  bool hopeless = false;
  if (hopeless_) hopeless_(hopeless);
  hopeless_since_ =
      hopeless ? std::min(hopeless_since_, loop_.now()) : Loop::Clock::time_point::max();
  return hopeless && loop_.now() - hopeless_since_ >= kPatience;
}

/// Not a single descriptor is left.
bool Listener::accept_with_spare() {
  if (made_room_ || spare_ == nullptr || !spare_->held() || !is_hopeless()) return false;
  if (!spare_->give()) return false;
  if (accept_last()) {
    pause(kRetrySoon);
  } else {
    spare_->regain();
  }
  return true;
}

/// With the only descriptor that is free, whatever its number is.
bool Listener::accept_last() {
  made_room_ = true;
  const bool more = accept_one();
  made_room_ = false;
  return more;
}

/// The queue stays readable, so waiting for the loop would spin.
void Listener::pause(std::chrono::milliseconds time) {
  paused_at_ = loop_.now();
  queued_since_ = std::min(queued_since_, paused_at_);
  loop_.rewatch(socket_.fd(), *this, 0);
  retry_.start(time);
}

void Listener::on_retry() {
  is_starved_ = false;
  if (watch_error_ != 0) {
    starved_(watch_error_);
    return begin_watching();
  }
  if (spare_ != nullptr) spare_->regain();
  pollfd queue{socket_.fd(), POLLIN, 0};
  if (poll(&queue, 1, 0) == 0) queued_since_ = Loop::Clock::time_point::max();
  loop_.rewatch(socket_.fd(), *this, EPOLLIN);
}

}  // namespace culvert
