// The functions that newer versions deprecate are all that Debian 12's has.
#define CARES_NO_DEPRECATED
#include "net/dns_channel.h"

#include <ares.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>

namespace culvert {
namespace {

// From <arpa/nameser.h>, whose names are macros.
constexpr int kClassIn = 1;
constexpr int kTypeA = 1;
constexpr int kTypeAaaa = 28;

}  // namespace

/// One of c-ares' sockets.
class DnsChannel::Socket final : public Pollable {
 public:
  Socket(DnsChannel& channel, Loop& loop, int fd) : channel_(channel), loop_(loop), fd_(fd) {}
  /// c-ares closes the descriptor next.
  ~Socket() override { loop_.unwatch_closing(*this); }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;

  /// The errno, or 0.
  int watch() { return loop_.watch(fd_, *this, events_); }
  void watch_for(std::uint32_t events) {
    if (events != events_) loop_.rewatch(fd_, *this, events);
    events_ = events;
  }

 private:
  void on_poll(std::uint32_t events) override { channel_.process(fd_, events); }

  DnsChannel& channel_;
  Loop& loop_;
  int fd_;
  std::uint32_t events_ = EPOLLIN;
};

DnsChannel::DnsChannel(Loop& loop, const Options& options, Refusals refusals,
                       Callback<void()> processed)
    : loop_(loop), processed_(processed), handle_(open(options, refusals)) {}

DnsChannel::~DnsChannel() {
  if (handle_ != nullptr) ares_destroy(handle_);
}

ares_channeldata* DnsChannel::open(const Options& options, Refusals refusals) {
  // Needed on Windows only, but asked for everywhere.
  [[maybe_unused]] static const int kInitialised = ares_library_init(ARES_LIB_INIT_ALL);
  ares_options given{};
  std::string file = options.resolv_conf;
  // The search list is ours: A and AAAA of one name belong together.
  // No EDNS, like glibc: servers that know none answer FORMERR, or not at all, and c-ares 1.18 then
  // asks only the first of two questions in flight again.
  given.flags = ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES;
  if (refusals == Refusals::answers) given.flags |= ARES_FLAG_NOCHECKRESP;
  given.timeout = static_cast<int>(options.repeat_after.count());
  given.tries = options.tries;
  given.sock_state_cb = &DnsChannel::on_socket_state;
  given.sock_state_cb_data = this;
  given.resolvconf_path = file.data();
  int mask = ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB |
             ARES_OPT_RESOLVCONF;
#ifdef ARES_OPT_QUERY_CACHE
  mask |= ARES_OPT_QUERY_CACHE;  // of no entry: the system's cache is the one to flush
#endif
  ares_channeldata* handle = nullptr;
  if (ares_init_options(&handle, &given, mask) != ARES_SUCCESS) return nullptr;
  static constexpr ares_socket_functions kSocketFunctions = {
      [](int family, int type, int protocol, void* self) {
        return static_cast<DnsChannel*>(self)->open_socket(family, type, protocol);
      },
      [](ares_socket_t fd, void* self) {
        static_cast<DnsChannel*>(self)->sockets_.erase(fd);
        return close(fd);
      },
      [](ares_socket_t fd, const sockaddr* address, ares_socklen_t size, void*) {
        return connect(fd, address, size);
      },
      [](ares_socket_t fd, void* room, std::size_t size, int flags, sockaddr* from,
         ares_socklen_t* from_size,
         void*) -> ares_ssize_t { return recvfrom(fd, room, size, flags, from, from_size); },
      [](ares_socket_t fd, const iovec* parts, int count, void*) -> ares_ssize_t {
        msghdr message{};
        message.msg_iov = const_cast<iovec*>(parts);
        message.msg_iovlen = static_cast<std::size_t>(count);
        return sendmsg(fd, &message, MSG_NOSIGNAL);
      },
  };
  ares_set_socket_functions(handle, &kSocketFunctions, this);
  if (!options.servers.empty()) ares_set_servers_ports_csv(handle, options.servers.c_str());
  return handle;
}

/// As c-ares does it, except that no program which another thread starts meanwhile inherits it, and
/// that one which cannot be watched is none: nobody would see its answer.
int DnsChannel::open_socket(int family, int type, int protocol) {
  const int fd = socket(family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol);
  int error = fd < 0 ? errno : 0;
  if (error == 0) {
    auto opened = std::make_unique<Socket>(*this, loop_, fd);
    error = opened->watch();
    if (error == 0) {
      sockets_.emplace(fd, std::move(opened));
    } else {
      close(fd);
    }
  }
  out_of_room_ = error != 0 && error != EAFNOSUPPORT;
  errno = error;
  return error == 0 ? fd : -1;
}

int DnsChannel::servers() const {
  ares_addr_port_node* list = nullptr;
  if (ares_get_servers_ports(handle_, &list) != ARES_SUCCESS) return 0;
  int count = 0;
  for (const auto* server = list; server != nullptr; server = server->next) ++count;
  ares_free_data(list);
  return count;
}

void DnsChannel::ask(const std::string& name, IpAddress::Family family, OnAnswer on_answer,
                     void* argument) {
  ares_query(handle_, name.c_str(), kClassIn, family == IpAddress::Family::v4 ? kTypeA : kTypeAaaa,
             on_answer, argument);
}

void DnsChannel::cancel() { ares_cancel(handle_); }

void DnsChannel::process() { ares_process_fd(handle_, ARES_SOCKET_BAD, ARES_SOCKET_BAD); }

/// May destroy the socket.
void DnsChannel::process(int fd, std::uint32_t events) {
  constexpr std::uint32_t kReadable = EPOLLIN | EPOLLERR | EPOLLHUP;
  ares_process_fd(handle_, (events & kReadable) != 0 ? fd : ARES_SOCKET_BAD,
                  (events & EPOLLOUT) != 0 ? fd : ARES_SOCKET_BAD);
  processed_();
}

std::optional<std::chrono::milliseconds> DnsChannel::wait() const {
  timeval wait{};
  if (ares_timeout(handle_, nullptr, &wait) == nullptr) return std::nullopt;
  const std::chrono::milliseconds rounded_up(wait.tv_sec * 1'000 + (wait.tv_usec + 999) / 1'000);
  return std::max(rounded_up, std::chrono::milliseconds(1));
}

void DnsChannel::on_socket_state(void* self, int fd, int readable, int writable) {
  DnsChannel& channel = *static_cast<DnsChannel*>(self);
  std::uint32_t events = 0;
  if (readable != 0) events |= EPOLLIN;
  if (writable != 0) events |= EPOLLOUT;
  // Of none: it is closed next.
  if (events == 0) return;
  if (const auto known = channel.sockets_.find(fd); known != channel.sockets_.end()) {
    known->second->watch_for(events);
  }
}

}  // namespace culvert
