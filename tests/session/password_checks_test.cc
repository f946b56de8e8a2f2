#include "session/password_checks.h"

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "support/catch.h"
#include "support/turns.h"

using namespace culvert;
using namespace culvert::test;
using namespace std::chrono_literals;

namespace {

const SignInPace::Client kClient{IpAddress::parse("192.0.2.1")};
const SignInPace::Client kOther{IpAddress::parse("192.0.2.2")};
constexpr std::string_view kHash =
    "$5$rounds=1000$salt$CCvcOM6b7TEJDPb37Aec/9UpOg4QhPNAxPpL9ZzjTB7";

/// `users` with the same hash, after them one whose check costs more.
PasswordFile file_of(const std::string& users, std::string_view hash = kHash) {
  std::string text;
  for (const char user : users) text.append(1, user).append(":").append(hash).append("\n");
  text.append(
      "z:$6$abcdefgh$ltjgWl6579NluT/Vi1nwEvcil.G5Nbc4NiXZaNGStk8PSwGfQv72N2CKPPrVACtLtip/"
      "cZ/1GM/O6IND4WQhG.\n");
  std::vector<std::string> problems;
  auto file = PasswordFile::parse(text, problems);
  REQUIRE(problems.empty());
  return file;
}

// What checks a password here: right is "secret", and it may be held up.
std::atomic<int> checked{0};
std::atomic<int> running{0};
std::atomic<int> most_running{0};
std::atomic<bool> held{false};
std::atomic<bool> saw_costliest{false};

bool matches(const Secret& password, const Secret& hash) {
  const int now = ++running;
  int most = most_running;
  while (now > most && !most_running.compare_exchange_weak(most, now)) {
  }
  ++checked;
  if (hash.reveal().starts_with("$6$")) saw_costliest = true;
  while (held) std::this_thread::sleep_for(1ms);
  --running;
  return password.reveal() == "secret";
}

struct Reset {
  Reset() {
    checked = most_running = 0;
    held = saw_costliest = false;
  }
  ~Reset() { held = false; }
};

struct Party {
  Party(PasswordChecks& checks, Loop& its_loop)
      : check(checks, its_loop, Callback<void(PasswordVerdict)>::to<&Party::on_verdict>(this)) {}
  void ask(const PasswordFile& users, const std::string& user, const std::string& password,
           const SignInPace::Client& client = kClient) {
    verdict.reset();
    at_once = check.ask(users, client, {user, Secret(password)});
    if (at_once) verdict = at_once;
  }
  void on_verdict(PasswordVerdict given) { verdict = given; }

  PasswordCheck check;
  std::optional<PasswordVerdict> at_once;
  std::optional<PasswordVerdict> verdict;
};

struct Scene {
  PasswordVerdict ask(const std::string& user, const std::string& password,
                      const SignInPace::Client& client = kClient) {
    Party party(checks, loop);
    party.ask(users, user, password, client);
    REQUIRE(turn_until(
        loop, [&] { return party.verdict.has_value(); }, 60s));
    return *party.verdict;
  }
  ~Scene() {
    held = false;
    CHECK(turn_until(
        loop, [&] { return !loop.busy(); }, 60s));
  }

  Reset reset;
  PasswordFile users = file_of("ab");
  Loop loop;
  PasswordChecks checks{2, matches};
};

}  // namespace

TEST_CASE("a password is checked once, and its verdict known from then on") {
  Scene scene;
  CHECK(scene.ask("a", "secret") == PasswordVerdict::right);
  CHECK(checked == 1);
  Party party(scene.checks, scene.loop);
  party.ask(scene.users, "a", "secret", kOther);
  CHECK(party.at_once == PasswordVerdict::right);
  CHECK(scene.ask("a", "other") == PasswordVerdict::wrong);
  CHECK(scene.ask("b", "secret") == PasswordVerdict::right);
  CHECK(checked == 3);
  party.ask(scene.users, "a", "other");
  CHECK(party.at_once == PasswordVerdict::wrong);
  CHECK(checked == 3);
}

