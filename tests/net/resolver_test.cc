#include "net/resolver.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "net/address_order.h"
#include "support/asker.h"
#include "support/catch.h"
#include "support/dns_server.h"
#include "support/fake_names.h"
#include "support/refused_watches.h"
#include "support/turns.h"

using namespace culvert;
using namespace culvert::test;
using namespace std::chrono_literals;
using Catch::Matchers::Contains;
using Names = std::vector<std::string>;

namespace {

constexpr int kA = DnsServer::kA;
constexpr int kAaaa = DnsServer::kAaaa;

struct Net {
  template <typename Done>
  bool serve_until(Done done, std::chrono::milliseconds limit = 10s) {
    return turn_until(
        loop,
        [&] {
          server.serve();
          return done();
        },
        limit);
  }
  std::string resolve(const std::string& name, Side side = Side::target) {
    Asker asker;
    asker.ask(loop, name, side);
    CHECK(asker.answers == 0);
    REQUIRE(serve_until([&] { return asker.answers > 0; }));
    CHECK(asker.answers == 1);
    last = std::move(asker.found);
    asker.found = last;
    return asker.result();
  }

  DnsServer server;
  OwnNames names{server.address()};
  Loop loop;
  std::optional<Lookup::Found> last;
};

}  // namespace

TEST_CASE("DNS is asked for both families, once each") {
  Net net;
  net.server.add("both.example", {"192.0.2.1", "2001:db8::1", "192.0.2.2"});
  net.names.write_gai_conf("precedence ::ffff:0:0/96 100\n");
  const std::string found = net.resolve("both.example");
  CHECK_THAT(found, Contains("192.0.2.1 192.0.2.2") && Contains("2001:db8::1"));
  CHECK(net.server.names() == Names{"both.example"});
  CHECK(net.server.asked("both.example", kA) == 1);
  CHECK(net.server.asked("both.example", kAaaa) == 1);
  CHECK(net.loop.resolver().names() == 0);
  CHECK_FALSE(net.loop.busy());
}

TEST_CASE("however many wait for a name, it is asked for once") {
  Net net;
  net.server.add("proxy.example", {"127.0.0.1"});
  std::vector<Asker> askers(30);
  for (std::size_t i = 0; i < askers.size(); ++i) {
    askers[i].destroy_in_callback = i % 2 == 0;
    askers[i].ask(net.loop, "proxy.example");
  }
  askers[3].lookup.reset();
  askers[4].victim = &askers[7];
  CHECK(net.loop.resolver().names() == 1);
  REQUIRE(net.serve_until([&] { return net.loop.resolver().names() == 0; }));
  for (std::size_t i = 0; i < askers.size(); ++i) {
    CAPTURE(i);
    CHECK(askers[i].answers == (i == 3 || i == 7 ? 0 : 1));
  }
  CHECK(net.server.asked("proxy.example", kA) == 1);
  CHECK(net.server.asked("proxy.example", kAaaa) == 1);
  // Only what is in flight is shared, and an upstream's name is a matter of its own.
  Asker target;
  Asker upstream;
  target.ask(net.loop, "proxy.example", Side::target);
  upstream.ask(net.loop, "proxy.example", Side::upstream);
  REQUIRE(net.serve_until([&] { return target.answers + upstream.answers == 2; }));
  CHECK(net.server.asked("proxy.example", kA) == 3);
  CHECK_FALSE(net.loop.busy());
}

TEST_CASE("RFC 8305 3: one family's answer waits for 50 ms for the other, not longer") {
  Net net;
  net.names.options().dns.repeat_after = 60s;
  net.server.add("half.example", {"127.0.0.1", "::1"});
  const int missing = GENERATE(kA, kAaaa);
  net.server.lose("half.example", missing);
  const auto begun = net.loop.clock_time();
  // Without IPv6 here the IPv6 address would be of no use alone.
  if (missing == kA && !source_address_for(*IpAddress::parse("::1"))) return;
  const std::string found = net.resolve("half.example");
  CHECK(found == (missing == kA ? "::1" : "127.0.0.1"));
  CHECK(net.loop.clock_time() - begun >= 50ms);
  CHECK(net.server.asked("half.example", missing) == 1);
}

