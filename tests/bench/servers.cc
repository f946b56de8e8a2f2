#include "servers.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <vector>

#include <openssl/err.h>
#include <openssl/evp.h>

#include "tls.h"
#include "wire.h"

namespace bench {
namespace {

enum class Role { echo, sink, source, origin };
enum class Stage { socks_greeting, socks_password, socks_request, http_request, target };

/// What a connection needs to know of the others, and what it adds to.
struct House {
  Poller poller;
  TlsContext tls;
  std::map<int, Role> targets;
  std::string basic;
  // Each connection at the place of its descriptor.
  std::vector<std::unique_ptr<Watched>> connections;
  std::uint64_t accepted = 0;
  std::uint64_t open = 0;
  std::uint64_t passwords = 0;
  std::uint64_t tls_full = 0;
  std::uint64_t tls_resumed = 0;
  std::uint64_t complaints = 0;
  std::string cipher;
};

/// What a port is for.
struct Door {
  Stage stage = Stage::target;
  Role role = Role::echo;
  bool password = false;
  bool tls = false;
};

constexpr ssize_t kLater = -1;
constexpr ssize_t kBroken = -2;

/// A connection's bytes, in the clear or over TLS.
class Wire {
 public:
  Wire(int fd, SSL_CTX* tls) : fd_(fd), tls_(tls == nullptr ? nullptr : SSL_new(tls)) {
    if (tls_ == nullptr) return;
    SSL_set_fd(tls_, fd);
    SSL_set_accept_state(tls_);
  }
  ~Wire() {
    if (tls_ != nullptr) {
      if (SSL_is_init_finished(tls_) != 0) SSL_shutdown(tls_);
      SSL_free(tls_);
    }
    close(fd_);
  }
  Wire(const Wire&) = delete;
  Wire& operator=(const Wire&) = delete;

  int fd() const { return fd_; }
  SSL* tls() const { return tls_; }

  /// Bytes, 0 at the end, kLater or kBroken.
  ssize_t read(char* to, std::size_t size) {
    if (tls_ == nullptr) return outcome(recv(fd_, to, size, 0));
    ERR_clear_error();
    return tls_outcome(SSL_read(tls_, to, static_cast<int>(size)));
  }
  /// Takes bytes without looking at them, which costs no copy in the clear.
  ssize_t discard(std::size_t size) {
    if (tls_ != nullptr) return read(scratch(), std::min(size, kScratch));
    return outcome(recv(fd_, nullptr, size, MSG_TRUNC));
  }
  ssize_t write(std::string_view bytes) {
    if (tls_ == nullptr) return outcome(send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL));
    ERR_clear_error();
    return tls_outcome(SSL_write(tls_, bytes.data(), static_cast<int>(bytes.size())));
  }
  void finish_writing() {
    if (tls_ != nullptr) SSL_shutdown(tls_);
    shutdown(fd_, SHUT_WR);
  }

 private:
  static ssize_t outcome(ssize_t result) {
    if (result >= 0) return result;
    return errno == EAGAIN || errno == EINTR ? kLater : kBroken;
  }
  ssize_t tls_outcome(int result) const {
    if (result > 0) return result;
    switch (SSL_get_error(tls_, result)) {
      case SSL_ERROR_WANT_READ:
      case SSL_ERROR_WANT_WRITE:
        return kLater;
      case SSL_ERROR_ZERO_RETURN:
        return 0;
      default:
        return kBroken;
    }
  }

  int fd_;
  SSL* tls_;
};

class Connection final : public Watched {
 public:
  Connection(House& house, const Door& door, int fd)
      : house_(house), door_(door), wire_(fd, door.tls ? house.tls.get() : nullptr) {
    ++house_.accepted;
    ++house_.open;
    house_.poller.add(fd, events_, this);
  }
  ~Connection() override { --house_.open; }

  void on_event(std::uint32_t events) override {
    if ((events & EPOLLERR) != 0 || !move_bytes(events)) {
      house_.connections[static_cast<std::size_t>(wire_.fd())].reset();
      return;
    }
    const std::uint32_t wanted = (reads() ? EPOLLIN : 0U) | (has_output() ? EPOLLOUT : 0U);
    if (wanted == events_) return;
    events_ = wanted;
    house_.poller.change(wire_.fd(), events_, this);
  }

 private:
  // Enough in one go to be quick, and not so much that others wait.
  static constexpr std::uint64_t kTurn = 1 << 20;

