// The upstreams of a route, each with a script of its own, and dials through them.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "dial/route_dial.h"
#include "dial/via_transport.h"
#include "net/manual_clock.h"
#include "support/catch.h"
#include "support/memory_file.h"
#include "support/scripted_transport.h"
#include "support/session_scene.h"
#include "support/turns.h"

namespace culvert::test {

inline const Error kRefused{Errc::connection_refused, Side::upstream, 0, "refused"};

class RouteScene {
 public:
  explicit RouteScene(Log::Level level = Log::Level::info)
      : log_(file_.fd(), -1, level, Log::Format::text) {}
  ~RouteScene() {
    dials_.clear();
    for (const auto& upstream : upstreams) upstream->stragglers.clear();
    settle(loop, 2);
    CHECK_FALSE(loop.busy());
  }

  /// Its script is proxy(index).
  Upstream& add(UpstreamConfig config) {
    auto upstream = std::make_unique<Upstream>();
    upstream->config = std::move(config);
    proxies_.push_back(std::make_shared<ScriptedTransport>(loop));
    upstream->transport = proxies_.back();
    // The same each time.
    upstream->health = std::make_shared<UpstreamHealth>(BreakerLimits{3, kWait, kWait, 0.0});
    upstreams.push_back(std::move(upstream));
    return *upstreams.back();
  }
  ScriptedTransport& proxy(std::size_t index) { return *proxies_[index]; }
  std::size_t dials(std::size_t index) const { return proxies_[index]->requested().size(); }

  /// A peer to connect to, which stays until the end.
  Peer& peer() { return peers_.emplace_back(loop); }

  /// The next connection to that upstream's proxy: a SOCKS5 server that grants the request.
  Peer& grants(std::size_t index) {
    Peer& server = peer();
    proxy(index).connects(server);
    answer_greeting(server);
    return grant(server);
  }

  /// A request. Starts at once.
  struct Request {
    void on_done(DialResult outcome) { result.emplace(std::move(outcome)); }
    bool done() const { return result.has_value(); }
    bool connected() const { return done() && bool(*result); }
    const Error& error() const { return result->error(); }

    std::unique_ptr<RouteDial> dial;
    std::optional<DialResult> result;
  };
  Request& ask(const HostPort& to, const DialLimits& limits,
               DialPurpose purpose = DialPurpose::tunnel) {
    std::vector<Upstream*> all;
    for (const auto& upstream : upstreams) all.push_back(upstream.get());
    dials_.push_back(std::make_unique<Request>());
    Request& request = *dials_.back();
    request.dial = std::make_unique<RouteDial>(loop, log_, RouteLanes{std::move(all), tiers}, to,
                                               purpose, AddressCheck{}, limits,
                                               DialDone::to<&Request::on_done>(&request));
    request.dial->start();
    return request;
  }
  /// For gcr.io:443.
  Request& ask(const DialLimits& limits = {}) { return ask(target, limits); }
  /// The same, and waits for its outcome.
  Request& ask_and_wait(const DialLimits& limits = {}) {
    Request& request = ask(limits);
    CHECK(turn_until(loop, [&] { return request.done(); }));
    return request;
  }
  /// The three failures that open a breaker.
  void break_down(Upstream& upstream, const Error& error) {
    for (int i = 0; i < 3; ++i) upstream.failed(Breaker::Permit::granted, error, loop.now(), log_);
  }

  Log& log() { return log_; }
  std::string log_text() {
    log_.flush();
    return file_.text();
  }

  /// Between an upstream's breaker opening and its trial.
  static constexpr std::chrono::milliseconds kWait{500};
  ManualClock clock;
  Loop loop{&clock};
  const HostPort target = HostPort::parse("gcr.io:443").value();
  std::vector<std::unique_ptr<Upstream>> upstreams;
  std::vector<Tier> tiers;  // of them

 private:
  MemoryFile file_;
  Log log_;
  std::deque<Peer> peers_;
  std::vector<std::shared_ptr<ScriptedTransport>> proxies_;
  std::vector<std::unique_ptr<Request>> dials_;
};

inline bool probe_has_failed(const Upstream& upstream) {
  return upstream.health->view({}).probe_failed;
}

}  // namespace culvert::test
