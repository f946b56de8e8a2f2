#include "policy/sign_in_pace.h"

#include <string>

#include "support/catch.h"

using namespace culvert;
using namespace std::chrono_literals;

namespace {

SignInPace::Who address(const std::string& text, const std::string& user = "alice") {
  return {{IpAddress::parse(text)}, user};
}

const SignInPace::Who kOne = address("192.0.2.1");
const SignInPace::Who kOther = address("192.0.2.2");

struct Scene {
  /// One check from the first moment it may run; that moment, as a wait from now on.
  std::chrono::milliseconds check(const SignInPace::Who& client, bool right) {
    REQUIRE(pace.wait(client, now));
    const auto due = pace.may_run(client);
    REQUIRE(due);
    const auto wait = std::chrono::ceil<std::chrono::milliseconds>(std::max(*due - now, {}));
    now += wait;
    pace.run(client);
    pace.end(client, right, now);
    return wait;
  }

  SignInPace pace{1};
  SignInPace::Time now = SignInPace::Time() + 1h;
};

}  // namespace

TEST_CASE("the more passwords were wrong, the slower the next ones are checked") {
  Scene scene;
  for (int i = 0; i < 3; ++i) CHECK(scene.check(kOne, false) == 0ms);
  for (const auto wait : {250ms, 500ms, 1000ms, 2000ms, 4000ms, 4000ms}) {
    CHECK(scene.check(kOne, false) == wait);
  }
  CHECK(scene.check(kOther, false) == 0ms);
  // The right one is as slow, and the last that is.
  CHECK(scene.check(kOne, true) == 4000ms);
  for (int i = 0; i < 3; ++i) CHECK(scene.check(kOne, false) == 0ms);
}

TEST_CASE("who guesses over a unix socket does not slow down another user of this host") {
  const SignInPace::Who one{{std::nullopt, 1000}, "alice"};
  const SignInPace::Who other{{std::nullopt, 1001}, "alice"};
  Scene scene;
  for (int i = 0; i < 4; ++i) scene.check(one, false);
  CHECK(scene.check(one, false) == 500ms);
  CHECK(scene.check(other, false) == 0ms);
}

TEST_CASE("those that guess, from however many addresses, leave places for others") {
  Scene scene;
  const auto nth = [](int i) { return address("192.0.3." + std::to_string(i)); };
  for (int i = 0; i < 150; ++i) {
    for (int failures = 0; failures < 3; ++failures) scene.check(nth(i), false);
  }
  std::size_t waiting = 0;
  for (int i = 0; i < 150; ++i) {
    for (int times = 0; times < 2; ++times) {
      if (scene.pace.wait(nth(i), scene.now)) ++waiting;
    }
  }
  CHECK(waiting == SignInPace::kMostWaitingGuesses);
  CHECK(scene.pace.is_guessing(nth(0), scene.now));
  SECTION("such as never came before") {
    CHECK(scene.pace.wait(kOne, scene.now));
    CHECK_FALSE(scene.pace.is_guessing(kOne, scene.now));
  }
  SECTION("one password after the other, or many at once") {
    const SignInPace::Who fresh = address("192.0.4.1");
    std::size_t checks = 0;
    for (int i = 0; i < 10; ++i) checks += scene.pace.wait(fresh, scene.now) ? 1U : 0U;
    CHECK(checks == SignInPace::kFreeFailures);
  }
  SECTION("and are let in again once they wait no more") {
    scene.pace.leave(nth(0));
    CHECK(scene.pace.wait(nth(0), scene.now));
  }
}

TEST_CASE("who guesses does not slow down another user at the same address") {
  const SignInPace::Who unknown = address("192.0.2.1", "");
  const SignInPace::Who bob = address("192.0.2.1", "bob");
  Scene scene;
  for (int i = 0; i < 6; ++i) {
    scene.check(unknown, false);
    scene.check(bob, false);
  }
  for (const auto& guessed : {unknown, bob}) {
    CHECK(scene.pace.wait(guessed, scene.now));
    CHECK(scene.pace.wait(guessed, scene.now));
    CHECK_FALSE(scene.pace.wait(guessed, scene.now));
  }
  CHECK(scene.check(kOne, true) == 0ms);
}

TEST_CASE("who has signed in lately is not slowed down by those that guess the same password") {
  Scene scene;
  CHECK(scene.check(kOne, true) == 0ms);
  for (int i = 0; i < 20; ++i) CHECK(scene.check(kOne, false) == 0ms);
  for (std::size_t i = 0; i <= SignInPace::kMostWaitingDelayed; ++i) {
    CHECK(scene.pace.wait(kOne, scene.now));
    scene.pace.leave(kOne);
  }
  // But one after the other.
  SignInPace pace(4);
  for (int i = 0; i < 5; ++i) REQUIRE(pace.wait(kOne, scene.now));
  for (int i = 0; i < 3; ++i) pace.run(kOne);
  CHECK_FALSE(pace.may_run(kOne));
  scene.now += SignInPace::kMemory;
  scene.check(kOne, false);
  CHECK(scene.check(kOne, false) == 4000ms);
}

