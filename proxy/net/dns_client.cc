// The functions that newer versions deprecate are all that Debian 12's has.
#define CARES_NO_DEPRECATED
#include "net/dns_client.h"

#include <ares.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <optional>
#include <utility>

namespace culvert {
namespace {

// From <arpa/nameser.h>, whose names are macros.
constexpr int kClassIn = 1;
constexpr int kTypeA = 1;
constexpr int kTypeAaaa = 28;

constexpr int kMostAddresses = 64;  // of one name and family

NameOutcome outcome_of(int status) {
  switch (status) {
    case ARES_SUCCESS:
      return NameOutcome::found;
    case ARES_ENOTFOUND:
    case ARES_EBADNAME:
      return NameOutcome::no_name;
    case ARES_ENODATA:
      return NameOutcome::no_address;
    case ARES_EREFUSED:
      return NameOutcome::refused;
    case ARES_ESERVFAIL:
      return NameOutcome::server_failed;
    case ARES_ECONNREFUSED:
      return NameOutcome::unreachable;
    case ARES_ENOMEM:
      return NameOutcome::no_room;
    case ARES_ETIMEOUT:
      return NameOutcome::no_answer;
    default:
      return NameOutcome::bad_answer;
  }
}

template <std::size_t kSize, typename Raw>
std::array<std::uint8_t, kSize> bytes_of(const Raw& raw) {
  static_assert(sizeof raw == kSize);
  std::array<std::uint8_t, kSize> bytes{};
  std::memcpy(bytes.data(), &raw, kSize);
  return bytes;
}

NameAnswer read_a(const unsigned char* bytes, int size) {
  std::array<ares_addrttl, kMostAddresses> found{};
  int count = kMostAddresses;
  const int status = ares_parse_a_reply(bytes, size, nullptr, found.data(), &count);
  NameAnswer answer{outcome_of(status), {}};
  for (int i = 0; status == ARES_SUCCESS && i < count; ++i) {
    answer.addresses.push_back(
        IpAddress::v4(bytes_of<4>(found[static_cast<std::size_t>(i)].ipaddr)));
  }
  return answer;
}

NameAnswer read_aaaa(const unsigned char* bytes, int size) {
  std::array<ares_addr6ttl, kMostAddresses> found{};
  int count = kMostAddresses;
  const int status = ares_parse_aaaa_reply(bytes, size, nullptr, found.data(), &count);
  NameAnswer answer{outcome_of(status), {}};
  for (int i = 0; status == ARES_SUCCESS && i < count; ++i) {
    answer.addresses.push_back(
        IpAddress::v6(bytes_of<16>(found[static_cast<std::size_t>(i)].ip6addr)).unmapped());
  }
  return answer;
}

/// c-ares' sockets, except that no program which another thread starts meanwhile inherits one.
const ares_socket_functions kSocketFunctions = {
    [](int family, int type, int protocol, void*) {
      return socket(family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol);
    },
    [](ares_socket_t fd, void*) { return close(fd); },
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

/// c-ares takes a socket that cannot be had for a server that cannot be reached.
bool socket_can_be_had() {
  const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd >= 0) close(fd);
  return fd >= 0;
}

/// Does another server perhaps know better?
bool is_refusal(NameOutcome outcome) {
  return outcome == NameOutcome::refused || outcome == NameOutcome::server_failed ||
         outcome == NameOutcome::bad_answer;
}

/// Does this answer of another server tell more than a refusal?
bool is_better(NameOutcome outcome) {
  return outcome == NameOutcome::found || outcome == NameOutcome::no_name ||
         outcome == NameOutcome::no_address;
}

}  // namespace

/// One of c-ares' sockets.
class DnsClient::Socket final : public Pollable {
 public:
  Socket(Channel& channel, Loop& loop, int fd, std::uint32_t events)
      : channel_(channel), loop_(loop), fd_(fd) {
    // Unwatched it stays silent, which its question's time limit ends.
    watched_ = loop_.watch(fd_, *this, events) == 0;
  }
  /// c-ares closes the descriptor next.
  ~Socket() override { loop_.unwatch_closing(*this); }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;