  bool has_output() const { return sent_ < out_.size() || left_to_send_ > 0; }
  // Who does not read the echo gets no more of it; a source has nothing to hear until it is done.
  bool reads() const { return !ended_ && out_.size() - sent_ < kScratch && left_to_send_ == 0; }

  // False when the connection is over.
  bool move_bytes(std::uint32_t events) {
    if ((events & (EPOLLIN | EPOLLHUP)) != 0 && reads() && !receive()) return false;
    if (!transmit()) return false;
    return !ended_ || has_output();
  }

  bool receive() {
    for (std::uint64_t taken = 0; taken < kTurn && reads();) {
      const bool unread = door_.stage == Stage::target && door_.role == Role::sink &&
                          left_to_take_ > 0 && order_.seed == 0;
      const std::size_t room = std::min<std::uint64_t>(kTurn, left_to_take_);
      const ssize_t count = unread ? wire_.discard(room) : wire_.read(scratch(), kScratch);
      if (count == kLater) return true;
      if (count == kBroken) return false;
      if (count == 0) {
        ended_ = true;
        return door_.stage == Stage::target;
      }
      if (door_.tls) note_handshake();
      taken += static_cast<std::uint64_t>(count);
      if (unread) {
        took(static_cast<std::uint64_t>(count));
      } else if (!hear({scratch(), static_cast<std::size_t>(count)})) {
        // The reason is still to be told.
        ended_ = true;
        return true;
      }
      // What is left over would have come along.
      if (!door_.tls && !unread && static_cast<std::size_t>(count) < kScratch) return true;
    }
    return true;
  }

  bool transmit() {
    while (sent_ < out_.size()) {
      const ssize_t count = wire_.write(std::string_view(out_).substr(sent_));
      if (count == kLater) return true;
      if (count <= 0) return false;
      sent_ += static_cast<std::size_t>(count);
    }
    sent_ = 0;
    if (out_.capacity() > 4096) {
      std::string().swap(out_);
    } else {
      out_.clear();
    }
    for (std::uint64_t given = 0; left_to_send_ > 0 && given < kTurn;) {
      const ssize_t count = wire_.write(Pattern::at(order_.seed, position_, left_to_send_));
      if (count == kLater) return true;
      if (count <= 0) return false;
      position_ += static_cast<std::uint64_t>(count);
      given += static_cast<std::uint64_t>(count);
      left_to_send_ -= static_cast<std::uint64_t>(count);
      if (left_to_send_ == 0 && door_.role == Role::source) wire_.finish_writing();
    }
    return true;
  }

  // False when the client has to go.
  bool hear(std::string_view bytes) {
    if (door_.stage == Stage::target && door_.role == Role::echo) {
      out_.append(bytes);
      return true;
    }
    if (door_.stage == Stage::target && left_to_take_ > 0) {
      take(bytes);
      return true;
    }
    in_.append(bytes);
    bool more = true;
    while (more) {
      switch (step(more)) {
        case Step::next:
          break;
        case Step::refused:
          ++house_.complaints;
          return false;
      }
    }
    return true;
  }

  enum class Step { next, refused };
  Step step(bool& more) {
    const Stage stage = door_.stage;
    const std::size_t had = in_.size();
    Step result = Step::next;
    switch (stage) {
      case Stage::socks_greeting:
        result = greet();
        break;
      case Stage::socks_password:
        result = check_password();
        break;
      case Stage::socks_request:
        result = connect_by_socks();
        break;
      case Stage::http_request:
        result = connect_by_http();
        break;
      case Stage::target:
        result = serve_target();
        break;
    }
    more = in_.size() != had || (door_.stage != stage && !in_.empty());
    return result;
  }

  unsigned char byte(std::size_t at) const { return static_cast<unsigned char>(in_[at]); }

  Step greet() {
    if (in_.size() < 2 || in_.size() < 2U + byte(1)) return Step::next;
    const char method = door_.password ? 2 : 0;
    const bool offered = in_.substr(2, byte(1)).find(method) != std::string::npos;
    in_.erase(0, 2U + byte(1));
    out_ += {5, offered ? method : '\xff'};
    door_.stage = door_.password ? Stage::socks_password : Stage::socks_request;
    return offered ? Step::next : Step::refused;
  }

  Step check_password() {
    if (in_.size() < 2 || in_.size() < 3U + byte(1)) return Step::next;
    const std::size_t second = 2U + byte(1);
    if (in_.size() < second + 1 + byte(second)) return Step::next;
    const bool right =
        in_.substr(2, byte(1)) == kUser && in_.substr(second + 1, byte(second)) == kPassword;
    in_.erase(0, second + 1 + byte(second));
    out_ += {1, right ? '\0' : '\1'};
    if (right) ++house_.passwords;
    door_.stage = Stage::socks_request;
    return right ? Step::next : Step::refused;
  }

