#include "net/libc_lookup.h"

#include <algorithm>
#include <cerrno>
#include <memory>
#include <optional>
#include <vector>

#include "net/manual_clock.h"
#include "net/resolver.h"
#include "support/asker.h"
#include "support/catch.h"
#include "support/fake_names.h"
#include "support/turns.h"

using namespace culvert;
using namespace culvert::test;
using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;

TEST_CASE("a name becomes addresses, in a later turn, once") {
  Loop loop;
  Asker question;
  question.destroy_in_callback = GENERATE(false, true);
  question.ask(loop, "localhost", Side::upstream);
  CHECK(question.answers == 0);
  REQUIRE(turn_until(loop, [&] { return question.answers > 0; }));
  REQUIRE(question.found->ok());
  const std::vector<IpAddress>& found = **question.found;
  REQUIRE_FALSE(found.empty());
  for (const IpAddress& address : found) {
    CHECK(address.is_loopback());
    CHECK(std::count(found.begin(), found.end(), address) == 1);
  }
  question.lookup.reset();
  settle(loop, 5);
  CHECK(question.answers == 1);
  CHECK_FALSE(loop.busy());
}

TEST_CASE("an address stays what it is") {
  Loop loop;
  Asker question;
  question.ask(loop, "192.0.2.1", Side::upstream);
  REQUIRE(turn_until(loop, [&] { return question.answers > 0; }));
  CHECK(question.found->value() == std::vector<IpAddress>{*IpAddress::parse("192.0.2.1")});
}

TEST_CASE("addresses keep the system's order and lose their doubles") {
  Loop loop;
  set_addresses("many.test", {"2001:db8::1", "192.0.2.1", "192.0.2.2", "192.0.2.1", "2001:db8::1"});
  Asker question;
  question.ask(loop, "many.test", Side::upstream);
  REQUIRE(turn_until(loop, [&] { return question.answers > 0; }));
  std::string found;
  for (const IpAddress& address : question.found->value()) found += address.to_string() + " ";
  CHECK(found == "2001:db8::1 192.0.2.1 192.0.2.2 ");
}

TEST_CASE("a name that does not resolve is reported in a clause") {
  Loop loop;
  Asker question;
  question.ask(loop, "unknown.test", Side::upstream);
  REQUIRE(turn_until(loop, [&] { return question.answers > 0; }));
  REQUIRE_FALSE(question.found->ok());
  CHECK(question.found->error().code == Errc::dns_error);
  CHECK(question.found->error().side == Side::upstream);
  CHECK(question.found->error().text == "does not resolve here");
}

TEST_CASE("a DNS server that gives no answer is another matter than a name that is unknown") {
  Loop loop;
  Asker question;
  {
    const HangingNames names;
    question.ask(loop, "hangs.test", Side::upstream);
    REQUIRE(turn_until(loop, [&] { return names.waiting() == 1; }));
    CHECK(question.answers == 0);
  }
  REQUIRE(turn_until(loop, [&] { return question.answers > 0; }));
  CHECK(question.found->error().side == Side::local);
  CHECK(question.found->error().text == "does not resolve: the DNS server gave no answer");
}

TEST_CASE("a lookup for which this machine has no room is no matter of the name") {
  Loop loop;
  const int sys = GENERATE(EMFILE, ENFILE, ENOBUFS, ENOMEM);
  fail_lookups("full.test", sys);
  Asker question;
  question.ask(loop, "full.test", Side::upstream);
  REQUIRE(turn_until(loop, [&] { return question.answers > 0; }));
  const Error& error = question.found->error();
  CHECK(error.code == Errc::connection_limit_reached);
  CHECK(error.side == Side::local);
  CHECK(error.sys == sys);
  CHECK_THAT(error.text, StartsWith("cannot be looked up: "));
}

