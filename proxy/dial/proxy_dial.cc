#include "dial/proxy_dial.h"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include "codec/http_connect.h"
#include "codec/socks.h"

namespace culvert {

using std::chrono::milliseconds;
using Kind = UpstreamConfig::Kind;

namespace {

// A connection that has waited may be dead without a word: this machine slept, or a NAT forgot it.
// Who answers at all mostly does so sooner.
constexpr milliseconds kWarmPatience{1'000};

}  // namespace

ProxyDial::ProxyDial(Loop& loop, Upstream& upstream, const HostPort& target, Purpose purpose,
                     const AddressCheck& check, milliseconds connect_limit, milliseconds budget,
                     DialDone done)
    : loop_(loop),
      upstream_(upstream),
      target_(target),
      purpose_(purpose),
      check_(check),
      done_(done),
      begun_(loop.now()),
      deadline_(loop.now() + std::min(budget, upstream.config.connect_timeout.value_or(budget))),
      connect_limit_(upstream.config.connect_timeout.value_or(connect_limit)),
      timer_(loop, Callback<void()>::to<&ProxyDial::on_timeout>(this)) {}

AddressGuard::Egress ProxyDial::egress() const {
  return is_direct() ? AddressGuard::Egress::direct : AddressGuard::Egress::through_upstream;
}

void ProxyDial::start() {
  begun_ = loop_.now();
  timer_.start(left());
  if (auto permitted = check_.target(target_, egress()); !permitted) {
    return fail_target(std::move(permitted).error());
  }
  if (upstream_.config.resolve_local && !target_.ip && !resolved_) {
    stage_ = Stage::look_up;
    lookup_ = std::make_unique<Lookup>(
        loop_, target_.host, Side::target,
        Callback<void(Lookup::Found)>::to<&ProxyDial::on_target_found>(this));
    return;
  }
  connect();
}

void ProxyDial::on_target_found(Lookup::Found found) {
  lookup_.reset();
  if (!found) {
    Error error = std::move(found).error();
    error.text += " (resolve=local)";
    return fail_target(std::move(error));
  }
  auto permitted = check_.resolved(*found, target_.port, egress());
  if (!permitted) return fail_target(std::move(permitted).error());
  // SOCKS4a knows IPv4 only; for the others the system's preference stands.
  auto chosen = permitted->begin();
  if (upstream_.config.kind == Kind::socks4a) {
    chosen = std::find_if(permitted->begin(), permitted->end(),
                          [](const auto& ip) { return ip.is_v4(); });
    if (chosen == permitted->end()) chosen = permitted->begin();
  }
  resolved_ = HostPort{chosen->to_string(), target_.port, *chosen};
  connect();
}

void ProxyDial::connect() {
  if (upstream_.config.kind == Kind::socks4a) {
    if (auto refused = socks4a_refuses(asked_for())) {
      refused->text = upstream_name() + " " + refused->text;
      return fail(std::move(*refused));
    }
  }
  // That a connection went stale shows when the proxy is asked.  Where it is not, the client would
  // be the one to find out.
  const bool is_asked = purpose_ != Purpose::forward || (upstream_.config.kind != Kind::http &&
                                                         upstream_.config.kind != Kind::https);
  if (upstream_.warm && takes_warm_ && purpose_ != Purpose::warm && is_asked) {
    if ((stream_ = upstream_.warm->take(loop_))) {
      from_pool_ = true;
      timer_.start(std::min(kWarmPatience, left() / 2));
      return begin_handshake();
    }
  }
  connect_anew();
}

void ProxyDial::connect_anew() {
  stage_ = Stage::connect;
  // Through another upstream, connecting takes that one's handshake too.
  const bool limited = !is_direct() && !upstream_.config.via_index;
  timer_.start(limited ? std::min(connect_limit_, left()) : left());
  transport_ = upstream_.transport->dial(
      is_direct() ? target_ : upstream_.config.address, is_direct() ? Side::target : Side::upstream,
      is_direct() ? check_ : AddressCheck{}, DialDone::to<&ProxyDial::on_connected>(this));
  transport_->start();
}

/// Of the budget.
milliseconds ProxyDial::left() const {
  return std::max(std::chrono::ceil<milliseconds>(deadline_ - loop_.now()), milliseconds(0));
}

/// The silent connection is kept: perhaps it is only the target that is slow.
void ProxyDial::dial_fresh() {
  timer_.stop();  // the other one has the same deadline
  fresh_ = std::make_unique<ProxyDial>(loop_, upstream_, target_, purpose_, check_, connect_limit_,
                                       left(), DialDone::to<&ProxyDial::on_fresh_done>(this));
  fresh_->takes_warm_ = false;
  fresh_->resolved_ = resolved_;
  fresh_->start();
}

void ProxyDial::on_fresh_done(DialResult result) {
  const auto fresh = std::move(fresh_);
  const bool said_no = fresh->proxy_answered_ && !fresh->proxy_failed_;
  if (!result && !said_no && stream_) {
    // The one from the pool is silent, but may still answer.
    fresh_error_ = std::move(result).error();
    fresh_proxy_failed_ = fresh->proxy_failed_;
    timer_.start(left());
    return;
  }
  proxy_failed_ = fresh->proxy_failed_;
  proxy_answered_ = proxy_answered_ || fresh->proxy_answered_;
  request_answered_ = request_answered_ || fresh->request_answered_;
  if (result && stream_ && upstream_.warm) upstream_.warm->distrust();
  timer_.stop();
  stream_.reset();
  done_(std::move(result));
}

/// The connection from the pool will not answer any more either.
void ProxyDial::give_up_as_fresh() {
  proxy_failed_ = fresh_proxy_failed_;
  timer_.stop();
  stream_.reset();
  done_(std::move(*fresh_error_));
}

/// A connection that went stale in the pool: nobody needs to know.
void ProxyDial::replace_stale() {
  from_pool_ = false;
  proxy_answered_ = request_answered_ = false;
  stream_.reset();
  handshake_.reset();
  if (fresh_error_) return give_up_as_fresh();
  if (!fresh_) connect_anew();
}

void ProxyDial::on_connected(DialResult result) {
  transport_.reset();
  if (!result) {
    Error error = std::move(result).error();
    if (reset_ && error.code != Errc::connection_refused) return give_up(std::move(*reset_));
    const bool refused_by_proxy = !is_direct() && error.code == Errc::connection_refused;
    if (upstream_.config.via_index) {
      // The hop's target is our proxy; that somebody far away was refused is no reason to hold.
      if (error.side == Side::target) {
        error.side = Side::upstream;
        if (error.code == Errc::connection_refused) error.code = Errc::destination_unavailable;
      }
      error.text = out_of_reach(error.text);
    } else {
      error.text = (is_direct() ? target_name() : upstream_name()) + " " + error.text +
                   (refused_by_proxy ? " - is the tunnel up?" : "");
    }
    return fail(std::move(error));
  }
  if (reset_) return give_up(std::move(*reset_));
  stream_ = std::move(*result);
  connected_ = loop_.now();
  if (is_direct()) return succeed();
  timer_.start(left());
  if (upstream_.config.kind != Kind::https) return begin_handshake();
  stage_ = Stage::tls;
  const auto& config = upstream_.config;
  auto tls =
      TlsStream::client(std::move(stream_), *upstream_.tls,
                        config.sni.empty() ? config.address.host : config.sni, *upstream_.tls_session);
  tls_ = tls.get();
  stream_ = std::move(tls);
  stream_->set_events(this);
  continue_tls();
}

void ProxyDial::continue_tls() {
  const Io io = tls_->handshake();
  if (io.status == Io::Status::would_block) return;
  if (io.status != Io::Status::ok) return fail_tls(io);
  secured_ = loop_.now();
  begin_handshake();
}

void ProxyDial::begin_handshake() {
  handshake_ = make_handshake();
  if (!handshake_) return succeed();
  stage_ = Stage::handshake;
  output_ = handshake_->take_output();
  stream_->set_events(this);
  continue_handshake();
}

/// What is left to say to the proxy; nullptr if nothing is.
std::unique_ptr<Handshake> ProxyDial::make_handshake() const {
  const auto& config = upstream_.config;
  switch (config.kind) {
    case Kind::direct:
      return nullptr;
    case Kind::socks5:
      if (purpose_ == Purpose::warm) return make_socks5_greeting(config.credentials);
      return from_pool_ ? make_socks5_request(asked_for(), config.credentials)
                        : make_socks5_handshake(asked_for(), config.credentials);
    case Kind::socks4a:
      if (purpose_ == Purpose::warm) return nullptr;
      return make_socks4a_handshake(
          asked_for(), config.credentials ? std::string_view(config.credentials->user) : "");
    case Kind::http:
    case Kind::https:
      break;
  }
  if (purpose_ == Purpose::warm || purpose_ == Purpose::forward) return nullptr;
  return make_http_connect_handshake(asked_for(), config.credentials, upstream_.pseudonym);
}

void ProxyDial::continue_handshake() {
  std::array<char, 2048> buffer;
  for (;;) {
    if (!flush_output()) return;
    if (handshake_->done()) return succeed();
    const Io io = stream_->try_read(buffer);
    if (io.status == Io::Status::would_block) return;
    if (io.status != Io::Status::ok) return fail_io(io);
    proxy_answered_ = true;
    request_answered_ = request_answered_ || handshake_->phase() == "request";
    const std::string_view bytes(buffer.data(), io.bytes);
    const auto used = handshake_->consume(bytes);
    if (!used) {
      if (from_pool_ && handshake_->asked_too_late()) return replace_stale();
      Error error = used.error();
      error.text = upstream_name() + " " + error.text;
      return fail(std::move(error));
    }
    // What is glued to the reply belongs to the tunnel.
    if (*used < bytes.size()) stream_->unread(std::string(bytes.substr(*used)));
    output_ = handshake_->take_output();
  }
}

/// True when nothing is left to write; false when it waits or has failed.
bool ProxyDial::flush_output() {
  while (!output_.empty()) {
    const Io io = stream_->try_write(output_);
    if (io.status == Io::Status::would_block) return false;
    if (io.status != Io::Status::ok) {
      fail_io(io);
      return false;
    }
    output_.erase(0, io.bytes);
  }
  return true;
}

void ProxyDial::on_ready(Stream&) {
  if (stage_ == Stage::tls) return continue_tls();
  continue_handshake();
}

std::string ProxyDial::spent() const {
  using Time = Loop::Clock::time_point;
  const auto text = [](std::string_view phase, Time from, Time to) {
    return fmt::format("{} {} ms", phase, std::chrono::round<milliseconds>(to - from).count());
  };
  const Time now = loop_.now();
  if (from_pool_) return text("warm, handshake", begun_, now);
  if (connected_ == Time{}) return text("connect", begun_, now);
  std::string all = text("connect", begun_, connected_);
  if (is_direct()) return all;
  const bool secured = secured_ != Time{};
  if (secured || stage_ == Stage::tls) {
    all += ", " + text("TLS", connected_, secured ? secured_ : now);
  }
  if (stage_ == Stage::handshake) {
    all += ", " + text("handshake", secured ? secured_ : connected_, now);
  }
  return all;
}

void ProxyDial::succeed() {
  timer_.stop();
  fresh_.reset();
  stream_->set_events(nullptr);
  done_(std::move(stream_));
}

}  // namespace culvert