  Step connect_by_socks() {
    if (in_.size() < 5) return Step::next;
    const std::size_t name = byte(3) == 1 ? 4U : byte(3) == 4 ? 16U : 1U + byte(4);
    if (in_.size() < 6 + name) return Step::next;
    const int port = byte(4 + name) << 8 | byte(5 + name);
    in_.erase(0, 6 + name);
    const bool known = become(port);
    out_ += {5, known ? '\0' : '\5', 0, 1, 127, 0, 0, 1, 0, 1};
    return known ? Step::next : Step::refused;
  }

  Step connect_by_http() {
    const std::size_t end = in_.find("\r\n\r\n");
    if (end == std::string::npos) return Step::next;
    const std::string head = in_.substr(0, end + 2);
    if (door_.password && header(head, "proxy-authorization") != house_.basic) {
      out_ += "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n";
      return Step::refused;
    }
    if (door_.password) ++house_.passwords;
    if (!head.starts_with("CONNECT ")) {
      // A plain request: the target answers it here, and those that follow.
      door_.stage = Stage::target;
      door_.role = Role::origin;
      return Step::next;
    }
    in_.erase(0, end + 4);
    const std::string target = head.substr(8, head.find(' ', 8) - 8);
    const bool known = become(std::atoi(target.c_str() + target.rfind(':') + 1));
    out_ +=
        known ? "HTTP/1.1 200 OK\r\n\r\n" : "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n";
    return known ? Step::next : Step::refused;
  }

  bool become(int port) {
    const auto found = house_.targets.find(port);
    if (found == house_.targets.end()) return false;
    door_.stage = Stage::target;
    door_.role = found->second;
    return true;
  }

  Step serve_target() {
    switch (door_.role) {
      case Role::echo:
        out_ += in_;
        in_.clear();
        return Step::next;
      case Role::sink:
      case Role::source:
        return obey();
      case Role::origin:
        return answer();
    }
    return Step::refused;
  }

  Step obey() {
    if (in_.size() < Order::kSize) return Step::next;
    order_ = Order::decode(in_);
    const std::string early = in_.substr(Order::kSize);
    in_.clear();
    if (door_.role == Role::source) {
      left_to_send_ = order_.bytes;
      return early.empty() ? Step::next : Step::refused;
    }
    left_to_take_ = order_.bytes;
    if (!early.empty()) take(early);
    return Step::next;
  }

  void take(std::string_view bytes) {
    if (order_.seed != 0) hash_.add(bytes);
    took(bytes.size());
  }

  // More than was ordered shows in the receipt, as does less by there being none.
  void took(std::uint64_t count) {
    taken_ += count;
    left_to_take_ -= std::min(left_to_take_, count);
    if (left_to_take_ == 0) out_ += Receipt{taken_, order_.seed != 0 ? hash_.value() : 0}.encode();
  }

  // GET .../SIZE; one request at a time.
  Step answer() {
    const std::size_t end = in_.find("\r\n\r\n");
    if (end == std::string::npos) return in_.size() > 65536 ? Step::refused : Step::next;
    const std::size_t line = in_.find(" HTTP/1.");
    const std::size_t slash = in_.rfind('/', line);
    if (line == std::string::npos || slash == std::string::npos || in_.size() > end + 4)
      return Step::refused;
    const std::uint64_t size = std::strtoull(in_.c_str() + slash + 1, nullptr, 10);
    in_.clear();
    out_ += "HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: " +
            std::to_string(size) + "\r\n\r\n";
    // One write for a small answer, as a web server would do.
    if (size <= 16384) {
      out_ += Pattern::at(0, 0, size);
    } else {
      position_ = 0;
      left_to_send_ = size;
    }
    return Step::next;
  }

  void note_handshake() {
    if (greeted_) return;
    greeted_ = true;
    ++(SSL_session_reused(wire_.tls()) != 0 ? house_.tls_resumed : house_.tls_full);
    house_.cipher = SSL_get_cipher_name(wire_.tls());
  }