TEST_CASE("a user who does not exist costs a check of any user's kind, and never signs in") {
  Scene scene;
  std::size_t costly = 0;
  constexpr std::size_t kNames = 60;
  for (std::size_t i = 0; i < kNames; ++i) {
    const std::string name = "nobody " + std::to_string(i);
    const SignInPace::Client client{IpAddress::v4({10, 0, 0, static_cast<std::uint8_t>(i)})};
    saw_costliest = false;
    CHECK(scene.ask(name, "secret", client) == PasswordVerdict::wrong);
    const bool was_costly = saw_costliest;
    if (was_costly) ++costly;
    // Another password of the same name costs the same.
    saw_costliest = false;
    CHECK(scene.ask(name, "other", client) == PasswordVerdict::wrong);
    CHECK(saw_costliest == was_costly);
  }
  CHECK(checked == 2 * kNames);
  // One of the three users has it.  By chance it happens once in 10^10 runs that none, or all, do.
  CHECK((costly > 0 && costly < kNames));
}

TEST_CASE("a verdict is not valid for another entry in the file") {
  Scene scene;
  CHECK(scene.ask("a", "secret") == PasswordVerdict::right);
  CHECK(scene.ask("c", "secret") == PasswordVerdict::wrong);
  scene.users = file_of("ac", "$5$rounds=1000$SALT$CCvcOM6b7TEJDPb37Aec/9UpOg4QhPNAxPpL9ZzjTB7");
  CHECK(scene.ask("a", "secret") == PasswordVerdict::right);
  CHECK(scene.ask("c", "secret") == PasswordVerdict::right);
  CHECK(checked == 4);
  CHECK(scene.ask("b", "secret") == PasswordVerdict::wrong);  // gone from the file
}

TEST_CASE("who asks the same at the same time waits for one check") {
  Scene scene;
  held = true;
  std::vector<std::unique_ptr<Party>> parties;
  for (int i = 0; i < 50; ++i) {
    parties.push_back(std::make_unique<Party>(scene.checks, scene.loop));
    parties.back()->ask(scene.users, "a", "secret", i % 2 == 0 ? kClient : kOther);
    CHECK_FALSE(parties.back()->at_once);
  }
  REQUIRE(turn_until(
      scene.loop, [] { return checked > 0; }, 60s));
  parties.erase(parties.begin(), parties.begin() + 10);  // the first one among them
  held = false;
  for (const auto& party : parties) {
    REQUIRE(turn_until(
        scene.loop, [&] { return party->verdict.has_value(); }, 60s));
    CHECK(party->verdict == PasswordVerdict::right);
  }
  CHECK(checked == 1);
}

TEST_CASE("what nobody waits for any more is not checked") {
  Scene scene;
  held = true;
  Party running_one(scene.checks, scene.loop);
  running_one.ask(scene.users, "a", "1");
  REQUIRE(turn_until(
      scene.loop, [] { return running == 1; }, 60s));
  {
    Party waits(scene.checks, scene.loop);
    waits.ask(scene.users, "a", "2");
    CHECK_FALSE(waits.at_once);
  }
  held = false;
  CHECK(scene.ask("a", "secret") == PasswordVerdict::right);
  CHECK(checked == 2);
}

TEST_CASE("one client leaves a thread to others, and room to wait") {
  Scene scene;
  held = true;
  std::vector<std::unique_ptr<Party>> parties;
  for (std::size_t i = 0; i < 1 + SignInPace::kMostWaiting; ++i) {
    parties.push_back(std::make_unique<Party>(scene.checks, scene.loop));
    parties.back()->ask(scene.users, "a", std::to_string(i));
    CHECK_FALSE(parties.back()->at_once);
    if (i == 0)
      REQUIRE(turn_until(
          scene.loop, [] { return running == 1; }, 60s));
  }
  Party refused(scene.checks, scene.loop);
  refused.ask(scene.users, "a", "x");
  CHECK(refused.at_once == PasswordVerdict::busy);
  Party other(scene.checks, scene.loop);
  other.ask(scene.users, "b", "secret", kOther);
  CHECK_FALSE(other.at_once);
  REQUIRE(turn_until(
      scene.loop, [] { return running == 2; }, 60s));
  CHECK(checked == 2);
  parties.clear();
  held = false;
  REQUIRE(turn_until(
      scene.loop, [&] { return other.verdict.has_value(); }, 60s));
  CHECK(other.verdict == PasswordVerdict::right);
}

