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