  void watch_for(std::uint32_t events) {
    if (watched_) loop_.rewatch(fd_, *this, events);
  }

 private:
  void on_poll(std::uint32_t events) override;

  Channel& channel_;
  Loop& loop_;
  int fd_;
  bool watched_ = false;
};

/// One of c-ares' channels.
class DnsClient::Channel {
 public:
  Channel(DnsClient& client, const Options& options, int more_flags)
      : client_(client), handle_(open(options, more_flags)) {}
  ~Channel() {
    if (handle_ != nullptr) ares_destroy(handle_);
  }
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;

  /// False when there was no memory for it.
  bool usable() const { return handle_ != nullptr; }
  int servers() const;
  void ask(Question& question);
  void cancel() { ares_cancel(handle_); }
  /// What is due or, with descriptors, ready.
  void process(int readable = ARES_SOCKET_BAD, int writable = ARES_SOCKET_BAD) {
    ares_process_fd(handle_, readable, writable);
  }
  /// process() has been called for a socket.
  void deliver() { client_.deliver(); }
  /// Until it has something to do; nullopt: nothing is in flight.
  std::optional<std::chrono::milliseconds> wait() const;

 private:
  ares_channeldata* open(const Options& options, int more_flags);
  static void on_socket_state(void* self, int fd, int readable, int writable);

