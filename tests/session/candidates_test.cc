// Which upstreams are tried, and in which order.
#include "dial/candidates.h"

#include <string>
#include <vector>

#include "support/catch.h"
#include "support/session_scene.h"

using namespace culvert;
using namespace culvert::test;
using namespace std::chrono_literals;

namespace {

/// Upstreams a, b and c, with what is known of them.
struct Three {
  Three() {
    for (const char* name : {"a", "b", "c"}) {
      all.push_back(std::make_unique<Upstream>());
      all.back()->config = socks5();
      all.back()->config.name = name;
      route.push_back(all.back().get());
    }
  }
  void fail(std::size_t index, bool slowly) {
    for (int i = 0; i < 3; ++i) {
      all[index]->health->failed(UpstreamHealth::Permit::granted, slowly, now);
    }
  }
  static std::string names(const std::vector<Upstream*>& upstreams) {
    std::string out;
    for (const Upstream* upstream : upstreams) out += upstream->config.name;
    return out;
  }
  std::string order() const { return names(choose_candidates({route}, "gcr.io", now).order); }
  std::string resting() const { return names(choose_candidates({route}, "gcr.io", now).resting); }
  std::string left_out() const {
    std::string out;
    for (const auto& [upstream, why] : choose_candidates({route}, "gcr.io", now).left_out) {
      out += upstream->config.name + (why == "failed its probe" ? "(probe)"
                                      : why == "has stalled"    ? "(stall)"
                                                                : "");
    }
    return out;
  }
  std::string first() const {
    const Route indices{{0, 1, 2}, "default"};
    for (const auto& upstream : all) {
      if (is_first_choice(*upstream, indices, all, now)) return upstream->config.name;
    }
    return "";
  }

  std::vector<std::unique_ptr<Upstream>> all;
  std::vector<Upstream*> route;
  const UpstreamHealth::Time now = UpstreamHealth::Time() + 1h;
};

}  // namespace

TEST_CASE("candidates stand in the route's order") {
  Three three;
  CHECK(three.order() == "abc");
  CHECK(three.left_out() == "");
  CHECK(three.first() == "a");
}

TEST_CASE(
    "an upstream that fails, or whose probe failed, is left out while there is a better one") {
  Three three;
  three.fail(0, true);
  three.all[1]->health->probe_failed();
  CHECK(three.order() == "c");
  CHECK(choose_candidates({three.route}, "gcr.io", three.now).preferred);
  CHECK(three.left_out() == "ab(probe)");
  CHECK(three.resting() == "");
  CHECK(three.first() == "c");
}

TEST_CASE("if there is no better one, all are tried but those that fail slowly") {
  Three three;
  three.fail(0, true);
  three.all[1]->health->probe_failed();
  three.fail(2, false);
  CHECK(three.order() == "bc");
  CHECK_FALSE(choose_candidates({three.route}, "gcr.io", three.now).preferred);
  CHECK(three.resting() == "a");
  CHECK(three.first() == "b");
  three.fail(1, true);
  three.fail(2, true);
  CHECK(three.order() == "");
  CHECK(three.resting() == "abc");
  CHECK(three.first() == "");
}

TEST_CASE("an upstream in which a tunnel has stalled is left out for a minute") {
  Three three;
  three.all[0]->health->stalled(three.now - 31s, three.now - 1s);
  CHECK(three.order() == "bc");
  CHECK(three.left_out() == "a(stall)");
  CHECK(three.first() == "b");
  three.all[0]->health->stalled(three.now - 90s, three.now - 60s);
  CHECK(three.order() == "abc");
  // If there is no better one it is tried.
  for (const auto& upstream : three.all) upstream->health->stalled(three.now, three.now);
  CHECK(three.order() == "abc");
}

TEST_CASE("an upstream that an administrator has marked down is tried in no case") {
  Three three;
  three.all[0]->health->mark_down(true);
  CHECK(three.order() == "bc");
  CHECK(three.left_out() == "a");
  CHECK(choose_candidates({three.route}, "gcr.io", three.now).left_out[0].why ==
        "is marked down by an administrator");
  CHECK(three.first() == "b");
  three.fail(1, false);
  three.fail(2, true);
  CHECK(three.order() == "b");
  CHECK(three.resting() == "ac");
  CHECK(three.first() == "b");
  for (const auto& upstream : three.all) upstream->health->mark_down(true);
  CHECK(three.order().empty());
  CHECK(three.resting() == "abc");
  CHECK(three.first().empty());
}