TEST_CASE("a lost packet is sent again") {
  Net net;
  net.names.options().dns.repeat_after = 100ms;
  net.server.add("lossy.example", {"127.0.0.1"});
  net.server.lose("lossy.example", kA, 1);
  net.server.lose("lossy.example", kAaaa, 1);
  CHECK(net.resolve("lossy.example") == "127.0.0.1");
  CHECK(net.server.asked("lossy.example", kA) >= 2);
}

TEST_CASE("each failure has its text, and no answer its code") {
  struct Row {
    const char* name;
    Errc code;
    Side side;
    const char* why;
  };
  const auto row = GENERATE(values<Row>({
      {"nowhere.example", Errc::dns_error, Side::upstream, "the name does not exist"},
      {"empty.example", Errc::dns_error, Side::upstream, "the name has no address"},
      {"refused.example", Errc::dns_error, Side::local, "the DNS server answered REFUSED"},
      {"failing.example", Errc::dns_error, Side::local, "the DNS server answered SERVFAIL"},
      {"silent.example", Errc::dns_timeout, Side::upstream, "the DNS server does not answer"},
      {"half.example", Errc::dns_timeout, Side::upstream, "the DNS server does not answer"},
  }));
  CAPTURE(row.name);
  Net net;
  // Where an answer is to come, it has all the time.
  net.names.options().dns.repeat_after = row.code == Errc::dns_timeout ? 20ms : 60'000ms;
  net.names.options().dns.tries = 2;
  net.server.add("empty.example", {});
  net.server.fail("failing.example", 2);
  net.server.fail("refused.example", 5);
  net.server.lose("silent.example", kA);
  net.server.lose("silent.example", kAaaa);
  net.server.lose("half.example", kA);  // and the other does not exist
  CHECK(net.resolve(row.name, Side::upstream) == "does not resolve here: " + std::string(row.why));
  CHECK(net.last->error().code == row.code);
  CHECK(net.last->error().side == row.side);
  CHECK_FALSE(net.loop.busy());
}

TEST_CASE("where no DNS server listens, that is the reason") {
  Net net;
  net.names.options().dns.servers = "127.0.0.1:" + std::to_string(closed_port());
  CHECK(net.resolve("any.example") == "does not resolve here: no DNS server can be reached");
  CHECK(net.last->error().code == Errc::dns_error);
}

TEST_CASE("without descriptors no server is to blame") {
  Net net;
  CHECK_THAT(net.resolve("localhost"), Contains("127.0.0.1"));  // all that is opened once is open
  Asker asker;
  {
    const FileLimit none_left;
    asker.ask(net.loop, "any.example");
    REQUIRE(turn_until(net.loop, [&] { return asker.answers > 0; }));
  }
  CHECK_THAT(asker.result(), Contains("cannot be looked up"));
  CHECK(asker.found->error().code == Errc::connection_limit_reached);
  CHECK(asker.found->error().side == Side::local);
}

TEST_CASE("a socket that cannot be watched is none, and no answer is waited for") {
  Net net;
  CHECK_THAT(net.resolve("localhost"), Contains("127.0.0.1"));  // all that is opened once is open
  Asker asker;
  if (!without_new_watches([&] {
        asker.ask(net.loop, "any.example");
        CHECK(turn_until(net.loop, [&] { return asker.answers > 0; }));
      })) {
    return;
  }
  REQUIRE(asker.answers == 1);
  CHECK_THAT(asker.result(), Contains("there is no descriptor or memory left for it"));
  CHECK(asker.found->error().code == Errc::connection_limit_reached);
  // No packet has left.
  net.server.serve();
  CHECK(net.server.asked("any.example", kA) == 0);
  CHECK_THAT(net.resolve("localhost"), Contains("127.0.0.1"));
}

TEST_CASE("a server that cannot answer is not the last one to be asked") {
  Net net;
  DnsServer second;
  net.names.options().dns.servers = net.server.address() + "," + second.address();
  net.server.fail("name.example", GENERATE(2, 5));
  const auto resolve = [&] {
    Asker asker;
    asker.ask(net.loop, "name.example");
    REQUIRE(net.serve_until([&] {
      second.serve();
      return asker.answers > 0;
    }));
    return asker.result();
  };
  SECTION("the next knows the name") {
    second.add("name.example", {"127.0.0.1"});
    CHECK(resolve() == "127.0.0.1");
  }
  SECTION("the next knows that there is none") {
    CHECK(resolve() == "does not resolve here: the name does not exist");
  }
  SECTION("the next cannot answer either") {
    second.fail("name.example", 2);
    CHECK_THAT(resolve(), Contains("the DNS server answered "));
  }
  CHECK_FALSE(net.loop.busy());
}

