// The half of an exchange that goes out: the request, which may be longer on its way than its
// answer.
#include <chrono>
#include <utility>

#include "base/text.h"
#include "codec/forward_head.h"
#include "codec/intermediary.h"
#include "session/exchange.h"

namespace culvert {

void Exchange::begin_request() {
  stage_ = Stage::active;
  request_done_ = request_given_up_ = response_begun_ = head_done_ = upgrading_ = false;
  client_ended_ = answered_ = timer_is_idle_ = false;
  interim_count_ = 0;
  scanner_.reset();
  response_bytes_.clear();
  connection_.stream->set_events(this);
  up_.start(client_, *connection_.stream, request_->framing, request_->framing);
  append_request();
  auto used = up_.feed(body_begin_);
  if (!used) return finish(End::Kind::refused, Side::client, std::move(used).error());
  if (*used < body_begin_.size()) client_.unread(body_begin_.substr(*used));
  clear_keeping(body_begin_, kKeptRoom);
  // How long the body may be in the taking is for limit() to say.
  if (!up_.body_read()) connection_.stream->check_peer(true);
  timer_.start(limit());
  advance();
}

void Exchange::append_request() {
  RequestForward forward;
  forward.absolute_form = connection_.to_proxy;
  if (connection_.to_proxy)
    forward.proxy_authorization = connection_.upstream->authorization.reveal();
  forward.pseudonym = context_.pseudonym;
  forward.upgrade = request_->upgrade;
  forward.framing = request_->framing;
  if (const auto hops = max_forwards(request_->head)) forward.max_forwards = *hops - 1;
  append_request_head(request_->head, request_->target, request_->options, forward, up_.output());
}

bool Exchange::pump_request() {
  using Kind = MessageFlow::Outcome::Kind;
  auto outcome = up_.pump(context_.flow);
  switch (outcome.kind) {
    case Kind::waiting:
      return true;
    case Kind::ended:
      request_done_ = true;
      connection_.stream->check_peer(false);
      return true;
    case Kind::write_failed:
      // The server may have said why before it stopped reading: its answer is still to come.
      request_done_ = request_given_up_ = true;
      return true;
    case Kind::incomplete:
      if (!head_done_ || (outcome.sys != 0 && !answered_)) {
        client_gone(outcome.sys, "closed within the request's body");
        return false;
      }
      // RFC 9112 section 9.5: who sees that its body is not wanted ceases to send it.
      request_done_ = request_given_up_ = client_ended_ = true;
      upstream_lives_on_ = false;
      timer_.start(limit());
      return true;
    case Kind::malformed:
      if (answered_) {
        // The client has its answer, or most of it.
        request_done_ = request_given_up_ = true;
        upstream_lives_on_ = false;
        return true;
      }
      finish(head_done_ ? End::Kind::abort : End::Kind::refused, Side::client,
             std::move(outcome.error));
      return false;
  }
  return true;
}

/// The answer came before the request's end, and the upstream reads on: the rest is still its due.
/// The client learns at once that the connection ends here (RFC 9112 section 9.6).
bool Exchange::begin_late_request() {
  const bool waits_for_100 = request_->expects_continue && up_.total() == 0 && interim_count_ == 0;
  if (request_done_ || !upstream_lives_on_ || waits_for_100) return false;
  answered_ = true;
  timer_.start(limit());
  pump_late_request();
  return true;
}

void Exchange::pump_late_request() {
  // What comes after the answer belongs to no request, and a FIN ends the use of this one.
  if (!is_quiet(*connection_.stream)) return finish_answered();
  client_.shutdown_write();
  const std::uint64_t before = up_.progress();
  if (!pump_request()) return;
  if (request_done_) return finish_answered();
  if (up_.progress() != before) timer_.progress();
}

}  // namespace culvert
