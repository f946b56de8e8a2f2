#include "support/session_scene.h"

#include <utility>

#include "net/own_address.h"
#include "session/balanced_client.h"
#include "session/http_client.h"
#include "support/catch.h"
#include "support/turns.h"

namespace culvert::test {
namespace {

UpstreamConfig proxy(UpstreamConfig::Kind kind, const std::string& scheme) {
  UpstreamConfig config;
  config.kind = kind;
  config.address = HostPort::parse("proxy.example:1080").value();
  config.label = scheme + "://proxy.example:1080";
  config.name = config.label;
  return config;
}

UpstreamConfig with_credentials(UpstreamConfig config, std::string user, std::string password) {
  config.credentials = Credentials{std::move(user), Secret(std::move(password))};
  return config;
}

}  // namespace

UpstreamConfig direct() {
  UpstreamConfig config;
  config.kind = UpstreamConfig::Kind::direct;
  config.name = config.label = "direct";
  return config;
}
UpstreamConfig socks5() { return proxy(UpstreamConfig::Kind::socks5, "socks5"); }
UpstreamConfig socks5_as(std::string user, std::string password) {
  return with_credentials(socks5(), std::move(user), std::move(password));
}
UpstreamConfig socks4a() { return proxy(UpstreamConfig::Kind::socks4a, "socks4a"); }
UpstreamConfig http() { return proxy(UpstreamConfig::Kind::http, "http"); }
UpstreamConfig http_as(std::string user, std::string password) {
  return with_credentials(http(), std::move(user), std::move(password));
}
UpstreamConfig https() { return proxy(UpstreamConfig::Kind::https, "https"); }

Answer parse_answer(const std::string& bytes) {
  Answer answer;
  const std::size_t line = bytes.find("\r\n");
  const std::size_t end = bytes.find("\r\n\r\n");
  if (end == std::string::npos || !bytes.starts_with("HTTP/1.1 ") || line < 13) return answer;
  answer.status = std::stoi(bytes.substr(9, 3));
  answer.reason = bytes.substr(13, line - 13);
  answer.head = bytes.substr(0, end + 4);
  answer.body = bytes.substr(end + 4);
  return answer;
}

Scene::Scene(Pace client_pace, Pace upstream_pace, Log::Format format)
    : client(loop, client_pace),
      upstream(loop, upstream_pace),
      log_(log_file_.fd(), access_file_.fd(), Log::Level::info, format),
      buffer_(64 * 1024, '\0') {
  // Waiting for a tunnel to come up is a matter of its own tests.
  config.hold = std::chrono::milliseconds(0);
}

Scene::~Scene() {
  session.reset();
  for (const auto& known : upstreams_) known->stragglers.clear();
  CHECK(transport->alive() == 0);
  CHECK(turn_until(loop, [this] { return !loop.busy(); }));
}

Upstream& Scene::add(UpstreamConfig upstream_config) {
  if (upstream_config.proxy_protocol) tells_clients_ = true;
  auto made = std::make_unique<Upstream>();
  made->config = std::move(upstream_config);
  made->transport = transport;
  config.upstreams.push_back(made->config);
  upstreams_.push_back(std::move(made));
  return *upstreams_.back();
}

void Scene::start(Admission admission) {
  if (upstreams_.empty()) add(direct());
  if (!transport->scripted()) transport->connects(upstream);
  if (!router) router.emplace(upstreams_.size());
  access_.emplace(config.allow_clients, config.open_proxy);
  guard_.emplace(listeners, *router, is_own_address);
  context_.emplace(SessionContext{.loop = loop,
                                  .log = log_,
                                  .config = config,
                                  .gate = Gate(*access_, *router, config.max_connections),
                                  .guard = *guard_,
                                  .upstreams = upstreams_,
                                  .resumptions = resumptions,
                                  .flow = {buffer_, pipes_},
                                  .tells_clients = tells_clients_,
                                  .pseudonym = "culvert-test",
                                  .preset_gaps = preset_gaps});
  context_->counters = &counters;
  context_->tracer = &tracer_.emplace(loop, log_, traces);
  if (config.users) {
    context_->users = config.users.get();
    context_->password_checks = &password_checks_.emplace(1, matches);
  }
  if (config.reset_stalled.time.count() > 0) {
    context_->stalls = &stalls_.emplace(loop, log_, config.reset_stalled);
  }
  auto stream = client.stream();
  std::unique_ptr<ClientProtocol> protocol =
      std::make_unique<HttpClient>(*context_, *stream, listener);
  if (listen.proxy_protocol) {
    protocol = std::make_unique<BalancedClient>(*context_, *stream, peer, std::move(protocol));
  }
  session =
      std::make_unique<Session>(*context_, 7, std::move(stream), std::move(protocol), peer,
                                admission, Callback<void(Session&)>::to<&Scene::on_finished>(this));
  if (config.counts_clients()) {
    context_->client_limits = &limits;
    context_->limited = &limited;
    limits.bandwidth.set_rates({.all = config.bandwidth,
                                .per_client = config.bandwidth_per_client,
                                .per_user = config.bandwidth_per_user});
    UsageTable::Place place;
    if (peer) {
      place = limits.usage.enter(UsageKey::client(*peer->ip), config.max_connections_per_client,
                                 loop.now());
    }
    session->limit(std::make_unique<ClientLimits>(limits, std::move(place)));
  }
  session->start();
}

void Scene::on_finished(Session&) {
  ++finished;
  // As a worker does: when no frame of it is left on the stack.
  loop.defer([this] { session.reset(); });
}

bool Scene::run() {
  return turn_until(loop, [this] { return finished > 0 && session == nullptr; });
}

Answer Scene::answer() {
  CHECK(run());
  const Answer answer = parse_answer(client.received());
  // What holds for each of our responses.
  CHECK(answer.reason.starts_with("culvert: "));
  CHECK(answer.reason.size() <= 200);
  for (const char c : answer.reason) CHECK((c >= ' ' && c <= '~'));
  CHECK(answer.head.find("\r\nConnection: close\r\n") != std::string::npos);
  CHECK(answer.head.find("\r\nProxy-Status: culvert; error=") != std::string::npos);
  CHECK(answer.body.starts_with(answer.reason));
  CHECK(answer.head.find(" GMT\r\n") > answer.head.find("\r\nDate: "));  // RFC 9110 6.6.1
  CHECK(answer.head.find("\r\nContent-Length: " + std::to_string(answer.body.size()) + "\r\n") !=
        std::string::npos);
  CHECK(client.received_end());
  CHECK_FALSE(client.closed_by_reset());
  return answer;
}

std::string Scene::text_of(const MemoryFile& file) {
  log_.flush();
  return file.text();
}

}  // namespace culvert::test