TEST_CASE("an answer that is too long for UDP comes over TCP") {
  Net net;
  net.server.truncate();
  net.server.add("long.example", {"127.0.0.1"});
  CHECK(net.resolve("long.example") == "127.0.0.1");
  CHECK(net.server.tcp_questions() == 2);
  CHECK_FALSE(net.loop.busy());
}

TEST_CASE("over TCP, too, a question is repeated, and not for ever") {
  Net net;
  net.server.truncate();
  net.server.add("long.example", {"127.0.0.1"});
  SECTION("the first two are lost") {
    net.server.lose_over_tcp(2);
    CHECK(net.resolve("long.example") == "127.0.0.1");
  }
  SECTION("all are lost") {
    net.server.lose_over_tcp();
    CHECK(net.resolve("long.example") == "does not resolve here: the DNS server does not answer");
    CHECK(net.server.tcp_questions() > 2);
  }
  CHECK_FALSE(net.loop.busy());
}

TEST_CASE("a server that knows no extension is asked in the old way") {
  Net net;
  net.server.refuse_extensions();
  net.server.add("old.example", {"127.0.0.1"});
  CHECK(net.resolve("old.example") == "127.0.0.1");
  CHECK_FALSE(net.loop.busy());
}

TEST_CASE("an alias of nothing has no address, and the search goes on") {
  Net net;
  net.server.add_alias("alias.example", "nothing.example");
  CHECK(net.resolve("alias.example") == "does not resolve here: the name has no address");
  net.names.write_resolv_conf("search example corp.example");
  net.server.add("alias.corp.example", {"127.0.0.1"});
  CHECK(net.resolve("alias") == "127.0.0.1");
  CHECK_FALSE(net.loop.busy());
}

TEST_CASE("the search list is applied, but not to a name with a final dot") {
  Net net;
  net.names.write_resolv_conf("search svc.local.test corp.test\noptions ndots:5\n");
  net.server.add("gcr.io", {"127.0.0.1"});
  net.server.add("proxy.corp.test", {"127.0.0.2"});
  SECTION("until a name is found") {
    CHECK(net.resolve("proxy") == "127.0.0.2");
    CHECK(net.server.names() == Names{"proxy.svc.local.test", "proxy.corp.test"});
  }
  SECTION("and the name itself at last") {
    CHECK(net.resolve("gcr.io") == "127.0.0.1");
    CHECK(net.server.names() == Names{"gcr.io.svc.local.test", "gcr.io.corp.test", "gcr.io"});
  }
  SECTION("beyond a server that fails for one of its names") {
    net.server.fail("gcr.io.svc.local.test", 2);
    CHECK(net.resolve("gcr.io") == "127.0.0.1");
  }
  SECTION("and what explains most is reported") {
    net.server.fail("nowhere.svc.local.test", 2);
    CHECK(net.resolve("nowhere") == "does not resolve here: the DNS server answered SERVFAIL");
  }
  SECTION("a final dot") {
    net.server.add("gcr.io.svc.local.test", {"127.0.0.66"});
    CHECK(net.resolve("gcr.io.") == "127.0.0.1");
    CHECK(net.server.names() == Names{"gcr.io"});
  }
}

TEST_CASE("addresses of two names of the search list are never mixed") {
  Net net;
  net.names.write_resolv_conf("search a.test b.test\n");
  net.server.add("x.a.test", {"127.0.0.1"});
  net.server.add("x.b.test", {"::1"});
  CHECK(net.resolve("x") == "127.0.0.1");
  CHECK(net.server.names() == Names{"x.a.test"});
}