TEST_CASE("one address has as many checks as it may, with however many users") {
  SignInPace pace(2);
  const SignInPace::Time now{};
  for (std::size_t i = 0; i < SignInPace::kMostWaitingOfClient; ++i) {
    REQUIRE(pace.wait(address("192.0.2.1", std::to_string(i)), now));
  }
  CHECK_FALSE(pace.wait(kOne, now));
  CHECK(pace.wait(kOther, now));
  for (const std::string user : {"1", "2"}) pace.run(address("192.0.2.1", user));
  CHECK_FALSE(pace.may_run(address("192.0.2.1", "3")));
  CHECK(pace.may_run(kOther));
  pace.end(address("192.0.2.1", "1"), false, now);
  CHECK(pace.may_run(address("192.0.2.1", "3")));
}

TEST_CASE("failures are forgotten in time") {
  Scene scene;
  for (int i = 0; i < 5; ++i) scene.check(kOne, false);
  scene.now += SignInPace::kMemory + 1ms;
  for (int i = 0; i < 3; ++i) CHECK(scene.check(kOne, false) == 0ms);
  CHECK(scene.check(kOne, false) == 250ms);
}

TEST_CASE("one client cannot take all that there is") {
  SignInPace pace(2);
  const SignInPace::Time now{};
  for (std::size_t i = 0; i < SignInPace::kMostWaiting; ++i) REQUIRE(pace.wait(kOne, now));
  CHECK_FALSE(pace.wait(kOne, now));
  CHECK(pace.wait(kOther, now));
  CHECK(pace.may_run(kOne));
  pace.run(kOne);
  CHECK(pace.may_run(kOne));
  pace.run(kOne);
  CHECK_FALSE(pace.may_run(kOne));
  CHECK(pace.may_run(kOther));
  pace.end(kOne, true, now);
  CHECK(pace.may_run(kOne));
  // What ran and what is gone makes room.
  for (int i = 0; i < 2; ++i) CHECK(pace.wait(kOne, now));
  CHECK_FALSE(pace.wait(kOne, now));
  pace.leave(kOne);
  CHECK(pace.wait(kOne, now));
}

TEST_CASE("passwords that are checked at the same time count before they are wrong") {
  SignInPace pace(4);
  const SignInPace::Time now{};
  for (int i = 0; i < 5; ++i) REQUIRE(pace.wait(kOne, now));
  for (int i = 0; i < 3; ++i) pace.run(kOne);
  CHECK_FALSE(pace.may_run(kOne));
  for (int i = 0; i < 2; ++i) pace.end(kOne, false, now);
  CHECK_FALSE(pace.may_run(kOne));
  pace.end(kOne, false, now);
  CHECK(pace.may_run(kOne) == now + 250ms);
}

TEST_CASE("few wait for a client that is slow") {
  Scene scene;
  for (int i = 0; i < 3; ++i) scene.check(kOne, false);
  CHECK(scene.pace.wait(kOne, scene.now));
  CHECK(scene.pace.wait(kOne, scene.now));
  CHECK_FALSE(scene.pace.wait(kOne, scene.now));
}

TEST_CASE("all addresses of an IPv6 network are one client, and mapped ones are IPv4") {
  Scene scene;
  for (int i = 0; i < 3; ++i) {
    CHECK(scene.check(address("2001:db8::" + std::to_string(i + 1)), false) == 0ms);
  }
  CHECK(scene.check(address("2001:db8::ffff:9"), false) == 250ms);
  CHECK(scene.check(address("2001:db8:0:1::1"), false) == 0ms);
  for (int i = 0; i < 3; ++i) scene.check(kOne, false);
  CHECK(scene.check(address("::ffff:192.0.2.1"), false) == 250ms);
  for (int i = 0; i < 4; ++i) scene.check(address("::1"), false);
  CHECK(scene.check(address("::2"), false) == 0ms);
}

TEST_CASE("only so many clients are remembered, and none that waits is forgotten") {
  Scene scene;
  for (int i = 0; i < 4; ++i) scene.check(kOne, false);
  REQUIRE(scene.pace.wait(kOther, scene.now));
  for (unsigned i = 0; i < 2 * SignInPace::kMostKnown; ++i) {
    scene.now += 1ms;
    scene.check({{IpAddress::v4({10, 0, static_cast<std::uint8_t>(i >> 8U),
                                 static_cast<std::uint8_t>(i & 255U)})},
                 "alice"},
                false);
  }
  CHECK(scene.pace.remembered() == SignInPace::kMostKnown);
  CHECK(scene.check(kOne, false) == 0ms);
  scene.pace.run(kOther);
  scene.pace.end(kOther, true, scene.now);
}
