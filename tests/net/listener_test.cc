#include "net/listener.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/fsuid.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <memory>
#include <vector>

#include "net/manual_clock.h"
#include "support/catch.h"
#include "support/refused_watches.h"
#include "support/sockets.h"
#include "support/turns.h"

using namespace culvert;
using namespace culvert::test;
using namespace std::chrono_literals;
using Catch::Matchers::Contains;

namespace {

HostPort address(std::string_view text) { return *HostPort::parse(text, 0); }
HostPort loopback(std::uint16_t port) {
  return HostPort{"127.0.0.1", port, IpAddress::parse("127.0.0.1")};
}

/// A Listener and what it brought.
struct Door {
  explicit Door(ListenSocket from) : socket(std::move(from)) { open(); }
  ~Door() {
    listener.reset();
    CHECK_FALSE(loop.busy());
  }
  void open() {
    listener =
        std::make_unique<Listener>(loop, socket, Listener::Accepted::to<&Door::on_accepted>(this),
                                   Listener::Starved::to<&Door::on_starved>(this));
  }
  void on_accepted(int fd, const std::optional<HostPort>& peer) {
    accepted.emplace_back(fd);
    shortage = listener->shortage();
    if (shortage.refuses) ++refused;
    peers.push_back(peer);
  }
  void on_starved(int error) { starved.push_back(error); }
  std::uint16_t port() const { return socket.address().port; }