TEST_CASE("the hosts file comes first, and is read again when it has changed") {
  Net net;
  net.server.add("name.example", {"127.0.0.9"});
  net.names.write_hosts("127.0.0.5 other Name.Example # ours\n");
  CHECK(net.resolve("name.example") == "127.0.0.5");
  CHECK(net.resolve("name.example.") == "127.0.0.5");
  net.names.write_hosts("127.0.0.66 name.example\n");
  CHECK(net.resolve("name.example") == "127.0.0.66");
  CHECK(net.server.names().empty());
  net.names.write_hosts("\n");
  CHECK(net.resolve("name.example") == "127.0.0.9");
  CHECK_THAT(net.resolve("a.localhost"), Contains("127.0.0.1"));
  CHECK(net.resolve("192.0.2.1") == "192.0.2.1");
  CHECK(net.server.names() == Names{"name.example"});
}

TEST_CASE("a change of resolv.conf counts for the next name, and for those that wait") {
  Net net;
  net.names.options().dns.repeat_after = 60s;
  net.names.write_resolv_conf("search old.test\n");
  net.server.add("waiting.new.test", {"127.0.0.1"});
  net.server.add("next.new.test", {"127.0.0.2"});
  net.server.lose("waiting.old.test", kA);
  Asker waiting;
  waiting.ask(net.loop, "waiting");
  REQUIRE(net.serve_until([&] { return net.server.asked("waiting.old.test", kA) == 1; }));
  net.names.write_resolv_conf("search new.test\n");
  CHECK(net.resolve("next") == "127.0.0.2");
  REQUIRE(net.serve_until([&] { return waiting.answers > 0; }));
  CHECK(waiting.result() == "127.0.0.1");
  CHECK(waiting.answers == 1);
  CHECK_FALSE(net.loop.busy());
}

TEST_CASE("a source that only the C library knows is asked when DNS knows nothing") {
  Net net;
  net.server.add("in-dns.test", {"127.0.0.1"});
  set_addresses("in-dns.test", {"127.0.0.66"});
  set_addresses("elsewhere.test", {"127.0.0.2"});
  SECTION("last") {
    net.names.write_nsswitch("hosts: files dns libvirt\n");
    CHECK(net.resolve("in-dns.test") == "127.0.0.1");
    CHECK(net.resolve("elsewhere.test") == "127.0.0.2");
    CHECK(net.resolve("unknown.test") == "does not resolve here");
  }
  SECTION("alone, where it has an order of its own") {
    net.names.write_nsswitch("hosts: dns files\n");
    CHECK(net.resolve("in-dns.test") == "127.0.0.66");
    CHECK(net.server.names().empty());
  }
  SECTION("not, where there is none such") {
    CHECK(net.resolve("elsewhere.test") == "does not resolve here: the name does not exist");
  }
  CHECK(turn_until(net.loop, [&] { return !net.loop.busy(); }));
}

TEST_CASE(
    "without name services of the C library, the hosts file and DNS are asked, and the error says "
    "what is not") {
  Net net;
  net.names.options().name_services = false;
  net.server.add("in-dns.test", {"127.0.0.1"});
  set_addresses("elsewhere.test", {"127.0.0.2"});
  set_addresses("printer.local", {"127.0.0.3"});
  net.names.write_hosts("127.0.0.4 listed.test\n");
  const std::string line = GENERATE("hosts: files dns libvirt\n", "hosts: dns files mdns4\n");
  net.names.write_nsswitch(line);
  CHECK(net.resolve("in-dns.test") == "127.0.0.1");
  CHECK(net.resolve("listed.test") == "127.0.0.4");
  for (const char* name : {"elsewhere.test", "printer.local"}) {
    CHECK(net.resolve(name) ==
          "does not resolve here: neither the hosts file nor DNS knows it, and a static culvert "
          "cannot ask what else "
          "nsswitch.conf names");
  }
  CHECK_FALSE(net.loop.busy());
}

