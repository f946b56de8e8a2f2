// What a reload keeps of the health of upstreams.
#include "server/generation.h"

#include <string>
#include <variant>
#include <vector>

#include "options/command_line.h"
#include "support/catch.h"
#include "support/route_scene.h"
#include "support/turns.h"
#include "unit/options/temporary_file.h"

using namespace culvert;
using namespace culvert::test;
using namespace std::chrono_literals;

namespace {

const Error kTimedOut{Errc::connection_timeout, Side::upstream, 0, "timed out"};

struct Reload {
  ~Reload() {
    generations.clear();
    settle(loop, 2);
    CHECK_FALSE(loop.busy());
  }
  Generation& read(std::vector<std::string> arguments) {
    std::vector<std::string> problems;
    std::shared_ptr<Ruleset> fresh =
        make_ruleset(std::get<Config>(parse_command_line(arguments)), problems);
    REQUIRE(problems.empty());
    if (ruleset) fresh->keep_from(*ruleset);
    ruleset = fresh;
    if (!generations.empty()) generations.back()->retire();
    generations.push_back(std::make_unique<Generation>(
        ruleset, loop, log, FlowResources{buffer, pipes}, resumptions, "culvert-test", true));
    return *generations.back();
  }
  static Upstream& upstream(Generation& generation, std::size_t index) {
    return *generation.context().upstreams[index];
  }
  void break_down(Upstream& upstream) {
    for (int i = 0; i < 3; ++i) {
      upstream.failed(upstream.health->begin_attempt(loop.now()), kTimedOut, loop.now(), log);
    }
  }

  Loop loop;
  Log log{-1, -1, Log::Level::error, Log::Format::text};
  std::vector<char> buffer = std::vector<char>(1024);
  PipePool pipes;
  Resumptions resumptions;
  std::shared_ptr<const Ruleset> ruleset;
  std::vector<std::unique_ptr<Generation>> generations;
};

}  // namespace

TEST_CASE(
    "a reload keeps what is known about passwords, and who may sign in is as the new file has it") {
  const TemporaryFile file("alice:$5$rounds=1000$salt$CCvcOM6b7TEJDPb37Aec/9UpOg4QhPNAxPpL9ZzjTB7");
  Reload reload;
  const auto read = [&](std::vector<std::string> more) -> SessionContext& {
    more.insert(more.end(), {"--upstream", "direct", "--auth-file", file.path()});
    return reload.read(more).context();
  };
  const std::optional<IpAddress> other = IpAddress::parse("192.0.2.1");
  CHECK(reload.read({"--upstream", "direct"}).context().users == nullptr);
  CHECK_FALSE(reload.generations.back()->context().gate.admit(other));
  SessionContext& first = read({});
  REQUIRE(first.users != nullptr);
  REQUIRE(first.password_checks != nullptr);
  // Whoever signs in may come from anywhere, unless there is a list as well.
  CHECK(first.gate.admit(other));
  SessionContext& second = read({"--allow-client", "10.0.0.0/8"});
  CHECK(second.password_checks == first.password_checks);
  CHECK(second.users != first.users);
  CHECK_FALSE(second.gate.admit(other));
  CHECK(reload.read({"--upstream", "direct"}).context().password_checks == nullptr);
}

TEST_CASE("gaps of presets are noticed where a route has one, and reported once for all reloads") {
  Reload reload;
  const std::optional<IpAddress> client = IpAddress::parse("127.0.0.1");
  const auto note = [&](Generation& generation, const char* target) {
    PresetGaps* const gaps = generation.context().preset_gaps;
    REQUIRE(gaps != nullptr);
    return gaps->note(client, HostPort::parse(target).value(), reload.loop.now()).has_value();
  };
  CHECK(reload.read({"--upstream", "a=socks5://h", "--route", "quay.io=a"}).context().preset_gaps ==
        nullptr);
  CHECK(reload.read({"--upstream", "a=socks5://h", "--route", "preset:quay=deny"})
            .context()
            .preset_gaps == nullptr);
  for (const bool first : {true, false}) {
    Generation& generation = reload.read(
        {"--upstream", "a=socks5://h", "--upstream", "b=socks5://h2", "--route", "preset:quay=b"});
    CHECK_FALSE(note(generation, "quay.io:443"));
    CHECK(note(generation, "x.example:443") == first);
  }
}

