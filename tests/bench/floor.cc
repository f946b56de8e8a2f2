// What relaying costs if nothing but the kernel is paid for: no parser, no limits, no log, no
// names, no time-outs. A proxy can hardly be cheaper, so its cost is told as a multiple of this.
//
//   floor relay --listen ADDRESS:PORT --to ADDRESS:PORT
//       bytes there and back
//   floor connect --listen ADDRESS:PORT --to ADDRESS:PORT [--password USER:PASSWORD]
//       HTTP CONNECT to an IPv4 address, by way of the SOCKS5 proxy at --to
//   --copy 1
//       never splice
//
// Sockets are edge-triggered and registered once. A direction is copied through one buffer until it
// has seen a bulk of bytes, and spliced from then on, through a pipe that it holds only while there
// are bytes inside.

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace {

constexpr std::size_t kBuffer = 64 * 1024;
constexpr std::size_t kPipe = 1 << 20;
constexpr std::size_t kSpliceAfter = 64 * 1024;
// How much one direction may move before the others get their turn.
constexpr std::size_t kTurn = 1 << 20;
constexpr std::size_t kSparePipes = 60;

enum class Stage : std::uint8_t { head, greeting, method, password, reply, relay };

struct Pipe {
  int out = -1;
  int in = -1;
};

struct Tunnel;

// One direction: what comes from one socket and goes to the other.
struct Direction {
  int from = -1;
  int to = -1;
  bool ended = false;
  bool passed_end = false;
  bool full = false;
  bool hung_up = false;
  Pipe pipe;
  std::size_t piped = 0;
  std::uint64_t total = 0;
  std::string rest;
};

// What epoll points to: a socket of a tunnel, and the direction that comes from it.
struct End {
  Tunnel* tunnel = nullptr;
  Direction direction;
};

struct Tunnel {
  End client;
  End upstream;
  Stage stage = Stage::relay;
  bool dead = false;
  bool queued = false;
  // The CONNECT request as SOCKS5 has it.
  std::array<char, 10> request{};
};

struct Floor {
  int epoll = -1;
  int listener = -1;
  sockaddr_in to{};
  bool connects = false;
  bool copies = false;
  // As RFC 1929 has them, or nothing.
  std::string credentials;
  std::array<char, kBuffer> buffer{};
  std::vector<Pipe> pipes;
  std::vector<Tunnel*> ready;
  std::vector<Tunnel*> dead;
};

Floor floor_;

[[noreturn]] void fail(const char* what) {
  std::fprintf(stderr, "floor: %s: %s\n", what, std::strerror(errno));
  std::exit(2);
}

bool would_block() { return errno == EAGAIN || errno == EINTR; }

bool take_pipe(Pipe& pipe) {
  if (!floor_.pipes.empty()) {
    pipe = floor_.pipes.back();
    floor_.pipes.pop_back();
    return true;
  }
  std::array<int, 2> fds{};
  if (pipe2(fds.data(), O_NONBLOCK | O_CLOEXEC) != 0) return false;
  // A smaller one is slower and does no harm.
  static_cast<void>(fcntl(fds[1], F_SETPIPE_SZ, static_cast<int>(kPipe)));
  pipe = {fds[0], fds[1]};
  return true;
}

void give_back(Direction& direction) {
  const Pipe pipe = direction.pipe;
  direction.pipe = {};
  if (pipe.out < 0) return;
  if (direction.piped == 0 && floor_.pipes.size() < kSparePipes) {
    floor_.pipes.push_back(pipe);
    return;
  }
  close(pipe.out);
  close(pipe.in);
}

// Sends what is held. False when the other side is gone; full is set when it takes no more.
bool flush(Direction& direction) {
  direction.full = false;
  while (!direction.rest.empty()) {
    const ssize_t count =
        send(direction.to, direction.rest.data(), direction.rest.size(), MSG_NOSIGNAL);
    if (count < 0) return direction.full = would_block();
    direction.rest.erase(0, static_cast<std::size_t>(count));
    if (direction.rest.empty()) std::string().swap(direction.rest);
  }
  while (direction.piped > 0) {
    const ssize_t count = splice(direction.pipe.out, nullptr, direction.to, nullptr,
                                 direction.piped, SPLICE_F_NONBLOCK | SPLICE_F_MOVE);
    if (count < 0) return direction.full = would_block();
    direction.piped -= static_cast<std::size_t>(count);
  }
  return true;
}

enum class Read { some, drained, nothing, broken };

Read splice_in(Direction& direction, std::size_t& count) {
  const ssize_t got = splice(direction.from, nullptr, direction.pipe.in, nullptr, kPipe,
                             SPLICE_F_NONBLOCK | SPLICE_F_MOVE);
  if (got < 0) return would_block() ? Read::nothing : Read::broken;
  direction.ended = got == 0;
  direction.piped = count = static_cast<std::size_t>(got);
  return Read::some;
}

Read copy(Direction& direction, std::size_t& count) {
  const ssize_t got = recv(direction.from, floor_.buffer.data(), kBuffer, 0);
  if (got < 0) return would_block() ? Read::nothing : Read::broken;
  direction.ended = got == 0;
  if (got == 0) return Read::some;
  count = static_cast<std::size_t>(got);
  ssize_t sent = send(direction.to, floor_.buffer.data(), count, MSG_NOSIGNAL);
  if (sent < 0 && !would_block()) return Read::broken;
  sent = std::max<ssize_t>(sent, 0);
  if (static_cast<std::size_t>(sent) < count) {
    direction.rest.assign(floor_.buffer.data() + sent, count - static_cast<std::size_t>(sent));
    direction.full = true;
  }
  // A short read has emptied the socket, unless the end was there too: its edge is not told again.
  return count < kBuffer && !direction.hung_up ? Read::drained : Read::some;
}

// Moves what there is to move. False when the tunnel is broken; again is set when there may be
// more.
bool move_bytes(Direction& direction, bool& again) {
  for (std::size_t moved = 0;;) {
    if (!flush(direction)) return false;
    if (direction.full) return true;
    if (direction.ended) {
      give_back(direction);
      if (!direction.passed_end) shutdown(direction.to, SHUT_WR);
      direction.passed_end = true;
      return true;
    }
    if (moved >= kTurn) {
      again = true;
      give_back(direction);
      return true;
    }
    std::size_t count = 0;
    const bool splices = !floor_.copies && direction.total >= kSpliceAfter &&
                         (direction.pipe.out >= 0 || take_pipe(direction.pipe));
    const Read read = splices ? splice_in(direction, count) : copy(direction, count);
    moved += count;
    direction.total += count;
    if (direction.full) return true;
    if (read == Read::some) continue;
    give_back(direction);
    return read != Read::broken;
  }
}

void bury(Tunnel& tunnel) {
  if (tunnel.dead) return;
  tunnel.dead = true;
  for (End* end : {&tunnel.client, &tunnel.upstream}) {
    give_back(end->direction);
    if (end->direction.from >= 0) close(end->direction.from);
  }
  floor_.dead.push_back(&tunnel);
}

void watch(End& end) {
  epoll_event event{};
  event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
  event.data.ptr = &end;
  if (epoll_ctl(floor_.epoll, EPOLL_CTL_ADD, end.direction.from, &event) != 0) fail("epoll_ctl");
}

// What is sent before it is connected waits for the edge that says that it is.
bool dial(Tunnel& tunnel) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return false;
  const int one = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  tunnel.upstream.direction.from = tunnel.client.direction.to = fd;
  tunnel.upstream.direction.to = tunnel.client.direction.from;
  return connect(fd, reinterpret_cast<const sockaddr*>(&floor_.to), sizeof floor_.to) == 0 ||
         errno == EINPROGRESS;
}

