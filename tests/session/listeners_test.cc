// The sockets of all --listen, bound here or passed on.
#include "server/listeners.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <string>
#include <vector>

#include "net/socket_address.h"
#include "support/catch.h"
#include "support/sockets.h"

using namespace culvert;
using namespace culvert::test;
using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;

namespace {

ListenConfig systemd(const std::string& name = {}) {
  ListenConfig listen;
  listen.kind = ListenConfig::Kind::systemd;
  listen.name = name;
  return listen;
}

ListenConfig at_path(const std::string& path) {
  ListenConfig listen;
  listen.kind = ListenConfig::Kind::unix_socket;
  listen.path = path;
  return listen;
}

ListenConfig at_port(std::uint16_t port) {
  ListenConfig listen;
  listen.address = {"127.0.0.1", port, IpAddress::parse("127.0.0.1")};
  return listen;
}

ListenConfig at_address(const std::string& ip, std::uint16_t port) {
  ListenConfig listen;
  listen.address = {ip, port, IpAddress::parse(ip)};
  return listen;
}

bool has_ipv6() { return Fd(socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0)).get() >= 0; }

/// Listeners of `count` workers, and what was found out about them.
struct Set {
  explicit Set(std::size_t count) : workers(count), listeners(count) {}
  void open(const std::vector<ListenConfig>& listen, const Inheritance& given = {}) {
    config.listen = listen;
    listeners.take(config, given, problems);
    listeners.bind(config, problems);
  }
  /// The number of sockets of each worker alone, and of all: "1 1 / 0".
  std::string shares() {
    std::string text;
    for (std::size_t i = 0; i < workers; ++i) {
      text += std::to_string(listeners.take_of_worker(i).size()) + " ";
    }
    return text + "/ " + std::to_string(listeners.take_of_all().size());
  }

  std::size_t workers;
  Config config;
  Listeners listeners;
  std::vector<std::string> problems;
};

int listening() {
  std::uint16_t port = 0;
  return listen_on_loopback(port).release();
}

/// A passed one of systemd's.
PassedSocket web(int fd, const std::string& name = "web") { return {fd, "systemd:" + name}; }

bool is_open(int fd) { return fcntl(fd, F_GETFD) != -1; }

}  // namespace

TEST_CASE("each worker has a socket of its own where one is bound, unix sockets are for all") {
  const TempDir dir;
  Set set(3);
  set.open({at_port(0), at_path(dir.path("a"))});
  CHECK(set.problems.empty());
  CHECK(set.listeners.urls().size() == 2);
  CHECK(set.listeners.addresses().size() == 1);
  CHECK_FALSE(set.listeners.outlive_us());
  CHECK(set.listeners.to_pass_on().size() == 4);
  CHECK(set.shares() == "1 1 1 / 1");
}

TEST_CASE("a socket of systemd's is one for all workers, or the only worker's") {
  for (const std::size_t workers : {1U, 2U}) {
    std::uint16_t port = 0;
    Set set(workers);
    set.open({systemd()}, {{web(listen_on_loopback(port).release())}, {}, -1});
    CHECK(set.problems.empty());
    const std::string address = "127.0.0.1:" + std::to_string(port);
    CHECK(set.listeners.urls() == std::vector<std::string>{"http://" + address});
    REQUIRE(set.listeners.addresses().size() == 1);
    CHECK(set.listeners.addresses()[0].to_string() == address);
    CHECK(set.listeners.outlive_us());
    REQUIRE(set.listeners.to_pass_on().size() == 1);
    CHECK(set.listeners.to_pass_on()[0].label == "systemd:web");
    CHECK(set.shares() == (workers == 1 ? "1 / 0" : "0 0 / 1"));
  }
}

TEST_CASE("sockets are taken by name, and what nobody names is closed") {
  const int one = listening();
  const int other = listening();
  Set set(1);
  set.open({systemd("admin")}, {{web(one), web(other, "admin")}, {}, -1});
  CHECK(set.problems.empty());
  CHECK(set.listeners.urls().size() == 1);
  CHECK(set.listeners.to_pass_on() == std::vector<PassedSocket>{web(other, "admin")});
  CHECK_FALSE(is_open(one));
  CHECK(set.listeners.warnings() ==
        std::vector<std::string>{"a socket was passed that no --listen names: systemd:web"});
}

