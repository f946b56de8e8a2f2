// A whole session: the input plays its client, its upstreams and the clock.
//
// The first byte chooses the upstream and how streams hand over bytes. Each step is a byte that
// says what happens, mostly followed by one that says how much. Whatever happens: the session ends
// once both sides are gone, with at most one access line a request; and the bytes of a tunnel
// arrive in order, none of them twice.
#include "session/session.h"

#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "fuzz/fuzz.h"
#include "net/manual_clock.h"
#include "net/own_address.h"
#include "session/http_client.h"
#include "support/scripted_stream.h"
#include "support/scripted_transport.h"

using namespace culvert;
using namespace culvert::test;

namespace {

constexpr std::string_view kCanned[] = {
    "CONNECT gcr.io:443 HTTP/1.1\r\nHost: gcr.io:443\r\n\r\n",
    "GET http://a.example/ HTTP/1.1\r\nHost: a.example\r\n\r\n",
    "POST http://a.example/ HTTP/1.1\r\nHost: a.example\r\nContent-Length: 5\r\n\r\nhello",
    "POST http://a.example/ HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: "
    "chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n",
    "HTTP/1.1 200 Connection established\r\n\r\n",
    {"\x05\x00", 2},
    {"\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00", 10},
    {"\x05\x01\x00", 3},
    {"\x05\x01\x00\x03\x06gcr.io\x01\xbb", 13},
    {"\x00\x5a\x00\x00\x00\x00\x00\x00", 8},
    {"\x04\x01\x01\xbb\x00\x00\x00\x01\x00gcr.io\x00", 16},
    {"\x17\x03\x03\x00\x05hello", 10},
};
constexpr std::size_t kMostUpstreams = 6;

UpstreamConfig upstream_of(unsigned number) {
  UpstreamConfig config;
  constexpr std::array kKinds = {UpstreamConfig::Kind::direct, UpstreamConfig::Kind::socks5,
                                 UpstreamConfig::Kind::http, UpstreamConfig::Kind::socks4a};
  config.kind = kKinds[number % kKinds.size()];
  config.name = config.label = "upstream";
  if (config.kind != UpstreamConfig::Kind::direct) {
    config.address = HostPort::parse("proxy.example:1080").value();
  }
  return config;
}

/// Where access lines go, for all inputs.
int access_file() {
  static const int fd = memfd_create("access", MFD_CLOEXEC);
  return fd;
}

class Steps {
 public:
  explicit Steps(std::string_view bytes) : bytes_(bytes) {}
  bool left() const { return !bytes_.empty(); }
  unsigned number() {
    if (bytes_.empty()) return 0;
    const auto out = static_cast<unsigned char>(bytes_[0]);
    bytes_.remove_prefix(1);
    return out;
  }
  std::string some() {
    const std::string_view out = bytes_.substr(0, number());
    bytes_.remove_prefix(std::min(out.size(), bytes_.size()));
    return std::string(out);
  }