// "CONNECT 1.2.3.4:5 ..." in one piece; a client that sends less at first is out of luck.
bool read_head(Tunnel& tunnel) {
  const ssize_t count = recv(tunnel.client.direction.from, floor_.buffer.data(), kBuffer, 0);
  if (count < 0) return would_block();
  const std::string_view head(floor_.buffer.data(), static_cast<std::size_t>(count));
  const std::size_t end = head.find("\r\n\r\n");
  const std::size_t colon = head.find(':');
  if (end == std::string_view::npos || !head.starts_with("CONNECT ")) return false;
  in_addr address{};
  const std::string host(head.substr(8, colon - 8));
  if (inet_pton(AF_INET, host.c_str(), &address) != 1) return false;
  const int port = std::atoi(head.data() + colon + 1);
  tunnel.request = {5, 1, 0, 1};
  std::memcpy(tunnel.request.data() + 4, &address, 4);
  tunnel.request[8] = static_cast<char>(port >> 8);
  tunnel.request[9] = static_cast<char>(port & 255);
  tunnel.client.direction.rest.assign(head.substr(end + 4));
  tunnel.stage = Stage::greeting;
  return true;
}

bool greet(Tunnel& tunnel) {
  const std::array<char, 3> hello = {5, 1, floor_.credentials.empty() ? '\0' : '\2'};
  const ssize_t count =
      send(tunnel.upstream.direction.from, hello.data(), hello.size(), MSG_NOSIGNAL);
  if (count < 0) return would_block();
  tunnel.stage = Stage::method;
  return count == static_cast<ssize_t>(hello.size());
}