TEST_CASE("every problem with what systemd passed is reported") {
  Set set(1);
  const Fd datagram(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  set.open({systemd("web"), systemd("mail"), systemd("dns")},
           {{web(listening()), web(datagram.get(), "dns")}, {}, -1});
  REQUIRE(set.problems.size() == 2);
  CHECK(set.problems[0] ==
        "--listen systemd:mail: no socket of that name was passed, only systemd:web systemd:dns");
  CHECK_THAT(set.problems[1],
             Contains("--listen systemd:dns: descriptor ") && Contains("datagram"));
}

TEST_CASE("without sockets the reason is repeated") {
  Set set(1);
  set.open({systemd()}, {{}, "no socket was passed, whatever", -1});
  CHECK(set.problems ==
        std::vector<std::string>{"--listen systemd: no socket was passed, whatever"});
}

TEST_CASE("a socket that others can reach needs a rule on who may use it") {
  const auto passed = [] {
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    REQUIRE(listen(fd, 1) == 0);  // on every address
    return Inheritance{{web(fd)}, {}, -1};
  };
  Set closed(1);
  closed.open({systemd()}, passed());
  REQUIRE(closed.problems.size() == 1);
  CHECK_THAT(closed.problems[0], Contains("others than this host can reach http://0.0.0.0:") &&
                                     Contains("--allow-client") && Contains("--open-proxy"));
  Set open(1);
  open.config.open_proxy = true;
  open.open({systemd()}, passed());
  CHECK(open.problems.empty());
  Set limited(1);
  limited.config.allow_clients = {*Cidr::parse("10.0.0.0/8")};
  limited.open({systemd()}, passed());
  CHECK(limited.problems.empty());
  Set signed_in(1);
  signed_in.config.auth_file = "/etc/culvert/users";
  signed_in.open({systemd()}, passed());
  CHECK(signed_in.problems.empty());
}

TEST_CASE("a socket that others can reach and that takes PROXY headers needs to know from whom") {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  REQUIRE(listen(fd, 1) == 0);  // on every address
  ListenConfig balanced = systemd();
  balanced.proxy_protocol = true;
  Set set(1);
  set.config.open_proxy = true;
  SECTION("without a list") {
    set.open({balanced}, {{web(fd), web(listening())}, {}, -1});
    REQUIRE(set.problems.size() == 1);
    CHECK_THAT(set.problems[0], Contains("--listen systemd: say whose PROXY protocol header is "
                                         "believed on http://0.0.0.0:") &&
                                    Contains("with --load-balancer CIDR,..."));
  }
  SECTION("with one") {
    set.config.load_balancers = {*Cidr::parse("10.0.0.0/8")};
    set.open({balanced}, {{web(fd), web(listening())}, {}, -1});
    CHECK(set.problems.empty());
  }
}

TEST_CASE("a socket for IPv4 and IPv6 is a listener of both for the address guard") {
  const int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return;  // no IPv6 on this system
  const int off = 0;
  setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
  REQUIRE(listen(fd, 1) == 0);
  Set set(1);
  set.config.open_proxy = true;
  set.open({systemd()}, {{web(fd)}, {}, -1});
  REQUIRE(set.listeners.addresses().size() == 2);
  CHECK(set.listeners.addresses()[0].ip->to_string() == "::");
  CHECK(set.listeners.addresses()[1].ip->to_string() == "0.0.0.0");
  CHECK(set.listeners.urls().size() == 1);
}

TEST_CASE("a successor takes every socket of its predecessor, whatever its number of workers") {
  const auto [before, after, shares] = GENERATE(table<std::size_t, std::size_t, std::string>({
      {1, 1, "1 / 0"},
      {2, 2, "1 1 / 0"},
      {4, 2, "2 2 / 0"},
      {3, 2, "2 1 / 0"},
      {1, 2, "0 0 / 1"},
      {2, 3, "0 0 0 / 2"},
  }));
  CAPTURE(before, after);
  Set old(before);
  old.open({at_port(0)});
  REQUIRE(old.problems.empty());
  Inheritance given;
  for (const PassedSocket& socket : old.listeners.to_pass_on()) {
    given.sockets.push_back({dup(socket.fd), socket.label});
  }
  Set fresh(after);
  fresh.open({at_port(0)}, given);
  CHECK(fresh.problems.empty());
  CHECK(fresh.listeners.urls() == old.listeners.urls());
  CHECK_FALSE(fresh.listeners.outlive_us());
  CHECK(fresh.shares() == shares);
}

TEST_CASE("two listeners on ports that the system chose stay two") {
  Set old(2);
  old.open({at_port(0), at_port(0)});
  Inheritance given;
  for (const PassedSocket& socket : old.listeners.to_pass_on()) {
    given.sockets.push_back({dup(socket.fd), socket.label});
  }
  Set fresh(2);
  fresh.open({at_port(0), at_port(0)}, given);
  CHECK(fresh.listeners.urls() == old.listeners.urls());
  CHECK(fresh.shares() == "2 2 / 0");
}

TEST_CASE("a successor binds what is new and closes what is gone") {
  Set old(1);
  old.open({at_port(0)});
  const int gone = dup(old.listeners.to_pass_on()[0].fd);
  const TempDir dir;
  const std::size_t before = open_files();
  Set fresh(1);
  fresh.open({at_path(dir.path("new"))}, {{{gone, "http://127.0.0.1:0"}}, {}, -1});
  CHECK(fresh.problems.empty());
  CHECK(fresh.listeners.warnings().empty());
  CHECK(fresh.listeners.urls() == std::vector<std::string>{"unix:" + dir.path("new")});
  CHECK(open_files() == before);
}

TEST_CASE("whose each URL is does not depend on which socket was passed on") {
  const TempDir dir;
  Set set(1);
  set.open({at_path(dir.path("new")), systemd()}, {{web(listening())}, {}, -1});
  CHECK(set.problems.empty());
  REQUIRE(set.listeners.urls().size() == 2);
  CHECK(set.listeners.urls()[1] == "unix:" + dir.path("new"));
  CHECK(set.listeners.listen_of_urls() == std::vector<std::size_t>{1, 0});
}

TEST_CASE("the file of a unix socket becomes the successor's") {
  const TempDir dir;
  const std::string path = dir.path("culvert.sock");
  {
    Set fresh(1);
    {
      Set old(1);
      old.open({at_path(path)});
      REQUIRE(old.listeners.to_pass_on().size() == 1);
      fresh.open({at_path(path)},
                 {{{dup(old.listeners.to_pass_on()[0].fd), "unix:" + path}}, {}, -1});
      CHECK(fresh.problems.empty());
      for (ListenSocket& socket : old.listeners.take_of_all()) socket.leave_file();
    }
    CHECK(access(path.c_str(), F_OK) == 0);
    for (ListenSocket& socket : fresh.listeners.take_of_all()) socket.own_file();
  }
  CHECK(access(path.c_str(), F_OK) != 0);
}

TEST_CASE(
    "a successor that never serves leaves the file of a unix socket, and passes on no other") {
  const TempDir dir;
  const std::string path = dir.path("culvert.sock");
  Set old(1);
  old.open({at_path(path)});
  {
    Set fresh(1);
    fresh.open({at_path(path)},
               {{{dup(old.listeners.to_pass_on()[0].fd), "unix:" + path}}, {}, -1});
    CHECK(fresh.listeners.to_pass_on().size() == 1);
    REQUIRE(rename(path.c_str(), dir.path("away").c_str()) == 0);
    CHECK(fresh.listeners.to_pass_on().empty());
    REQUIRE(rename(dir.path("away").c_str(), path.c_str()) == 0);
    CHECK(fresh.shares() == "0 / 1");  // which ends it
  }
  CHECK(access(path.c_str(), F_OK) == 0);
}

TEST_CASE("a unix socket whose file was removed is not passed on: the successor makes another") {
  const TempDir dir;
  Set set(1);
  set.open({at_path(dir.path("a"))});
  REQUIRE(set.listeners.to_pass_on().size() == 1);
  REQUIRE(unlink(dir.path("a").c_str()) == 0);
  CHECK(set.listeners.to_pass_on().empty());
}

TEST_CASE("an address that no interface has is awaited, and is known as ours") {
  const std::vector<ListenConfig> listen = {at_port(0), at_address("192.0.2.1", 0)};
  Set set(2);
  set.open(listen);
  CHECK(set.problems.empty());
  REQUIRE(set.listeners.addresses().size() == 2);
  const HostPort& awaited = set.listeners.addresses()[1];
  CHECK(awaited.host == "192.0.2.1");
  CHECK(set.listeners.awaited() == std::vector<HostPort>{awaited});
  REQUIRE(set.listeners.warnings().size() == 1);
  CHECK_THAT(set.listeners.warnings()[0],
             StartsWith(awaited.to_string() + ": no interface of this host has that address yet;"));
  SECTION("a successor says it, too") {
    Inheritance given;
    for (const PassedSocket& socket : set.listeners.to_pass_on()) {
      given.sockets.push_back({dup(socket.fd), socket.label});
    }
    Set fresh(2);
    fresh.open(listen, given);
    CHECK(fresh.listeners.urls() == set.listeners.urls());
    CHECK(fresh.listeners.warnings() == set.listeners.warnings());
  }
  SECTION("of a socket of systemd's its unit says it") {
    Set fresh(1);
    fresh.config.open_proxy = true;
    fresh.open({systemd()}, {{web(dup(set.listeners.to_pass_on().back().fd))}, {}, -1});
    CHECK(fresh.listeners.addresses() == std::vector<HostPort>{awaited});
    CHECK(fresh.listeners.warnings().empty());
  }
  CHECK(set.shares() == "2 2 / 0");
}

TEST_CASE("the half of a pair that is not there is left out instead") {
  ListenConfig half = at_address("2001:db8::1", 0);
  half.optional = true;
  Set set(1);
  set.open({at_port(0), half});
  CHECK(set.problems.empty());
  CHECK(set.listeners.urls().size() == 1);
  CHECK(set.listeners.warnings().empty());
}

TEST_CASE("of an address that cannot be bound in the end nothing is awaited") {
  std::uint16_t port = 0;
  const Fd taken = listen_on_loopback(port);
  Set set(1);
  set.open({at_address("192.0.2.1", 0), at_port(port)});
  CHECK(set.problems.size() == 1);
  CHECK(set.listeners.awaited().empty());
  CHECK(set.listeners.warnings().empty());
}

TEST_CASE("[::] alone takes IPv4 as well, and what it cannot take is told") {
  if (!has_ipv6()) return;
  {
    Set set(2);
    set.open({at_address("::", 0)});
    CHECK(set.problems.empty());
    CHECK(set.listeners.warnings().empty());
    REQUIRE(set.listeners.addresses().size() == 2);
    const HostPort& v4 = set.listeners.addresses()[1];
    CHECK(v4.host == "0.0.0.0");
    CHECK(connect_to_loopback(v4.port).get() >= 0);
  }
  // With an IPv4 socket of its own from the process before
  const auto warnings_beside = [](const std::string& ip) {
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const auto address = SocketAddress::of(*IpAddress::parse(ip), 0);
    REQUIRE(bind(fd, address.get(), address.size) == 0);
    REQUIRE(listen(fd, 1) == 0);
    sockaddr_storage bound{};
    socklen_t size = sizeof bound;
    getsockname(fd, reinterpret_cast<sockaddr*>(&bound), &size);
    const std::uint16_t port = host_port_of(bound)->port;
    const ListenConfig v4 = at_address(ip, port);
    Set set(1);
    set.open({at_address("::", port), v4}, {{{fd, v4.to_string()}}, {}, -1});
    CHECK(set.problems.empty());
    CHECK(set.listeners.addresses().size() == 2);
    return set.listeners.warnings();
  };
  CHECK(warnings_beside("0.0.0.0").empty());
  const auto beside_loopback = warnings_beside("127.0.0.1");
  REQUIRE(beside_loopback.size() == 1);
  CHECK_THAT(beside_loopback[0], Contains(" takes IPv6 clients only; for every address of both "
                                          "kinds write --listen :"));
}

TEST_CASE("a port in use is told, and with --take-over why it was not taken over") {
  std::uint16_t port = 0;
  const Fd other = listen_on_loopback(port);
  Set set(1);
  set.config.take_over = GENERATE(false, true);
  set.open({at_port(port)});
  REQUIRE(set.problems.size() == 1);
  CHECK_THAT(set.problems[0], Contains("the address is already in use"));
  const bool told =
      set.problems[0].find("not started with --take-over: use kill -USR2 PID") != std::string::npos;
  CHECK(told == set.config.take_over);
}

TEST_CASE("where one address is in use none stays bound, and what is passed on then is taken") {
  const TempDir dir;
  const std::size_t before = open_files();
  {
    std::uint16_t port = 0;
    Fd other = listen_on_loopback(port);
    Set set(2);
    set.open({at_path(dir.path("a")), at_port(0), at_port(port)});
    REQUIRE(set.problems.size() == 1);
    CHECK_THAT(set.problems[0], Contains("the address is already in use"));
    CHECK(set.listeners.address_in_use());
    CHECK(set.listeners.urls().empty());
    CHECK(set.listeners.addresses().empty());
    CHECK(set.listeners.to_pass_on().empty());
    CHECK(open_files() == before + 1);
    CHECK(access(dir.path("a").c_str(), F_OK) != 0);

    set.problems.clear();
    const int wanted = other.release();
    set.listeners.take_more(set.config, {{wanted, at_port(port).to_string()}, web(listening())});
    CHECK(open_files() == before + 1);
    for (int i = 0; i < 2; ++i) set.listeners.bind(set.config, set.problems);  // once is enough
    CHECK(set.problems.empty());
    CHECK_FALSE(set.listeners.address_in_use());
    CHECK(set.listeners.urls().size() == 3);
    CHECK(set.listeners.to_pass_on().size() == 4);
    CHECK(set.shares() == "1 1 / 2");
  }
  CHECK(open_files() == before);
}

TEST_CASE("sockets of --admin are for one thread, which is no worker") {
  const TempDir dir;
  Set set(3);
  set.config.admin = {at_port(0), at_path(dir.path("admin"))};
  set.open({at_port(0)});
  CHECK(set.problems.empty());
  CHECK(set.listeners.urls().size() == 1);
  CHECK(set.listeners.listen_of_urls() == std::vector<std::size_t>{0});
  REQUIRE(set.listeners.admin_urls().size() == 2);
  CHECK_THAT(set.listeners.admin_urls()[0], StartsWith("http://127.0.0.1:"));
  CHECK(set.listeners.admin_urls()[1] == "unix:" + dir.path("admin"));
  // The address guard knows that of the admin interface, too, and a successor gets all.
  CHECK(set.listeners.addresses().size() == 2);
  CHECK(set.listeners.to_pass_on().size() == 5);
  const auto sockets = set.listeners.take_of_admin();
  REQUIRE(sockets.size() == 2);
  CHECK(sockets[0].index() == 0);
  CHECK(sockets[1].index() == 1);
  CHECK(set.listeners.admin_urls()[0] == sockets[0].url());
  CHECK(set.listeners.addresses()[1].port == sockets[0].address().port);
  CHECK(set.shares() == "1 1 1 / 0");
}

TEST_CASE("an --admin that cannot be bound leaves nothing bound") {
  const TempDir dir;
  std::uint16_t taken = 0;
  const Fd other = listen_on_loopback(taken);
  Set set(2);
  set.config.admin = {at_path(dir.path("admin")), at_port(taken)};
  set.open({at_port(0), at_path(dir.path("proxy"))});
  REQUIRE(set.problems.size() == 1);
  CHECK_THAT(set.problems[0], Contains("127.0.0.1:" + std::to_string(taken)));
  CHECK(set.listeners.address_in_use());
  CHECK(set.listeners.urls().empty());
  CHECK(set.listeners.admin_urls().empty());
  CHECK(set.listeners.addresses().empty());
  CHECK(set.listeners.to_pass_on().empty());
  CHECK(set.listeners.take_of_admin().empty());
  CHECK(set.shares() == "0 0 / 0");
  CHECK(access(dir.path("admin").c_str(), F_OK) != 0);
  CHECK(access(dir.path("proxy").c_str(), F_OK) != 0);
}

TEST_CASE("a --listen that cannot be bound leaves no --admin either") {
  std::uint16_t taken = 0;
  const Fd other = listen_on_loopback(taken);
  Set set(1);
  set.config.admin = {at_port(0)};
  set.open({at_port(taken)});
  CHECK(set.problems.size() == 1);
  CHECK(set.listeners.admin_urls().empty());
  CHECK(set.listeners.take_of_admin().empty());
}

TEST_CASE("sockets of --admin are handed over like the others") {
  const TempDir dir;
  std::uint16_t port = 0;
  std::uint16_t admin_port = 0;
  const int proxy = listen_on_loopback(port).release();
  const int admin = listen_on_loopback(admin_port).release();
  Set set(1);
  set.config.admin = {at_port(admin_port), at_path(dir.path("new"))};
  set.open({at_port(port)}, {{{proxy, "http://127.0.0.1:" + std::to_string(port)},
                              {admin, "http://127.0.0.1:" + std::to_string(admin_port)}},
                             {},
                             -1});
  CHECK(set.problems.empty());
  CHECK(set.listeners.admin_urls() ==
        std::vector<std::string>{"http://127.0.0.1:" + std::to_string(admin_port),
                                 "unix:" + dir.path("new")});
  const auto sockets = set.listeners.take_of_admin();
  REQUIRE(sockets.size() == 2);
  CHECK(sockets[0].fd() == admin);
  CHECK(sockets[0].index() == 0);
  CHECK(sockets[1].index() == 1);
  const auto of_worker = set.listeners.take_of_worker(0);
  REQUIRE(of_worker.size() == 1);
  CHECK(of_worker[0].fd() == proxy);
}

TEST_CASE("a socket of --admin that is not wanted any more is closed") {
  std::uint16_t admin_port = 0;
  const int admin = listen_on_loopback(admin_port).release();
  Set set(1);
  set.config.listen = {at_port(0)};
  set.listeners.take(set.config,
                     {{{admin, "http://127.0.0.1:" + std::to_string(admin_port)}}, {}, -1},
                     set.problems);
  CHECK(set.listeners.admin_urls().empty());
  CHECK_FALSE(is_open(admin));
}
