#include "support/plain_scene.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <stdexcept>
#include <utility>

#include "net/manual_clock.h"
#include "net/own_address.h"
#include "net/pipe.h"
#include "net/tcp_stream.h"
#include "options/upstream_url.h"
#include "session/http_client.h"
#include "support/memory_file.h"
#include "support/turns.h"

namespace culvert::test {
namespace {

void check(bool fine, const char* what) {
  if (!fine) throw std::runtime_error(what);
}

/// Two ends of a TCP connection: only such a one can be reset.
std::pair<int, int> connected_pair(int buffer) {
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const auto set_buffers = [buffer](int fd) {
    if (buffer == 0) return;
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer);
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &buffer, sizeof buffer);
  };
  set_buffers(listener);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  check(bind(listener, generic, size) == 0 && listen(listener, 1) == 0, "listen");
  getsockname(listener, generic, &size);
  const int one = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  set_buffers(one);
  check(connect(one, generic, size) == 0, "connect");
  const int other = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
  check(other >= 0, "accept");
  close(listener);
  for (const int fd : {one, other}) {
    const int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    fcntl(fd, F_SETFL, O_NONBLOCK);
  }
  return {one, other};
}

}  // namespace

SocketPeer::~SocketPeer() {
  if (fd_ >= 0) close(fd_);
}

std::size_t SocketPeer::send(std::string_view bytes) {
  const ssize_t count = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  return count > 0 ? static_cast<std::size_t>(count) : 0;
}

void SocketPeer::finish() { shutdown(fd_, SHUT_WR); }

void SocketPeer::reset() {
  const linger now{1, 0};
  setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  close(std::exchange(fd_, -1));
}

std::string SocketPeer::receive() {
  std::string received;
  std::array<char, 65536> buffer;
  while (!ended_ && !reset_ && fd_ >= 0) {
    const ssize_t count = recv(fd_, buffer.data(), buffer.size(), 0);
    if (count < 0 && errno == EAGAIN) break;
    ended_ = count == 0;
    reset_ = count < 0;
    if (count > 0) received.append(buffer.data(), static_cast<std::size_t>(count));
  }
  return received;
}

/// What a worker would own, and the dials' other ends.
class PlainScene::Wiring final : public Transport {
 public:
  explicit Wiring(Options given)
      : options(std::move(given)),
        log(-1, options.access_log ? access_file.fd() : -1, Log::Level::error, Log::Format::text),
        access({}, true),
        router(1),
        guard(listeners, router, is_own_address),
        buffer(64 * 1024),
        context{.loop = loop,
                .log = log,
                .config = options.config,
                .gate = Gate(access, router, options.config.max_connections),
                .guard = guard,
                .upstreams = upstreams,
                .resumptions = resumptions,
                .flow = {buffer, pipes},
                .pseudonym = "scene"} {
    auto upstream = std::make_unique<Upstream>();
    std::vector<std::string> problems;
    upstream->config = parse_upstream(options.upstream, problems);
    check(problems.empty(), "upstream");
    upstream->transport = std::shared_ptr<Transport>(std::shared_ptr<void>(), this);
    if (upstream->config.credentials) upstream->authorization = Secret("Basic secret");
    upstreams.push_back(std::move(upstream));
    loop.set_turn_end([this] { log.flush(); });
  }
  std::unique_ptr<Dial> dial(const HostPort& address, Side, const AddressCheck&,
                             DialDone done) override {
    return std::make_unique<ScriptedDial>(*this, address, done);
  }

  struct ScriptedDial final : Dial {
    ScriptedDial(Wiring& owner, const HostPort& to, DialDone when_done)
        : wiring(owner), address(to.to_string()), done(when_done) {}
    void start() override {
      wiring.addresses.push_back(address);
      if (wiring.refusal) return done(*wiring.refusal);
      const auto [ours, theirs] = connected_pair(wiring.options.socket_buffer);
      wiring.targets.push_back(std::make_unique<SocketPeer>(theirs));
      std::unique_ptr<Stream> stream =
          std::make_unique<TcpStream>(wiring.loop, ours, TcpStream::State::connected);
      done(DialResult(std::move(stream)));
    }
    Wiring& wiring;
    std::string address;
    DialDone done;
  };