bool send_upstream(const Tunnel& tunnel, std::string_view bytes) {
  return send(tunnel.upstream.direction.from, bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
         static_cast<ssize_t>(bytes.size());
}

// Reads an answer of a size; a server that sends less at first is out of luck.
enum class Answer { yes, later, no };
Answer read_answer(const Tunnel& tunnel, std::size_t size, char wanted) {
  const ssize_t count = recv(tunnel.upstream.direction.from, floor_.buffer.data(), size, 0);
  if (count < 0 && would_block()) return Answer::later;
  const bool good = count == static_cast<ssize_t>(size) && floor_.buffer[1] == wanted;
  return good ? Answer::yes : Answer::no;
}

bool relay(Tunnel& tunnel, End& end, bool readable, bool writable) {
  bool again = false;
  End& other = &end == &tunnel.client ? tunnel.upstream : tunnel.client;
  Direction& out = end.direction;
  if (readable && !out.full && !out.passed_end && !move_bytes(out, again)) return false;
  if (writable && other.direction.full && !move_bytes(other.direction, again)) return false;
  if (again && !tunnel.queued) {
    tunnel.queued = true;
    floor_.ready.push_back(&tunnel);
  }
  return !(tunnel.client.direction.passed_end && tunnel.upstream.direction.passed_end);
}

bool start_relay(Tunnel& tunnel) {
  constexpr std::string_view kYes = "HTTP/1.1 200 OK\r\n\r\n";
  const ssize_t count = send(tunnel.client.direction.from, kYes.data(), kYes.size(), MSG_NOSIGNAL);
  if (count != static_cast<ssize_t>(kYes.size())) return false;
  tunnel.stage = Stage::relay;
  // Their edges may have come while nobody looked.
  const bool early = !tunnel.client.direction.rest.empty() || tunnel.client.direction.hung_up;
  if (early && !relay(tunnel, tunnel.client, true, false)) return false;
  return !tunnel.upstream.direction.hung_up || relay(tunnel, tunnel.upstream, true, false);
}

bool shake_hands(Tunnel& tunnel, const End& end, bool readable, bool writable) {
  switch (tunnel.stage) {
    case Stage::head:
      if (!readable) return true;
      if (!read_head(tunnel)) return false;
      if (tunnel.stage == Stage::head) return true;
      if (!dial(tunnel) || !greet(tunnel)) return false;
      watch(tunnel.upstream);
      return true;
    case Stage::greeting:
      return &end != &tunnel.upstream || !writable || greet(tunnel);
    case Stage::method: {
      if (&end != &tunnel.upstream || !readable) return true;
      const bool open = floor_.credentials.empty();
      const Answer answer = read_answer(tunnel, 2, open ? '\0' : '\2');
      if (answer != Answer::yes) return answer == Answer::later;
      tunnel.stage = open ? Stage::reply : Stage::password;
      if (!open) return send_upstream(tunnel, floor_.credentials);
      return send_upstream(tunnel, {tunnel.request.data(), tunnel.request.size()});
    }
    case Stage::password: {
      if (&end != &tunnel.upstream || !readable) return true;
      const Answer answer = read_answer(tunnel, 2, 0);
      if (answer != Answer::yes) return answer == Answer::later;
      tunnel.stage = Stage::reply;
      return send_upstream(tunnel, {tunnel.request.data(), tunnel.request.size()});
    }
    case Stage::reply: {
      if (&end != &tunnel.upstream || !readable) return true;
      const Answer answer = read_answer(tunnel, 10, 0);
      if (answer != Answer::yes) return answer == Answer::later;
      return start_relay(tunnel);
    }
    case Stage::relay:
      return true;
  }
  return false;
}

void on_event(End& end, std::uint32_t events) {
  Tunnel& tunnel = *end.tunnel;
  if (tunnel.dead) return;
  const bool hung_up = (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
  const bool readable = hung_up || (events & EPOLLIN) != 0;
  const bool writable = (events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) != 0;
  end.direction.hung_up = end.direction.hung_up || hung_up;
  const bool alive = tunnel.stage == Stage::relay ? relay(tunnel, end, readable, writable)
                                                  : shake_hands(tunnel, end, readable, writable);
  if (!alive) bury(tunnel);
}

void accept_some() {
  for (int i = 0; i < 64; ++i) {
    const int fd = accept4(floor_.listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) return;
    auto* tunnel = new Tunnel;
    tunnel->client.tunnel = tunnel->upstream.tunnel = tunnel;
    tunnel->client.direction.from = fd;
    tunnel->stage = floor_.connects ? Stage::head : Stage::relay;
    if (!floor_.connects && !dial(*tunnel)) {
      bury(*tunnel);
      continue;
    }
    watch(tunnel->client);
    if (!floor_.connects) watch(tunnel->upstream);
  }
}

void continue_ready() {
  std::vector<Tunnel*> ready;
  ready.swap(floor_.ready);
  for (Tunnel* tunnel : ready) {
    tunnel->queued = false;
    for (End* end : {&tunnel->client, &tunnel->upstream})
      if (!tunnel->dead && !relay(*tunnel, *end, true, false)) bury(*tunnel);
  }
}

void delete_dead() {
  if (floor_.dead.empty()) return;
  std::erase_if(floor_.ready, [](const Tunnel* tunnel) { return tunnel->dead; });
  for (const Tunnel* tunnel : floor_.dead) delete tunnel;
  floor_.dead.clear();
}

[[noreturn]] void run() {
  std::array<epoll_event, 256> events;
  for (;;) {
    const int count = epoll_wait(floor_.epoll, events.data(), static_cast<int>(events.size()),
                                 floor_.ready.empty() ? -1 : 0);
    for (int i = 0; i < count; ++i) {
      const epoll_event& event = events[static_cast<std::size_t>(i)];
      if (event.data.ptr == nullptr) {
        accept_some();
      } else {
        on_event(*static_cast<End*>(event.data.ptr), event.events);
      }
    }
    continue_ready();
    delete_dead();
  }
}

sockaddr_in to_address(const std::string& text) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  const std::size_t colon = text.rfind(':');
  errno = EINVAL;
  if (colon == std::string::npos ||
      inet_pton(AF_INET, text.substr(0, colon).c_str(), &address.sin_addr) != 1)
    fail("ADDRESS:PORT is wanted");
  address.sin_port = htons(static_cast<std::uint16_t>(std::atoi(text.c_str() + colon + 1)));
  return address;
}

// With its length in front, as SOCKS5 has strings.
std::string counted(const std::string& text) { return static_cast<char>(text.size()) + text; }

void listen_on(const sockaddr_in& address) {
  floor_.listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  const int one = 1;
  setsockopt(floor_.listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  // The accepted sockets inherit it.
  setsockopt(floor_.listener, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  if (bind(floor_.listener, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      listen(floor_.listener, 8192) != 0)
    fail("listen");
  epoll_event event{};
  event.events = EPOLLIN;
  if (epoll_ctl(floor_.epoll, EPOLL_CTL_ADD, floor_.listener, &event) != 0) fail("epoll_ctl");
}

}  // namespace

int main(int count, char** words) {
  std::signal(SIGPIPE, SIG_IGN);
  const std::string_view role = count > 1 ? words[1] : "";
  std::map<std::string, std::string> options;
  for (int i = 2; i + 1 < count; i += 2) options[words[i]] = words[i + 1];
  if (role != "relay" && role != "connect") {
    std::fputs("floor relay|connect --listen ADDRESS:PORT --to ADDRESS:PORT [--copy 1]\n", stderr);
    return 2;
  }
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);

  floor_.connects = role == "connect";
  floor_.copies = options.contains("--copy");
  const std::string& password = options["--password"];
  if (const std::size_t colon = password.find(':'); colon != std::string::npos)
    floor_.credentials =
        '\1' + counted(password.substr(0, colon)) + counted(password.substr(colon + 1));
  floor_.to = to_address(options["--to"]);
  floor_.epoll = epoll_create1(EPOLL_CLOEXEC);
  if (floor_.epoll < 0) fail("epoll_create1");
  listen_on(to_address(options["--listen"]));
  run();
}