namespace {

/// Five of them, a and b beside each other and c, d and e, by `first` and `then`.
struct Tiers {
  Tiers(Balance first, Balance then) : tiers{{2, first}, {3, then}} {
    for (const char* name : {"a", "b", "c", "d", "e"}) {
      all.push_back(std::make_unique<Upstream>());
      all.back()->config = socks5();
      all.back()->config.name = name;
    }
  }
  RouteLanes lanes(std::uint64_t client = 0) const {
    RouteLanes out{.upstreams = {}, .tiers = tiers, .client = client};
    for (const auto& upstream : all) out.upstreams.push_back(upstream.get());
    return out;
  }
  Candidates choose(std::uint64_t client = 0) const {
    return choose_candidates(lanes(client), "gcr.io", now);
  }
  std::string order() const { return Three::names(choose().order); }
  void busy(std::string_view names) {
    for (const char name : names) all[static_cast<std::size_t>(name - 'a')]->load->begin();
  }
  void fail(char name, bool slowly = false) {
    for (int i = 0; i < 3; ++i) {
      all[static_cast<std::size_t>(name - 'a')]->health->failed(UpstreamHealth::Permit::granted,
                                                                slowly, now);
    }
  }
  bool leads(char name, std::vector<Tier> of) const {
    const Route route{{0, 1, 2, 3, 4}, "default", std::move(of)};
    return is_first_choice(*all[static_cast<std::size_t>(name - 'a')], route, all, now);
  }

  std::vector<Tier> tiers;
  std::vector<std::unique_ptr<Upstream>> all;
  const UpstreamHealth::Time now = UpstreamHealth::Time() + 1h;
};

}  // namespace

TEST_CASE("each tier is balanced by itself, and stays where it is") {
  Tiers five(Balance::least, Balance::least);
  five.busy("aaccd");
  CHECK(five.order() == "baedc");
  CHECK(five.choose().chosen_by == ChosenBy::least);
  five.busy("bbbee");
  CHECK(five.order().substr(0, 2) == "ab");
  CHECK(five.order()[2] == 'd');

  Tiers ordered(Balance::order, Balance::least);
  ordered.busy("aac");
  CHECK(ordered.order().substr(0, 2) == "ab");
  CHECK(ordered.order().back() == 'c');
  CHECK(ordered.choose().chosen_by == ChosenBy::order);
}

TEST_CASE("who is left out is not balanced with the others") {
  Tiers five(Balance::least, Balance::order);
  five.fail('a');
  CHECK(five.order() == "bcde");
  CHECK(five.choose().chosen_by == ChosenBy::least);
  five.fail('b');
  CHECK(five.order() == "cde");
  CHECK(five.choose().chosen_by == ChosenBy::failover);
  // If there is no better one, those that fail are balanced alike.
  for (const char name : {'c', 'd', 'e'}) five.fail(name, true);
  five.busy("a");
  CHECK(five.order() == "ba");
  CHECK_FALSE(five.choose().preferred);
  CHECK(five.choose().chosen_by == ChosenBy::least);
}

TEST_CASE("one that has ended early is taken out of its tier") {
  const Tiers five(Balance::least, Balance::least);
  RouteLanes lanes = five.lanes();
  lanes.remove(five.all[3].get());
  CHECK(lanes.tiers == std::vector<Tier>{{2, Balance::least}, {2, Balance::least}});
  lanes.remove(five.all[3].get());
  lanes.remove(five.all[0].get());
  CHECK(lanes.tiers == std::vector<Tier>{{1, Balance::least}, {2, Balance::least}});
  CHECK(Three::names(lanes.upstreams) == "bce");
}

TEST_CASE("another client's host has another upstream if that is sticky") {
  const Tiers five(Balance::sticky, Balance::sticky);
  std::string first;
  for (std::uint64_t client = 0; client < 40; ++client) {
    const std::string name = Three::names({five.choose(client).order[0]});
    CHECK(name == Three::names({five.choose(client).order[0]}));
    first += name;
  }
  CHECK(first.find('a') != first.npos);
  CHECK(first.find('b') != first.npos);
}

TEST_CASE("a kept connection is as good as any of the first tier that works") {
  Tiers five(Balance::least, Balance::least);
  const std::vector<Tier> balanced = five.tiers;
  CHECK(five.leads('a', balanced));
  CHECK(five.leads('b', balanced));
  CHECK_FALSE(five.leads('c', balanced));
  CHECK(five.leads('a', {}));
  CHECK_FALSE(five.leads('b', {}));
  five.fail('a');
  CHECK_FALSE(five.leads('a', balanced));
  CHECK(five.leads('b', balanced));
  CHECK(five.leads('b', {}));
  five.fail('b');
  CHECK(five.leads('d', balanced));
  CHECK_FALSE(five.leads('d', {}));
  CHECK(five.leads('c', {}));
}