  Options options;
  MemoryFile access_file;
  ManualClock clock;
  Loop loop{&clock};
  Log log;
  AccessPolicy access;
  Router router;
  std::vector<HostPort> listeners;
  AddressGuard guard;
  Resumptions resumptions;
  std::vector<char> buffer;
  PipePool pipes;
  std::vector<std::unique_ptr<Upstream>> upstreams;
  SessionContext context;
  ListenConfig listen;
  ListenerTerms listener{listen};
  std::vector<std::unique_ptr<SocketPeer>> targets;
  std::vector<std::string> addresses;
  std::optional<Error> refusal;
  std::unique_ptr<Session> session;
};

PlainScene::PlainScene(Options options) : wiring_(std::make_unique<Wiring>(std::move(options))) {
  const auto [ours, theirs] = connected_pair(wiring_->options.socket_buffer);
  client_ = std::make_unique<SocketPeer>(theirs);
  auto stream = std::make_unique<TcpStream>(wiring_->loop, ours, TcpStream::State::connected);
  auto protocol = std::make_unique<HttpClient>(wiring_->context, *stream, wiring_->listener);
  wiring_->session = std::make_unique<Session>(
      wiring_->context, 1, std::move(stream), std::move(protocol), wiring_->options.peer,
      Admission::serve, Callback<void(Session&)>::to<&PlainScene::on_finished>(this));
  wiring_->session->start();
}

PlainScene::~PlainScene() {
  if (wiring_->session && !over_) wiring_->session->abort("told to");
  wiring_->session.reset();
}

void PlainScene::on_finished(Session&) { over_ = true; }

void PlainScene::settle() {
  // A turn brings at most one step of each side; loopback delivers at once.
  for (int i = 0; i < 12; ++i) wiring_->loop.turn(0);
  if (over_) wiring_->session.reset();
}

void PlainScene::pass(std::chrono::milliseconds duration) {
  const TurnLimit end(wiring_->loop, duration);
  while (!end.reached() && !over_) wiring_->loop.turn(end.left_ms());
  settle();
}

void PlainScene::send(std::string_view bytes) {
  check(client_->send(bytes) == bytes.size(), "the client's socket is full");
  settle();
}

std::string PlainScene::receive() {
  settle();
  return client_->receive();
}

SocketPeer& PlainScene::target(std::size_t index) {
  settle();
  return *wiring_->targets.at(index);
}

std::size_t PlainScene::dialed() const { return wiring_->addresses.size(); }

const std::string& PlainScene::dialed_address(std::size_t index) const {
  return wiring_->addresses.at(index);
}

void PlainScene::answer(std::string_view bytes, std::size_t index) {
  check(target(index).send(bytes) == bytes.size(), "the target's socket is full");
  settle();
}

std::string PlainScene::at_target(std::size_t index) {
  settle();
  return index < wiring_->targets.size() ? wiring_->targets[index]->receive() : std::string();
}

void PlainScene::refuse_dials(const Error& error) { wiring_->refusal = error; }

void PlainScene::begin_drain() {
  wiring_->context.draining = true;
  wiring_->session->begin_drain();
  settle();
}

void PlainScene::abort() {
  wiring_->session->abort("told to");
  settle();
}

std::vector<std::string> PlainScene::access_lines() {
  wiring_->log.flush();
  std::string text = wiring_->access_file.text();
  std::vector<std::string> lines;
  for (std::size_t end = 0; (end = text.find('\n')) != std::string::npos; text.erase(0, end + 1)) {
    lines.push_back(text.substr(0, end));
  }
  return lines;
}

std::string crlf(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\n') out += '\r';
    out += c;
  }
  return out;
}

}  // namespace culvert::test