TEST_CASE("only so many wait in all") {
  Scene scene;
  held = true;
  std::vector<std::unique_ptr<Party>> parties;
  const auto ask = [&](unsigned number) -> Party& {
    parties.push_back(std::make_unique<Party>(scene.checks, scene.loop));
    parties.back()->ask(scene.users, "a", std::to_string(number),
                        {IpAddress::v4({10, 0, static_cast<std::uint8_t>(number / 256),
                                        static_cast<std::uint8_t>(number % 256)})});
    return *parties.back();
  };
  for (unsigned i = 0; i < PasswordChecks::kMostWaiting; ++i) CHECK_FALSE(ask(i).at_once);
  CHECK(ask(1'000).at_once == PasswordVerdict::busy);
  parties.clear();
}

TEST_CASE("wrong passwords slow a client down, and a known verdict is not held up by them") {
  Scene scene;
  CHECK(scene.ask("b", "secret") == PasswordVerdict::right);
  std::chrono::steady_clock::time_point begun;  // the last one, which fails a little later
  for (int i = 0; i < 3; ++i) {
    begun = std::chrono::steady_clock::now();
    CHECK(scene.ask("a", "wrong " + std::to_string(i)) == PasswordVerdict::wrong);
  }
  Party known(scene.checks, scene.loop);
  known.ask(scene.users, "b", "secret");
  CHECK(known.at_once == PasswordVerdict::right);
  CHECK(scene.ask("a", "secret") == PasswordVerdict::right);
  CHECK(std::chrono::steady_clock::now() - begun >= SignInPace::kFirstDelay);
}

TEST_CASE("a right password is taken while others at the same address guess") {
  const std::string guessed = GENERATE("b", "nobody");
  Scene scene;
  for (int i = 0; i < 3; ++i) scene.ask(guessed, "wrong " + std::to_string(i));
  std::vector<std::unique_ptr<Party>> guessers;
  for (int i = 0; i < 4; ++i) {
    guessers.push_back(std::make_unique<Party>(scene.checks, scene.loop));
    guessers.back()->ask(scene.users, guessed, "ever new " + std::to_string(i));
  }
  CHECK(guessers.back()->at_once == PasswordVerdict::busy);
  CHECK(scene.ask("a", "secret") == PasswordVerdict::right);
}

TEST_CASE("checks that run do not keep their owner") {
  Reset reset;
  const PasswordFile users = file_of("ab");
  Loop loop;
  held = true;
  {
    PasswordChecks checks(2, matches);
    Party party(checks, loop);
    party.ask(users, "a", "secret");
    REQUIRE(turn_until(
        loop, [] { return running == 1; }, 60s));
  }
  settle(loop);
  CHECK_FALSE(loop.busy());
  held = false;
  while (running > 0) std::this_thread::sleep_for(1ms);
}

TEST_CASE("loops in several threads ask, give up and ask again") {
  Reset reset;
  const PasswordFile users = file_of("ab");
  PasswordChecks checks(4, matches);
  std::atomic<int> right{0};
  std::atomic<int> wrong{0};
  std::atomic<bool> all_told{true};
  std::vector<std::thread> threads;
  for (unsigned t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      Loop loop;
      const SignInPace::Client client{IpAddress::v4({10, 0, 0, static_cast<std::uint8_t>(t)})};
      for (int round = 0; round < 100; ++round) {
        Party party(checks, loop);
        const bool good = round % 25 != 24;
        party.ask(users, round % 2 == 0 ? "a" : "b",
                  good ? "secret" : "bad" + std::to_string(round), client);
        {
          Party gone(checks, loop);
          gone.ask(users, "a", "other " + std::to_string(t) + std::to_string(round),
                   {IpAddress::v4(
                       {10, 1, static_cast<std::uint8_t>(t), static_cast<std::uint8_t>(round)})});
        }
        if (!turn_until(
                loop, [&] { return party.verdict.has_value(); }, 60s))
          all_told = false;
        ++(party.verdict == PasswordVerdict::right ? right : wrong);
      }
      if (!turn_until(
              loop, [&] { return !loop.busy(); }, 60s))
        all_told = false;
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(all_told);
  CHECK(right == 4 * 96);
  CHECK(wrong == 4 * 4);
  CHECK(most_running <= 4);
}