TEST_CASE("a reload remembers an upstream that stays as it is, wherever it stands") {
  Reload reload;
  Generation& before =
      reload.read({"--upstream", "socks5://127.0.0.1:1", "--upstream", "http://b"});
  Upstream& down = Reload::upstream(before, 0);
  reload.break_down(down);
  down.closed_after_success("a:1", true, reload.loop.now(), reload.log);
  Generation& after = reload.read({"--upstream", "http://b", "--upstream", "socks5://127.0.0.1:1"});
  Upstream& still_down = Reload::upstream(after, 1);
  const auto now = reload.loop.now();
  CHECK(still_down.health->view(now).open);
  CHECK(still_down.health->view(now).fails_slowly);
  CHECK(still_down.health->early_grants() == 1);
  CHECK(still_down.health == down.health);
  CHECK(still_down.health->down_for(now + 5s) == 5s);
  CHECK_FALSE(Reload::upstream(after, 0).health->view(now).open);
  // When it is back, all know.
  still_down.succeeded(Breaker::Permit::granted, {}, now, reload.log);
  CHECK(down.health->down_for(now + 5s) == 0s);
}

TEST_CASE("a SOCKS upstream that is our own listener is found") {
  const auto loops = [](const std::string& upstream) {
    std::vector<std::string> problems;
    const auto ruleset =
        make_ruleset(std::get<Config>(parse_command_line({"--upstream", upstream})), problems);
    ruleset->listeners = {HostPort::parse("127.0.0.1:3128").value(),
                          HostPort::parse("[::1]:3129").value()};
    find_loops(*ruleset, problems);
    return problems;
  };
  CHECK(loops("socks5://127.0.0.1:3128") ==
        std::vector<std::string>{
            "--upstream socks5://127.0.0.1:3128: that is a --listen of this proxy itself, so each "
            "connection would only request the next"});
  CHECK(loops("socks4a://localhost:3128").size() == 1);
  CHECK(loops("socks5://localhost:3129").size() == 1);
  CHECK(loops("socks5://[::1]:3129").size() == 1);
  CHECK(loops("socks5://127.0.0.1:1080").empty());
  CHECK(loops("socks5://proxy.example:3128").empty());
  CHECK(loops("http://127.0.0.1:3128").empty());  // which our Via ends
  CHECK(loops("direct").empty());
}

TEST_CASE("what a SOCKS upstream's proxy may be is checked when it is dialed, too") {
  Reload reload;
  Generation& generation = reload.read({"--upstream", "a=socks5://h", "--upstream", "b=http://h2",
                                        "--upstream", "c=socks4a://h3?via=b"});
  CHECK(Reload::upstream(generation, 0).proxy_check.guard != nullptr);
  CHECK(Reload::upstream(generation, 1).proxy_check.guard == nullptr);
  CHECK(Reload::upstream(generation, 2).proxy_check.guard == nullptr);
}

TEST_CASE("a reload begins anew with an upstream that has changed") {
  Reload reload;
  Upstream& before = Reload::upstream(reload.read({"--upstream", "socks5://127.0.0.1:1"}), 0);
  reload.break_down(before);
  Upstream& after = Reload::upstream(reload.read({"--upstream", "socks5://127.0.0.1:2"}), 0);
  CHECK_FALSE(after.health->view(reload.loop.now()).open);
  CHECK(after.health->down_for(reload.loop.now() + 5s) == 0s);
}

TEST_CASE("a trial that is under way during a reload is the only one, until it ends") {
  Reload reload;
  Upstream& before = Reload::upstream(reload.read({"--upstream", "socks5://127.0.0.1:1"}), 0);
  reload.break_down(before);
  const auto later = reload.loop.now() + 20s;
  REQUIRE(before.health->begin_attempt(later) == Breaker::Permit::trial);
  Upstream& after = Reload::upstream(reload.read({"--upstream", "socks5://127.0.0.1:1"}), 0);
  CHECK(after.health->view(later).open);
  before.health->abandoned(Breaker::Permit::trial);
  CHECK(after.health->begin_attempt(later) == Breaker::Permit::trial);
}

TEST_CASE("a failed probe is cleared if probing has ended") {
  const bool probes = GENERATE(true, false);
  const std::string flag = GENERATE("--probe", "--probe-tls");
  Reload reload;
  const std::vector<std::string> probed = {"--upstream", "socks5://127.0.0.1:1", flag, "x:1"};
  Upstream& before = Reload::upstream(reload.read(probed), 0);
  before.health->probe_failed();
  std::vector<std::string> then = probed;
  if (!probes) then.resize(2);
  CHECK(probe_has_failed(Reload::upstream(reload.read(then), 0)) == probes);
}