  DnsClient& client_;
  std::map<int, std::unique_ptr<Socket>> sockets_;
  ares_channeldata* handle_;
};

struct DnsClient::Question {
  DnsClient& client;
  std::string name;
  IpAddress::Family family;
  Done done;
  std::optional<NameOutcome> refusal;  // of the first server
};

/// May destroy this.
void DnsClient::Socket::on_poll(std::uint32_t events) {
  constexpr std::uint32_t kReadable = EPOLLIN | EPOLLERR | EPOLLHUP;
  Channel& channel = channel_;
  channel.process((events & kReadable) != 0 ? fd_ : ARES_SOCKET_BAD,
                  (events & EPOLLOUT) != 0 ? fd_ : ARES_SOCKET_BAD);
  channel.deliver();
}

ares_channeldata* DnsClient::Channel::open(const Options& options, int more_flags) {
  // Needed on Windows only, but asked for everywhere.
  [[maybe_unused]] static const int kInitialised = ares_library_init(ARES_LIB_INIT_ALL);
  ares_options given{};
  std::string file = options.resolv_conf;
  // The search list is ours: A and AAAA of one name belong together.
  given.flags = ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES | ARES_FLAG_EDNS | more_flags;
  given.timeout = static_cast<int>(options.repeat_after.count());
  given.tries = options.tries;
  given.sock_state_cb = &Channel::on_socket_state;
  given.sock_state_cb_data = this;
  given.resolvconf_path = file.data();
  int mask = ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB |
             ARES_OPT_RESOLVCONF;
#ifdef ARES_OPT_QUERY_CACHE
  mask |= ARES_OPT_QUERY_CACHE;  // of no entry: the system's cache is the one to flush
#endif
  ares_channeldata* handle = nullptr;
  if (ares_init_options(&handle, &given, mask) != ARES_SUCCESS) return nullptr;
  ares_set_socket_functions(handle, &kSocketFunctions, nullptr);
  if (!options.servers.empty()) ares_set_servers_ports_csv(handle, options.servers.c_str());
  return handle;
}

int DnsClient::Channel::servers() const {
  ares_addr_port_node* list = nullptr;
  if (ares_get_servers_ports(handle_, &list) != ARES_SUCCESS) return 0;
  int count = 0;
  for (const auto* server = list; server != nullptr; server = server->next) ++count;
  ares_free_data(list);
  return count;
}

void DnsClient::Channel::ask(Question& question) {
  ares_query(handle_, question.name.c_str(), kClassIn,
             question.family == IpAddress::Family::v4 ? kTypeA : kTypeAaaa, &DnsClient::on_answer,
             &question);
}

std::optional<std::chrono::milliseconds> DnsClient::Channel::wait() const {
  timeval wait{};
  if (ares_timeout(handle_, nullptr, &wait) == nullptr) return std::nullopt;
  const std::chrono::milliseconds rounded_up(wait.tv_sec * 1'000 + (wait.tv_usec + 999) / 1'000);
  return std::max(rounded_up, std::chrono::milliseconds(1));
}

void DnsClient::Channel::on_socket_state(void* self, int fd, int readable, int writable) {
  Channel& channel = *static_cast<Channel*>(self);
  std::uint32_t events = 0;
  if (readable != 0) events |= EPOLLIN;
  if (writable != 0) events |= EPOLLOUT;
  if (events == 0) {
    channel.sockets_.erase(fd);
  } else if (const auto known = channel.sockets_.find(fd); known != channel.sockets_.end()) {
    known->second->watch_for(events);
  } else {
    channel.sockets_.emplace(fd,
                             std::make_unique<Socket>(channel, channel.client_.loop_, fd, events));
  }
}

DnsClient::DnsClient(Loop& loop, const Options& options)
    : loop_(loop),
      timer_(loop, Callback<void()>::to<&DnsClient::on_timer>(this)),
      channel_(std::make_unique<Channel>(*this, options, ARES_FLAG_NOCHECKRESP)) {
  if (!channel_->usable() || channel_->servers() < 2) return;
  next_servers_ = std::make_unique<Channel>(*this, options, 0);
  if (!next_servers_->usable()) next_servers_.reset();
}

DnsClient::~DnsClient() {
  forgetting_ = true;
  next_servers_.reset();
  channel_.reset();
}

void DnsClient::ask(const std::string& name, IpAddress::Family family, Done done) {
  if (!channel_->usable()) {
    answers_.emplace_back(std::move(done), NameAnswer{NameOutcome::no_room, {}});
  } else {
    ++in_flight_;
    auto question =
        std::make_unique<Question>(Question{*this, name, family, std::move(done), std::nullopt});
    channel_->ask(*question.release());
  }
  update_timer();
}

void DnsClient::forget_all() {
  answers_.clear();
  if (in_flight_ > 0) {
    forgetting_ = true;
    channel_->cancel();
    if (next_servers_) next_servers_->cancel();
    forgetting_ = false;
  }
  update_timer();
}

/// c-ares calls this once for each question, often within one of its functions; so nobody else is
/// called from here.
void DnsClient::on_answer(void* question, int status, int, unsigned char* bytes, int size) {
  std::unique_ptr<Question> own(static_cast<Question*>(question));
  DnsClient& client = own->client;
  --client.in_flight_;
  if (client.forgetting_) return;
  NameAnswer answer{outcome_of(status), {}};
  if (status == ARES_SUCCESS) {
    answer = own->family == IpAddress::Family::v4 ? read_a(bytes, size) : read_aaaa(bytes, size);
  }
  if (answer.outcome == NameOutcome::unreachable && !socket_can_be_had()) {
    answer.outcome = NameOutcome::no_room;
  }
  if (!own->refusal && client.next_servers_ && is_refusal(answer.outcome)) {
    own->refusal = answer.outcome;
    ++client.in_flight_;
    client.next_servers_->ask(*own.release());
    return;
  }
  if (own->refusal && !is_better(answer.outcome)) answer = {*own->refusal, {}};
  client.answers_.emplace_back(std::move(own->done), std::move(answer));
}

void DnsClient::on_timer() {
  if (channel_->usable()) channel_->process();
  if (next_servers_) next_servers_->process();
  deliver();
}

void DnsClient::deliver() {
  // Those that come while this goes on get a turn of their own.
  for (std::size_t left = answers_.size(); left > 0 && !answers_.empty(); --left) {
    const auto [done, answer] = std::move(answers_.front());
    answers_.pop_front();
    done(answer);
  }
  update_timer();
}

void DnsClient::update_timer() {
  if (!answers_.empty()) return timer_.start(std::chrono::milliseconds(0));
  std::optional<std::chrono::milliseconds> wait;
  for (const auto* channel : {channel_.get(), next_servers_.get()}) {
    if (channel == nullptr || in_flight_ == 0) continue;
    if (const auto own = channel->wait()) wait = std::min(wait.value_or(*own), *own);
  }
  wait ? timer_.start(*wait) : timer_.stop();
}

}  // namespace culvert