  ManualClock clock;
  Loop loop{&clock};
  ListenSocket socket;
  std::unique_ptr<Listener> listener;
  std::vector<Fd> accepted;
  std::vector<std::optional<HostPort>> peers;
  std::vector<int> starved;
  std::size_t refused = 0;
  Shortage shortage;  // of the last one
};

ListenSocket on_loopback() { return ListenSocket::tcp(loopback(0), false).value(); }

Result<Fd> connect_to_path(const std::string& path) {
  Fd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un to{};
  to.sun_family = AF_UNIX;
  path.copy(to.sun_path, sizeof to.sun_path - 1);
  if (connect(fd.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0) return fd;
  return Error{Errc::proxy_internal_error, Side::local, errno, {}};
}

}  // namespace

TEST_CASE("a listener brings connections, non-blocking, with their peers") {
  Door door(on_loopback());
  CHECK(door.port() != 0);
  const Fd first = connect_to_loopback(door.port());
  const Fd second = connect_to_loopback(door.port());
  REQUIRE(turn_until(door.loop, [&] { return door.accepted.size() == 2; }));
  CHECK(door.peers[0]->host == "127.0.0.1");
  CHECK(door.peers[0]->port != door.peers[1]->port);
  char byte = 0;
  CHECK(recv(door.accepted[0].get(), &byte, 1, 0) == -1);
  CHECK(errno == EAGAIN);
}

TEST_CASE("accepted connections send small messages at once, and are found out when dead") {
  Door door(on_loopback());
  const Fd client = connect_to_loopback(door.port());
  REQUIRE(turn_until(door.loop, [&] { return door.accepted.size() == 1; }));
  CHECK(socket_option(door.accepted[0].get(), IPPROTO_TCP, TCP_NODELAY) != 0);
  CHECK(socket_option(door.accepted[0].get(), SOL_SOCKET, SO_KEEPALIVE) != 0);
  CHECK(socket_option(door.accepted[0].get(), IPPROTO_TCP, TCP_KEEPIDLE) == 30);
  // A client may stop reading for as long as it likes.
  CHECK(socket_option(door.accepted[0].get(), IPPROTO_TCP, TCP_USER_TIMEOUT) == 0);
}

TEST_CASE("more connections than fit one wake-up all arrive") {
  Door door(on_loopback());
  std::vector<Fd> clients;
  for (int i = 0; i < 150; ++i) clients.push_back(connect_to_loopback(door.port()));
  CHECK(turn_until(door.loop, [&] { return door.accepted.size() == clients.size(); }));
}

TEST_CASE("accept_all() empties the queue without a turn of the loop") {
  Door door(on_loopback());
  const Fd first = connect_to_loopback(door.port());
  const Fd second = connect_to_loopback(door.port());
  door.listener->accept_all();
  CHECK(door.accepted.size() == 2);
}

TEST_CASE("a listener with a rate leaves connections in the queue meanwhile") {
  Door door(on_loopback());
  struct Rate {
    void next(std::chrono::milliseconds& wait) { wait = ++asked % 2 == 0 ? 40ms : 0ms; }
    int asked = 0;
  } rate;
  door.listener->limit_rate(Listener::NextAccept::to<&Rate::next>(&rate));
  std::vector<Fd> clients;
  for (int i = 0; i < 7; ++i) clients.push_back(connect_to_loopback(door.port()));
  const auto begun = door.loop.now();
  REQUIRE(turn_until(door.loop, [&] { return door.accepted.size() == clients.size(); }));
  CHECK(door.loop.now() - begun >= 3 * 40ms);
  CHECK(rate.asked == 7);
  SECTION("but for the last ones") {
    rate.asked = 1;
    for (int i = 0; i < 5; ++i) clients.push_back(connect_to_loopback(door.port()));
    door.listener->accept_all();
    CHECK(door.accepted.size() == clients.size());
    CHECK(rate.asked == 1);
  }
}

TEST_CASE("without descriptors accepting waits instead of spinning, and recovers") {
  Door door(on_loopback());
  const Fd client = connect_to_loopback(door.port());
  {
    const FileLimit none_left;
    int turns = 0;
    for (const TurnLimit end(door.loop, 250ms); !end.reached() && turns < 20; ++turns) {
      door.loop.turn(end.left_ms());
    }
    CHECK(door.accepted.empty());
    CHECK(turns < 20);
    CHECK(door.starved == std::vector<int>(3, EMFILE));  // at once, and after 100 ms each
  }
  CHECK(turn_until(door.loop, [&] { return door.accepted.size() == 1; }));
}

TEST_CASE("without descriptors those that somebody spares are used at once") {
  Door door(on_loopback());
  std::optional<Fd> spare;
  int asked = 0;
  door.loop.set_make_room([&] {
    ++asked;
    const bool made_room = spare.has_value();
    spare.reset();
    return made_room ? Loop::Room::made : Loop::Room::none;
  });
  door.listener.reset();
  door.open();
  const Fd first = connect_to_loopback(door.port());
  const Fd second = connect_to_loopback(door.port());
  spare.emplace(dup(STDERR_FILENO));
  const FileLimit none_left;
  REQUIRE(turn_until(door.loop, [&] { return !door.starved.empty(); }));
  CHECK(door.accepted.size() == 1);
  CHECK(asked == 3);  // also for the one that comes after it
}

TEST_CASE("where nobody can give way, connections are accepted to be refused after a while") {
  Door door(on_loopback());
  struct Rule {
    void ask(bool& answer) const { answer = hopeless; }
    bool hopeless = false;
  } rule;
  SpareDescriptor spare;
  door.loop.set_make_room([] { return Loop::Room::none; });
  door.listener.reset();
  door.open();
  door.listener->refuse_if(Listener::AskHopeless::to<&Rule::ask>(&rule), spare);
  const Fd first = connect_to_loopback(door.port());
  const Fd second = connect_to_loopback(door.port());
  const Fd third = connect_to_loopback(door.port());
  {
    const FileLimit none_left;
    for (const TurnLimit end(door.loop, 300ms); !end.reached();) door.loop.turn(end.left_ms());
    CHECK(door.accepted.empty());
    rule.hopeless = true;
    for (const TurnLimit end(door.loop, 50ms); !end.reached();) door.loop.turn(end.left_ms());
    CHECK(door.accepted.empty());
    // With the spare descriptor, and then with that of the one that was refused.
    for (std::size_t i = 1; i <= 3; ++i) {
      REQUIRE(turn_until(door.loop, [&] { return door.accepted.size() == i; }));
      CHECK(door.refused == i);
      door.accepted.back().reset();
    }
  }
  const Fd last = connect_to_loopback(door.port());
  CHECK(turn_until(door.loop, [&] { return door.accepted.size() == 4; }));
  CHECK(door.refused == 3);
}

TEST_CASE("where something can be spared soon, accepting is tried again soon") {
  Door door(on_loopback());
  int asked = 0;
  door.loop.set_make_room([&] { return ++asked < 20 ? Loop::Room::soon : Loop::Room::none; });
  door.listener.reset();
  door.open();
  const Fd client = connect_to_loopback(door.port());
  const FileLimit none_left;
  const auto begun = door.loop.now();
  REQUIRE(turn_until(door.loop, [&] { return !door.starved.empty(); }));
  CHECK(asked == 20);
  CHECK(door.loop.now() - begun < 100ms);
}

TEST_CASE("it is known for how long the queue was never empty") {
  Door door(on_loopback());
  Fd client = connect_to_loopback(door.port());
  {
    const FileLimit none_left;
    REQUIRE(turn_until(door.loop, [&] { return door.starved.size() == 3; }));
    CHECK(door.listener->pressed_for() >= 190ms);
  }
  REQUIRE(turn_until(door.loop, [&] { return !door.accepted.empty(); }));
  settle(door.loop);
  CHECK(door.listener->pressed_for() == 0ms);
}

TEST_CASE("a listener that waits for a descriptor is told that one is free") {
  Door door(on_loopback());
  const Fd client = connect_to_loopback(door.port());
  door.listener->resume();  // it does not wait
  {
    const FileLimit none_left;
    REQUIRE(turn_until(door.loop, [&] { return !door.starved.empty(); }));
  }
  const auto begun = door.loop.now();
  door.listener->resume();
  REQUIRE(turn_until(door.loop, [&] { return !door.accepted.empty(); }));
  CHECK(door.loop.now() == begun);
}

TEST_CASE("where descriptors were short, it is known how long a client was in the queue") {
  Door door(on_loopback());
  door.loop.set_make_room([] { return Loop::Room::none; });
  door.listener.reset();
  door.open();
  const Fd first = connect_to_loopback(door.port());
  {
    const FileLimit none_left;
    REQUIRE(turn_until(door.loop, [&] { return !door.starved.empty(); }));
  }
  usleep(100'000);
  REQUIRE(turn_until(door.loop, [&] { return door.accepted.size() == 1; }));
  CHECK(door.shortage.queued_for >= 80ms);
  CHECK_FALSE(door.shortage.refuses);
  // That is over in a while.
  for (int i = 2; i <= 3; ++i) {
    for (const TurnLimit end(door.loop, 300ms); !end.reached();) door.loop.turn(end.left_ms());
    const Fd next = connect_to_loopback(door.port());
    usleep(100'000);
    REQUIRE(turn_until(door.loop, [&] { return door.accepted.size() == std::size_t(i); }));
  }
  CHECK(door.shortage.queued_for == 0ms);
}

TEST_CASE("a listener whose socket the system does not watch yet reports it and tries again") {
  Door door(on_loopback());
  door.loop.turn(0);  // in which libuv begins to watch its own
  door.listener.reset();
  const bool tried = without_new_watches([&] {
    door.open();
    CHECK(turn_until(door.loop, [&] { return !door.starved.empty(); }));
  });
  if (!tried) return;
  REQUIRE_FALSE(door.starved.empty());
  CHECK(door.starved[0] == ENOSPC);
  const Fd client = connect_to_loopback(door.port());
  CHECK(turn_until(door.loop, [&] { return door.accepted.size() == 1; }));
}

TEST_CASE("a starved listener may be destroyed") {
  Door door(on_loopback());
  const Fd client = connect_to_loopback(door.port());
  const FileLimit none_left;
  REQUIRE(turn_until(door.loop, [&] { return !door.starved.empty(); }));
}

TEST_CASE("a taken port is reported in a sentence") {
  std::uint16_t port = 0;
  const Fd other = listen_on_loopback(port);
  const auto refused = ListenSocket::tcp(loopback(port), GENERATE(false, true));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().sys == EADDRINUSE);
  CHECK_THAT(refused.error().text,
             Contains("127.0.0.1:" + std::to_string(port)) && Contains("already in use"));
}

TEST_CASE("an address of no interface here is reported in a sentence") {
  const auto refused = ListenSocket::tcp(address("192.0.2.1:3128"), false);
  REQUIRE_FALSE(refused);
  CHECK_THAT(refused.error().text, Contains("cannot listen on 192.0.2.1:3128: no interface"));
}

TEST_CASE("an address that no interface has yet can be bound all the same") {
  using Absent = ListenSocket::Absent;
  const auto takes = ListenSocket::Takes::its_family;
  const std::string host = GENERATE("192.0.2.1", "2001:db8::1");
  const HostPort wanted{host, 0, IpAddress::parse(host)};
  const auto bound = ListenSocket::tcp(wanted, true, takes, Absent::awaited);
  if (!bound && bound.error().sys == EAFNOSUPPORT) return;  // no IPv6 on this system
  REQUIRE(bound);
  CHECK(bound->awaits_address());
  CHECK(bound->address().host == host);
  CHECK(bound->address().port != 0);
  SECTION("another worker's shares the port") {
    CHECK(ListenSocket::tcp(bound->address(), true, takes, Absent::awaited));
  }
  SECTION("who has the port is told") {
    const auto second = ListenSocket::check_free(bound->address(), takes, Absent::awaited);
    REQUIRE_FALSE(second);
    CHECK(second.error().sys == EADDRINUSE);
  }
  SECTION("one that is passed on goes on waiting") {
    CHECK(ListenSocket::passed(dup(bound->fd()))->awaits_address());
  }
}

TEST_CASE("an address that is here is not awaited") {
  const auto bound = ListenSocket::tcp(loopback(0), false, ListenSocket::Takes::its_family,
                                       ListenSocket::Absent::awaited);
  REQUIRE(bound);
  CHECK_FALSE(bound->awaits_address());
}

TEST_CASE("check_free() sees who is there, even one that would share the port") {
  auto ours = ListenSocket::tcp(loopback(0), true);
  REQUIRE(ours);
  const HostPort taken = ours->address();
  // The system would let us in.
  REQUIRE(ListenSocket::tcp(taken, true));
  const auto free = ListenSocket::check_free(taken);
  REQUIRE_FALSE(free);
  CHECK_THAT(free.error().text, Contains("already in use"));
}

TEST_CASE("check_free() leaves nothing behind") {
  const std::size_t before = open_files();
  const HostPort here = loopback(closed_port());
  CHECK(ListenSocket::check_free(here));
  CHECK(ListenSocket::check_free(here));
  CHECK(open_files() == before);
  CHECK(ListenSocket::tcp(here, false));
}

TEST_CASE("sockets of several workers share a port") {
  auto first = ListenSocket::tcp(loopback(0), true);
  REQUIRE(first);
  auto second = ListenSocket::tcp(first->address(), true);
  REQUIRE(second);
  CHECK(first->address() == second->address());
}

TEST_CASE("0.0.0.0 and [::] stand side by side") {
  auto v4 = ListenSocket::tcp(HostPort{"0.0.0.0", 0, IpAddress::parse("0.0.0.0")}, false);
  REQUIRE(v4);
  auto v6 = ListenSocket::tcp(HostPort{"::", v4->address().port, IpAddress::parse("::")}, false);
  if (!v6 && v6.error().sys == EAFNOSUPPORT) return;  // no IPv6 on this system
  REQUIRE(v6);
  CHECK(v6->address().to_string() == "[::]:" + std::to_string(v4->address().port));
  CHECK_FALSE(v6->is_dual_stack());
}

TEST_CASE("a listener on [::] may take IPv4 clients, who have their IPv4 address") {
  const HostPort everywhere{"::", 0, IpAddress::parse("::")};
  auto socket = ListenSocket::tcp(everywhere, false, ListenSocket::Takes::ipv4_too);
  if (!socket && socket.error().sys == EAFNOSUPPORT) return;  // no IPv6 on this system
  REQUIRE(socket);
  CHECK(socket->is_dual_stack());
  const HostPort same{"::", socket->address().port, everywhere.ip};
  CHECK_FALSE(ListenSocket::check_free(same, ListenSocket::Takes::ipv4_too));
  Door door(std::move(*socket));
  const Fd client = connect_to_loopback(door.port());
  REQUIRE(turn_until(door.loop, [&] { return door.peers.size() == 1; }));
  REQUIRE(door.peers[0].has_value());
  CHECK(door.peers[0]->host == "127.0.0.1");
  CHECK(door.peers[0]->ip->is_v4());
  CHECK(door.peers[0]->ip->is_loopback());
}

TEST_CASE("a unix socket brings connections without a peer, and goes with its owner") {
  const TempDir dir;
  const std::string path = dir.path("culvert.sock");
  {
    Door door(ListenSocket::unix_path(path).value());
    const auto client = connect_to_path(path);
    REQUIRE(client);
    REQUIRE(turn_until(door.loop, [&] { return door.accepted.size() == 1; }));
    CHECK(door.peers[0] == std::nullopt);
  }
  CHECK(access(path.c_str(), F_OK) != 0);
}

TEST_CASE("a stale unix socket is replaced, one that answers is not") {
  const TempDir dir;
  const std::string path = dir.path("culvert.sock");
  {
    sockaddr_un at{};
    at.sun_family = AF_UNIX;
    path.copy(at.sun_path, sizeof at.sun_path - 1);
    const Fd dead(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    REQUIRE(bind(dead.get(), reinterpret_cast<const sockaddr*>(&at), sizeof at) == 0);
  }
  auto ours = ListenSocket::unix_path(path);
  REQUIRE(ours);
  const auto second = ListenSocket::unix_path(path);
  REQUIRE_FALSE(second);
  CHECK_THAT(second.error().text, Contains("unix:" + path) && Contains("already in use"));
  CHECK(connect_to_path(path));  // and still works
}

TEST_CASE("a unix socket whose queue is full is alive, and nobody waits for it") {
  const TempDir dir;
  const std::string path = dir.path("culvert.sock");
  sockaddr_un at{};
  at.sun_family = AF_UNIX;
  path.copy(at.sun_path, sizeof at.sun_path - 1);
  const Fd busy(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  REQUIRE(bind(busy.get(), reinterpret_cast<const sockaddr*>(&at), sizeof at) == 0);
  REQUIRE(listen(busy.get(), 0) == 0);
  const auto first = connect_to_path(path);
  REQUIRE(first);
  alarm(5);  // instead of hanging
  const auto refused = ListenSocket::unix_path(path);
  alarm(0);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().sys == EADDRINUSE);
}

TEST_CASE("a file that is no socket is left alone") {
  const TempDir dir;
  const std::string path = dir.path("precious");
  const Fd file(creat(path.c_str(), 0600));
  for (const std::string& taken : {path, dir.path(".")}) {
    const auto refused = ListenSocket::unix_path(taken);
    REQUIRE_FALSE(refused);
    CHECK_THAT(refused.error().text, Contains("no socket") && !Contains("another culvert"));
  }
  CHECK(access(path.c_str(), F_OK) == 0);
}

TEST_CASE("a right that is missing in a unix socket's directory is reported as such") {
  const TempDir dir;
  const std::string path = dir.path("culvert.sock");
  REQUIRE(chmod(dir.path(".").c_str(), 0555) == 0);
  const int before = setfsuid(geteuid() == 0 ? 65534 : geteuid());  // root may do anything
  const auto refused = ListenSocket::unix_path(path);
  setfsuid(static_cast<uid_t>(before));
  REQUIRE(chmod(dir.path(".").c_str(), 0755) == 0);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().sys == EACCES);
  CHECK_THAT(refused.error().text, Contains("the directory") && !Contains("1024"));
}

TEST_CASE("the file of a unix socket has its mode whatever the umask is") {
  struct Row {
    SocketFileRights rights;
    mode_t mode;
  };
  const unsigned group = getegid();
  const auto row = GENERATE_COPY(values<Row>(
      {{{}, 0600}, {{{}, {}, group}, 0660}, {{0622, {}, {}}, 0622}, {{0, {}, group}, 0}}));
  const mode_t mask = GENERATE(0U, 077U);
  const TempDir dir;
  const std::string path = dir.path("culvert.sock");
  const mode_t before = umask(mask);
  const auto ours = ListenSocket::unix_path(path, row.rights);
  CHECK(umask(before) == mask);
  REQUIRE(ours);
  struct stat file {};
  REQUIRE(stat(path.c_str(), &file) == 0);
  CHECK((file.st_mode & 07777) == row.mode);
  CHECK(file.st_gid == group);
}

TEST_CASE("the file of a unix socket is given to another, or not at all") {
  const TempDir dir;
  const std::string path = dir.path("culvert.sock");
  const bool root = geteuid() == 0;
  const unsigned somebody = 65534;
  const auto given = ListenSocket::unix_path(path, {{}, somebody, somebody});
  CHECK(given.ok() == root);
  if (root) {
    struct stat file {};
    REQUIRE(stat(path.c_str(), &file) == 0);
    CHECK(file.st_uid == somebody);
    CHECK(file.st_gid == somebody);
    CHECK((file.st_mode & 07777) == 0660);
  }
  // Without the right to: and nothing is left.
  const std::string other = dir.path("other.sock");
  REQUIRE(chmod(dir.path(".").c_str(), 0777) == 0);
  const int before = setfsuid(root ? somebody : geteuid());
  const auto refused = ListenSocket::unix_path(other, {{}, 0, {}});
  setfsuid(static_cast<uid_t>(before));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().sys == EPERM);
  CHECK_THAT(refused.error().text, Contains("cannot be given") && Contains("only root"));
  CHECK(access(other.c_str(), F_OK) != 0);
}

TEST_CASE("a path that is too long for a unix socket is reported") {
  const auto refused = ListenSocket::unix_path("/tmp/" + std::string(200, 'x'));
  REQUIRE_FALSE(refused);
  CHECK_THAT(refused.error().text, Contains("too long"));
}

TEST_CASE("a listening socket moves, and closes once") {
  const std::size_t before = open_files();
  {
    ListenSocket first = on_loopback();
    ListenSocket second = std::move(first);
    first = std::move(second);
    CHECK(open_files() == before + 1);
    CHECK(connect_to_loopback(first.address().port).get() >= 0);
  }
  CHECK(open_files() == before);
}

TEST_CASE("a listening socket that was passed is used as it is") {
  std::uint16_t port = 0;
  Fd given = listen_on_loopback(port);
  auto passed = ListenSocket::passed(given.get());
  REQUIRE(passed);
  const int fd = given.release();
  CHECK(passed->fd() == fd);
  CHECK(passed->is_tcp());
  CHECK(passed->address() == loopback(port));
  CHECK(passed->url() == "http://127.0.0.1:" + std::to_string(port));
  CHECK_FALSE(passed->is_dual_stack());
  CHECK((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
  CHECK((fcntl(fd, F_GETFL) & O_NONBLOCK) != 0);
  Door door(std::move(*passed));
  const Fd client = connect_to_loopback(port);
  REQUIRE(turn_until(door.loop, [&] { return door.accepted.size() == 1; }));
  CHECK(socket_option(door.accepted[0].get(), IPPROTO_TCP, TCP_NODELAY) != 0);
}

TEST_CASE("a passed socket on [::] may take IPv4 clients, too") {
  for (const int v6_only : {0, 1}) {
    const int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return;  // no IPv6 on this system
    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &v6_only, sizeof v6_only);
    REQUIRE(listen(fd, 1) == 0);
    const auto passed = ListenSocket::passed(fd);
    REQUIRE(passed);
    CHECK(passed->is_dual_stack() == (v6_only == 0));
    CHECK(passed->url() == "http://[::]:" + std::to_string(passed->address().port));
  }
}

TEST_CASE("the file of a unix socket that was passed stays, unless it is ours") {
  const TempDir dir;
  const std::string path = dir.path("culvert.sock");
  ListenSocket kept = ListenSocket::unix_path(path).value();
  {
    const auto passed = ListenSocket::passed(dup(kept.fd()));
    REQUIRE(passed);
    CHECK_FALSE(passed->is_tcp());
    CHECK(passed->url() == "unix:" + path);
  }
  CHECK(access(path.c_str(), F_OK) == 0);
  {
    auto passed = ListenSocket::passed(dup(kept.fd()));
    REQUIRE(passed);
    passed->find_file();
    passed->own_file();
    kept.leave_file();
    CHECK(connect_to_path(path));
    kept = std::move(*passed);
  }
  CHECK(access(path.c_str(), F_OK) == 0);
  { const ListenSocket last = std::move(kept); }
  CHECK(access(path.c_str(), F_OK) != 0);
}

TEST_CASE("an abstract unix socket and one without a name have a text") {
  Fd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un at{};
  at.sun_family = AF_UNIX;
  // The system chooses an abstract name.
  REQUIRE(bind(fd.get(), reinterpret_cast<const sockaddr*>(&at), sizeof at.sun_family) == 0);
  REQUIRE(listen(fd.get(), 1) == 0);
  const auto passed = ListenSocket::passed(fd.release());
  REQUIRE(passed);
  CHECK_THAT(passed->url(), Catch::Matchers::StartsWith("unix:@"));
}

TEST_CASE("a descriptor that is no listening stream socket is refused, and left open") {
  const auto refused = [](const Fd& fd) {
    const auto passed = ListenSocket::passed(fd.get());
    REQUIRE_FALSE(passed);
    CHECK(fcntl(fd.get(), F_GETFD) != -1);
    CHECK_THAT(passed.error().text, Contains("descriptor " + std::to_string(fd.get())));
    return passed.error().text;
  };
  CHECK_THAT(refused(Fd(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0))), Contains("datagram"));
  CHECK_THAT(refused(Fd(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0))), Contains("datagram"));
  CHECK_THAT(refused(Fd(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0))),
             Contains("not a stream socket"));
  CHECK_THAT(refused(Fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0))),
             Contains("not a listening socket"));
  CHECK_THAT(refused(tcp_pair().near), Contains("a connection") && Contains("Accept=no"));
  CHECK_THAT(refused(Fd(dup(STDERR_FILENO))), Contains("is not a socket"));
  const auto closed = ListenSocket::passed(1'000'000);
  REQUIRE_FALSE(closed);
  CHECK(closed.error().text == "descriptor 1000000 is not open");
}
