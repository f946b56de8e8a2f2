// The failures of an ProxyDial: whose they are, and what is said of them.
#include <algorithm>
#include <cerrno>
#include <chrono>
#include <system_error>
#include <utility>

#include "base/duration.h"
#include "codec/clause.h"
#include "dial/proxy_dial.h"

namespace culvert {

using std::chrono::milliseconds;

void ProxyDial::on_timeout() {
  if (reset_) return give_up(std::move(*reset_));
  if (fresh_error_) return give_up_as_fresh();
  if (from_pool_ && left().count() > 0) {
    return proxy_answered_ ? timer_.start(left()) : dial_fresh();
  }
  Error error = overdue();
  if (stage_ == Stage::connect && upstream_.config.via_index) {
    error.text = out_of_reach(error.text);
  }
  error.text += " within " + format_seconds(std::chrono::round<milliseconds>(loop_.now() - begun_));
  fail(std::move(error));
}

/// Of a chain, the hop that is being waited for.
Error ProxyDial::overdue() const {
  if (fresh_) return fresh_->overdue();
  const std::string peer = is_direct() ? target_name() : upstream_name();
  Error error{Errc::connection_timeout, is_direct() ? Side::target : Side::upstream, 0, {}};
  switch (stage_) {
    case Stage::look_up:
      error.code = Errc::dns_timeout;
      error.text = target_name() + " did not resolve here";
      break;
    case Stage::connect: {
      const Error cause = transport_->overdue();
      error.code = cause.code;
      error.text = upstream_.config.via_index ? cause.text : peer + " " + cause.text;
      break;
    }
    case Stage::tls:
      error.text = peer + " did not finish the TLS handshake";
      break;
    case Stage::handshake:
      error.text = peer + " did not answer the " + std::string(handshake_->phase());
      break;
  }
  return error;
}

void ProxyDial::fail_tls(const Io& io) {
  Error error = tls_->handshake_error(io);
  error.text = upstream_name() + " " + error.text;
  fail(std::move(error));
}

void ProxyDial::fail_io(const Io& io) {
  if (from_pool_ && !proxy_answered_) return replace_stale();
  if (tls_ != nullptr && io.status == Io::Status::error && io.error == EPROTO) {
    // The proxy did not like our side of TLS.
    stage_ = Stage::tls;
    return fail_tls(io);
  }
  // Who greeted and closes has answered: it is how ssh -D says no.
  if (proxy_answered_ && handshake_->phase() == "request") request_answered_ = true;
  Error error = handshake_->eof();
  if (io.status == Io::Status::error) {
    error.sys = io.error;
    error.text += " (" + std::generic_category().message(io.error) + ")";
  }
  error.text = upstream_name() + " " + error.text;
  fail(std::move(error));
}

std::string ProxyDial::upstream_name() const {
  return "upstream " + shown_upstream(upstream_.config.label);
}

/// What to say of `cause`, which is why the proxy could not be reached by way of another upstream.
/// Of a long chain only both ends are named: who was meant, and who failed.
std::string ProxyDial::out_of_reach(std::string_view cause) const {
  if (purpose_ == Purpose::hop) return std::string(cause);
  const std::string meant = upstream_name() + " is out of reach" +
                            (purpose_ == Purpose::warm ? "" : " for " + shown_target(target_)) +
                            ": ";
  const std::size_t room = kMostOfText - std::min(kMostOfText, cause.size());
  return shorten_middle(meant, room).append(cause);
}

std::string ProxyDial::target_name() const { return "target " + shown_target(target_); }

/// `error`'s text is a clause to stand behind the target.
void ProxyDial::fail_target(Error error) {
  error.text = target_name() + " " + error.text;
  fail(std::move(error));
}

void ProxyDial::fail(Error error) {
  proxy_failed_ = !is_direct() && error.side == Side::upstream &&
                  (stage_ == Stage::connect || stage_ == Stage::tls ||
                   (handshake_ && handshake_->phase() == "greeting"));
  if (!may_have_gone(error)) return give_up(std::move(error));
  reset_ = std::move(error);
  tls_ = nullptr;
  handshake_.reset();
  stream_.reset();
  connect_anew();
}

ProxyDial::Proof ProxyDial::proof(const DialResult& result) const {
  if (!result && proxy_failed_) return Proof::fails;
  if (!result && is_silence(result.error())) {
    return request_answered() ? Proof::none : Proof::silent;
  }
  if (result) {
    // A plain request's dial through an HTTP proxy has heard nothing.
    return request_answered() || !upstream_.health->is_silent() ? Proof::works : Proof::none;
  }
  return proxy_answered_ ? Proof::works : Proof::none;
}

bool ProxyDial::may_have_gone(const Error& error) const {
  const bool was_reset = error.sys == ECONNRESET || error.sys == EPIPE;
  return was_reset && !reset_ && !proxy_answered_ && !is_direct() && !upstream_.config.via_index;
}

/// Each text names the upstream and the client's target: it may be all that a user sees.
void ProxyDial::give_up(Error error) {
  if (is_direct()) {
    error.text += " (direct)";
  } else if (purpose_ != Purpose::hop &&
             error.text.find(shown_target(target_)) == std::string::npos) {
    error.text += " (for " + shown_target(target_) + ")";
  }
  timer_.stop();
  lookup_.reset();
  transport_.reset();
  fresh_.reset();
  stream_.reset();
  done_(std::move(error));
}

}  // namespace culvert