TEST_CASE("a lookup may be canceled at each stage") {
  Net net;
  net.names.options().dns.repeat_after = 60s;
  net.server.add("name.example", {"127.0.0.1", "::1"});
  net.names.write_hosts("127.0.0.3 listed.example\n");
  Asker asker;
  SECTION("before it is sent") { asker.ask(net.loop, "name.example"); }
  SECTION("before an answer that needs no server") { asker.ask(net.loop, "listed.example"); }
  SECTION("while it is in flight") {
    net.server.lose("name.example", kA);
    net.server.lose("name.example", kAaaa);
    asker.ask(net.loop, "name.example");
    REQUIRE(net.serve_until([&] { return net.server.asked("name.example", kA) == 1; }));
  }
  SECTION("when half of the answer is there") {
    net.server.lose("name.example", kAaaa);
    asker.ask(net.loop, "name.example");
    REQUIRE(net.serve_until([&] { return net.server.asked("name.example", kA) == 1; }));
    net.loop.turn(5);
  }
  asker.lookup.reset();
  const int before = asker.answers;
  CHECK_FALSE(net.loop.busy());
  CHECK(net.loop.resolver().names() == 0);
  net.server.serve();
  settle(net.loop, 20);
  CHECK(asker.answers == before);
  // What comes afterwards is served as ever.
  CHECK_THAT(net.resolve("listed.example"), Contains("127.0.0.3"));
}

TEST_CASE("a name that nobody waits for is not asked for again while others are in flight") {
  Net net;
  net.names.options().dns.repeat_after = 60s;
  for (const int type : {kA, kAaaa}) {
    net.server.lose("left.example", type);
    net.server.lose("other.example", type);
  }
  Asker other;
  other.ask(net.loop, "other.example");
  for (int i = 0; i < 3; ++i) {
    Asker left;
    left.ask(net.loop, "left.example");
    REQUIRE(net.serve_until([&] { return net.server.asked("left.example", kA) == 1; }));
  }
  CHECK(net.server.asked("left.example", kAaaa) == 1);
  CHECK(net.loop.resolver().names() == 2);
  other.lookup.reset();
  CHECK_FALSE(net.loop.busy());
}

TEST_CASE("a callback may ask for the next name") {
  Net net;
  net.server.add("first.example", {"127.0.0.1"});
  Asker first;
  Asker second;
  first.next_loop = &net.loop;
  first.next = &second;
  first.next_name = GENERATE("first.example", "localhost", "unknown.example");
  first.destroy_in_callback = true;
  const bool new_servers = GENERATE(false, true);
  first.ask(net.loop, "first.example");
  if (new_servers) {
    // Then the client that calls back is replaced meanwhile.
    REQUIRE(net.serve_until([&] { return net.server.asked("first.example", kA) == 1; }));
    net.names.write_resolv_conf("search new.test\n");
  }
  REQUIRE(net.serve_until([&] { return second.answers > 0; }));
  CHECK(first.answers == 1);
  second.lookup.reset();
  CHECK_FALSE(net.loop.busy());
}

TEST_CASE("dead names do not delay others, and use up no room of upstreams' names") {
  Net net;
  net.names.options().dns.repeat_after = 60s;
  net.names.options().most_names = 50;
  net.server.add("alive.example", {"127.0.0.1"});
  std::vector<Asker> dead(50);
  for (std::size_t i = 0; i < dead.size(); ++i) {
    const std::string name = "n" + std::to_string(i) + ".example";
    for (const int type : {kA, kAaaa}) net.server.lose(name, type);
    if (i + 1 == dead.size()) CHECK(net.resolve("alive.example") == "127.0.0.1");
    dead[i].ask(net.loop, name);
  }
  CHECK_THAT(net.resolve("alive.example"), Contains("too many other names"));
  CHECK(net.last->error().code == Errc::connection_limit_reached);
  CHECK(net.last->error().side == Side::local);
  CHECK(net.resolve("alive.example", Side::upstream) == "127.0.0.1");
  for (Asker& asker : dead) {
    CHECK(asker.answers == 0);
    asker.lookup.reset();
  }
  CHECK(net.resolve("alive.example") == "127.0.0.1");
  CHECK_FALSE(net.loop.busy());
}

TEST_CASE("the loop's end does not wait for names in flight") {
  DnsServer server;
  OwnNames names(server.address());
  server.lose("left.example", kA);
  const std::size_t files = open_files();
  {
    Loop loop;
    Asker kept;
    kept.ask(loop, "left.example");
    {
      Asker left;
      left.ask(loop, "other.example");
    }
    const bool sent = GENERATE(false, true);
    if (sent) {
      REQUIRE(turn_until(loop, [&] {
        server.serve();
        return server.asked("left.example", kA) == 1;
      }));
    }
  }
  CHECK(open_files() == files);
}