TEST_CASE("a lookup may be destroyed while it is under way in its thread") {
  Loop loop;
  Asker question;
  {
    const HangingNames names;
    question.ask(loop, "hangs.test", Side::upstream);
    REQUIRE(turn_until(loop, [&] { return names.waiting() == 1; }));
    question.lookup.reset();
    settle(loop, 5);
    CHECK(loop.busy());  // the thread still has it
  }
  REQUIRE(turn_until(loop, [&] { return !loop.busy(); }));
  CHECK(question.answers == 0);
}

TEST_CASE("what can be no name fails in a later turn, too") {
  Loop loop;
  Asker question;
  question.ask(loop, std::string(300, 'x'), Side::upstream);
  CHECK(question.answers == 0);
  REQUIRE(turn_until(loop, [&] { return question.answers > 0; }));
  CHECK(question.found->error().code == Errc::dns_error);
  CHECK_THAT(question.found->error().text, Contains("does not resolve"));
  CHECK_FALSE(loop.busy());
}

TEST_CASE("a lookup that was destroyed is silent, whatever its result") {
  Loop loop;
  for (const std::string& name : {std::string("localhost"), std::string(300, 'x')}) {
    Asker question;
    question.ask(loop, name, Side::upstream);
    question.lookup.reset();
    REQUIRE(turn_until(loop, [&] { return !loop.busy(); }));
    settle(loop, 5);
    CHECK(question.answers == 0);
  }
}

TEST_CASE("more lookups than threads, every second one canceled") {
  Loop loop;
  std::vector<Asker> questions(40);
  for (Asker& question : questions) question.ask(loop, "localhost", Side::upstream);
  for (std::size_t i = 0; i < questions.size(); i += 2) questions[i].lookup.reset();
  REQUIRE(turn_until(loop, [&] { return !loop.busy(); }));
  for (std::size_t i = 0; i < questions.size(); ++i) {
    CHECK(questions[i].answers == static_cast<int>(i % 2));
  }
}

TEST_CASE("dead names of targets take no thread of upstreams' names") {
  Loop loop;
  set_addresses("alive.test", {"192.0.2.1"});
  std::vector<Asker> dead(20);
  Asker target;
  {
    const HangingNames names;
    for (std::size_t i = 0; i < dead.size(); ++i) {
      dead[i].ask(loop, "hangs" + std::to_string(i) + ".test", Side::target);
    }
    target.ask(loop, "alive.test", Side::target);
    REQUIRE(turn_until(loop, [&] { return names.waiting() == 16; }));
    Asker upstream;
    upstream.ask(loop, "alive.test", Side::upstream);
    REQUIRE(turn_until(loop, [&] { return upstream.answers > 0; }));
    CHECK(upstream.found->ok());
    CHECK(names.waiting() == 16);
    CHECK(target.answers == 0);
    // One that waits for a thread may leave, and one that has one.
    dead[19].lookup.reset();
    dead[0].lookup.reset();
  }
  REQUIRE(turn_until(loop, [&] { return !loop.busy(); }));
  CHECK(target.found->ok());
  for (std::size_t i = 0; i < dead.size(); ++i) {
    CHECK(dead[i].answers == (i == 0 || i == 19 ? 0 : 1));
  }
}

TEST_CASE("a manual clock stands while a lookup is under way") {
  ManualClock clock;
  Loop loop(&clock);
  settle(loop, 3);
  Asker question;
  const auto before = loop.now();
  {
    const HangingNames names;
    question.ask(loop, "hangs.test", Side::upstream);
    REQUIRE(turn_until(loop, [&] { return names.waiting() == 1; }));
    loop.turn(5);
    CHECK(loop.now() == before);
  }
  REQUIRE(turn_until(loop, [&] { return question.answers > 0; }));
  CHECK(loop.now() == before);
  loop.turn(5);
  CHECK(loop.now() - before == std::chrono::milliseconds(5));
}

TEST_CASE("the loop's end does not wait for a lookup that was canceled") {
  Asker question;
  {
    Loop loop;
    question.ask(loop, std::string(300, 'x'), Side::upstream);
    question.lookup.reset();
  }
  CHECK(question.answers == 0);
}