  House& house_;
  Door door_;
  Wire wire_;
  std::uint32_t events_ = EPOLLIN;
  bool ended_ = false;
  bool greeted_ = false;
  std::string in_;
  std::string out_;
  std::size_t sent_ = 0;
  Order order_;
  std::uint64_t position_ = 0;
  std::uint64_t left_to_send_ = 0;
  std::uint64_t left_to_take_ = 0;
  std::uint64_t taken_ = 0;
  Hash hash_;
};

class Listener final : public Watched {
 public:
  Listener(House& house, const Door& door) : house_(house), door_(door), fd_(stream_socket()) {
    const sockaddr_in address = to_address("127.0.0.1:0");
    if (bind(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
        listen(fd_, 8192) != 0)
      fail("cannot listen on 127.0.0.1");
    // The accepted sockets inherit it.
    set_no_delay(fd_);
    house_.poller.add(fd_, EPOLLIN, this);
  }
  ~Listener() override { close(fd_); }
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  int port() const { return ntohs(local_address(fd_).sin_port); }

  void on_event(std::uint32_t /*events*/) override {
    for (int i = 0; i < 128; ++i) {
      const int fd = accept4(fd_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (fd < 0 && (errno == EMFILE || errno == ENFILE)) fail("out of descriptors");
      if (fd < 0) return;
      const auto place = static_cast<std::size_t>(fd);
      if (place >= house_.connections.size()) house_.connections.resize(2 * place + 64);
      house_.connections[place] = std::make_unique<Connection>(house_, door_, fd);
    }
  }

 private:
  House& house_;
  Door door_;
  int fd_;
};

/// Answers each line of standard input with the counters.
class Report final : public Watched {
 public:
  explicit Report(House& house) : house_(house) { house_.poller.add(STDIN_FILENO, EPOLLIN, this); }

  bool over() const { return over_; }

  void on_event(std::uint32_t /*events*/) override {
    std::array<char, 256> line{};
    const ssize_t count = read(STDIN_FILENO, line.data(), line.size());
    if (count <= 0) {
      over_ = true;
      return;
    }
    std::printf(
        "{\"accepted\": %llu, \"open\": %llu, \"passwords\": %llu, \"tls_full\": %llu, "
        "\"tls_resumed\": %llu, \"tls_cipher\": \"%s\", \"complaints\": %llu}\n",
        wide(house_.accepted), wide(house_.open), wide(house_.passwords), wide(house_.tls_full),
        wide(house_.tls_resumed), house_.cipher.c_str(), wide(house_.complaints));
    std::fflush(stdout);
  }

 private:
  static unsigned long long wide(std::uint64_t number) { return number; }

  House& house_;
  bool over_ = false;
};

std::string basic_credentials() {
  const std::string text = std::string(kUser) + ":" + kPassword;
  std::array<unsigned char, 128> encoded{};
  EVP_EncodeBlock(encoded.data(), reinterpret_cast<const unsigned char*>(text.data()),
                  static_cast<int>(text.size()));
  return std::string("Basic ") + reinterpret_cast<const char*>(encoded.data());
}

}  // namespace

int serve(const std::string& certificate_file) {
  House house;
  house.tls = make_tls_server(certificate_file);
  house.basic = basic_credentials();

  const std::vector<std::pair<const char*, Door>> doors = {
      {"echo", {.role = Role::echo}},
      {"sink", {.role = Role::sink}},
      {"source", {.role = Role::source}},
      {"origin", {.role = Role::origin}},
      {"socks", {.stage = Stage::socks_greeting}},
      {"socks_second", {.stage = Stage::socks_greeting}},
      {"socks_third", {.stage = Stage::socks_greeting}},
      {"socks_fourth", {.stage = Stage::socks_greeting}},
      {"socks_password", {.stage = Stage::socks_greeting, .password = true}},
      {"http", {.stage = Stage::http_request}},
      {"http_password", {.stage = Stage::http_request, .password = true}},
      {"https", {.stage = Stage::http_request, .tls = true}},
  };
  std::vector<std::unique_ptr<Listener>> listeners;
  std::string said;
  for (const auto& [name, door] : doors) {
    listeners.push_back(std::make_unique<Listener>(house, door));
    const int port = listeners.back()->port();
    if (door.stage == Stage::target) house.targets[port] = door.role;
    said += (said.empty() ? "{\"" : ", \"") + std::string(name) + "\": " + std::to_string(port);
  }
  std::printf("%s}\n", said.c_str());
  std::fflush(stdout);

  const auto report = std::make_unique<Report>(house);
  while (!report->over()) house.poller.turn(-1);
  // They count themselves out, so they have to go before the house does.
  house.connections.clear();
  return 0;
}

}  // namespace bench