 private:
  std::string_view bytes_;
};

class Play {
 public:
  explicit Play(unsigned options)
      : client_(loop_, kPaces[options / 4 % kPaces.size()]),
        log_(-1, access_file(), Log::Level::error, Log::Format::text),
        buffer_(72 * 1024, '\0') {
    config_.hold = std::chrono::milliseconds(options & 0x80 ? 5'000 : 0);
    config_.lost_tunnel = LostTunnel::eof;
    known_.push_back(std::make_unique<Upstream>());
    known_[0]->config = upstream_of(options);
    known_[0]->transport = transport_;
    config_.upstreams = {known_[0]->config};
    for (std::size_t i = 0; i < kMostUpstreams; ++i) {
      upstreams_.push_back(std::make_unique<Peer>(loop_, kPaces[(options + i) % kPaces.size()]));
      transport_->connects(*upstreams_.back());
    }
    if ((options & 0x40) != 0) transport_->later();
    router_.emplace(1);
    guard_.emplace(listeners_, *router_, is_own_address);
    context_.emplace(SessionContext{.loop = loop_,
                                    .log = log_,
                                    .config = config_,
                                    .gate = Gate(access_, *router_, config_.max_connections),
                                    .guard = *guard_,
                                    .upstreams = known_,
                                    .resumptions = resumptions_,
                                    .flow = {buffer_, pipes_},
                                    .pseudonym = "culvert-fuzz"});
    context_->request_finished = Callback<void(const SessionRecord&)>::to<&Play::on_request>(this);
    auto stream = client_.stream();
    auto protocol = std::make_unique<HttpClient>(*context_, *stream, listener_);
    session_ =
        std::make_unique<Session>(*context_, 7, std::move(stream), std::move(protocol),
                                  HostPort::parse("127.0.0.1:50001").value(), Admission::serve,
                                  Callback<void(Session&)>::to<&Play::on_finished>(this));
    session_->start();
  }

  ~Play() {
    session_.reset();
    known_[0]->stragglers.clear();
    for (int i = 0; i < 1000 && loop_.busy(); ++i) loop_.turn();
    FUZZ_CHECK(!loop_.busy());
  }

  void step(Steps& steps) {
    const unsigned what = steps.number();
    // Of the upstreams the one that was reached last.
    Peer& upstream = *upstreams_[std::max<std::size_t>(transport_->requested().size(), 1) - 1];
    switch (what % 16) {
      case 0:
        return send(client_, steps.some(), from_client_);
      case 1:
        return send(upstream, steps.some(), from_upstream_);
      case 2:
        return send(client_, canned(steps.number()), from_client_);
      case 3:
        return send(upstream, canned(steps.number()), from_upstream_);
      case 4:
        client_.ends();
        client_over_ = true;
        return;
      case 5:
        upstream.ends();
        return;
      case 6:
        client_.resets();
        client_over_ = true;
        return;
      case 7:
        upstream.resets(steps.number() % 2 != 0 ? ETIMEDOUT : ECONNRESET);
        return;
      case 8:
        return pass(steps.number() * 10);
      case 9:
        return pass(steps.number() * 10'000);
      case 10:
        if (session_) session_->begin_drain(steps.number() % 2 != 0);
        return;
      case 11:
        if (session_) session_->cut("the input says so");
        return;
      case 12:
        client_.takes(steps.number());
        return;
      case 13:
        upstream.takes(steps.number());
        return;
      case 14:
        client_.takes_all();
        upstream.takes_all();
        return;
      default:
        if (session_ && session_->awaits_request()) session_->give_way();
        return;
    }
  }

  void turn() {
    for (int i = 0; i < 3; ++i) loop_.turn(0);
  }

  /// Both sides go, and all timeouts are over.
  void finish() {
    client_.takes_all();
    client_.resets();
    for (const auto& upstream : upstreams_) {
      upstream->takes_all();
      upstream->resets();
    }
    for (int i = 0; i < 20'000 && session_; ++i) loop_.turn(60'000);
    FUZZ_CHECK(session_ == nullptr);
    FUZZ_CHECK(context_->sessions == 0);
    FUZZ_CHECK(transport_->alive() == 0);
    check_tunnel();
    check_access();
  }

 private:
  static std::string canned(unsigned number) {
    return std::string(kCanned[number % std::size(kCanned)]);
  }

  void send(Peer& from, std::string bytes, std::string& all) {
    if (&from == &client_ && client_over_) return;
    all += bytes;
    from.sends(std::move(bytes));
  }

  void pass(unsigned milliseconds) {
    for (const auto end = loop_.now() + std::chrono::milliseconds(milliseconds);
         loop_.now() < end;) {
      loop_.turn(static_cast<int>(std::max(1u, milliseconds)));
    }
  }

  void on_request(const SessionRecord& record) {
    ++requests_;
    FUZZ_CHECK(record.outcome.kind != Outcome::Kind::none);
  }

  void on_finished(Session&) {
    FUZZ_CHECK(!over_);
    over_ = true;
    loop_.defer([this] { session_.reset(); });
  }

  /// Of a CONNECT that goes direct: what came out is the beginning of what went in, in both
  /// directions.
  void check_tunnel() const {
    const std::string_view head = kCanned[0];
    if (known_[0]->config.kind != UpstreamConfig::Kind::direct || !from_client_.starts_with(head))
      return;
    if (transport_->requested().size() != 1) return;
    const std::string& at_target = upstreams_[0]->received();
    FUZZ_CHECK(from_client_.compare(head.size(), at_target.size(), at_target) == 0);
    constexpr std::string_view kEstablished = "HTTP/1.1 200 Connection established\r\n\r\n";
    std::string_view at_client = client_.received();
    if (!at_client.starts_with(kEstablished)) return;
    at_client.remove_prefix(kEstablished.size());
    // A tunnel that is lost within TLS ends for its client in the beginning of a record.
    const bool complete = from_upstream_.compare(0, at_client.size(), at_client) == 0;
    FUZZ_CHECK(complete || client_.received_end());
  }

  void check_access() {
    log_.flush();
    std::string text(static_cast<std::size_t>(lseek(access_file(), 0, SEEK_END)), '\0');
    FUZZ_CHECK(pread(access_file(), text.data(), text.size(), 0) ==
               static_cast<ssize_t>(text.size()));
    std::size_t lines = 0;
    for (const char c : text) {
      FUZZ_CHECK(c == '\n' || (c >= ' ' && c <= '~'));
      lines += c == '\n' ? 1 : 0;
    }
    FUZZ_CHECK(lines == requests_);
    FUZZ_CHECK(ftruncate(access_file(), 0) == 0);
    lseek(access_file(), 0, SEEK_SET);
  }

  ManualClock clock_;
  Loop loop_{&clock_};
  Config config_;
  ListenConfig listen_;
  const ListenerTerms listener_{listen_};
  std::shared_ptr<ScriptedTransport> transport_ = std::make_shared<ScriptedTransport>(loop_);
  Peer client_;
  std::vector<std::unique_ptr<Peer>> upstreams_;
  std::string from_client_;
  std::string from_upstream_;
  bool client_over_ = false;
  Resumptions resumptions_;
  Log log_;
  std::string buffer_;
  PipePool pipes_;
  std::vector<std::unique_ptr<Upstream>> known_;
  AccessPolicy access_{{}, false};
  std::vector<HostPort> listeners_;
  std::optional<Router> router_;
  std::optional<AddressGuard> guard_;
  std::optional<SessionContext> context_;
  std::unique_ptr<Session> session_;
  std::size_t requests_ = 0;
  bool over_ = false;
};

}  // namespace

FUZZ_TARGET(session) {
  if (size < 1 || size > 4096) return;
  Play play(data[0]);
  play.turn();
  for (Steps steps(as_text(data + 1, size - 1)); steps.left();) {
    play.step(steps);
    play.turn();
  }
  play.finish();
}
