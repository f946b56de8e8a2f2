#include "session/exchange.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <string>
#include <utility>

#include "base/duration.h"
#include "base/text.h"
#include "codec/clause.h"
#include "dial/candidates.h"

namespace culvert {

using std::chrono::milliseconds;

namespace {

/// A connection that was used so recently will hardly be closed by the other end just now.
constexpr milliseconds kSurelyOpen{1'000};

/// Safe to send twice (RFC 9110 section 9.2.2).
bool is_idempotent(std::string_view method) {
  constexpr std::array<std::string_view, 6> kMethods = {"GET",    "HEAD",    "PUT",
                                                        "DELETE", "OPTIONS", "TRACE"};
  return std::find(kMethods.begin(), kMethods.end(), method) != kMethods.end();
}

}  // namespace

Exchange::Exchange(SessionContext& context, Stream& client, Callback<void()> done)
    : context_(context),
      client_(client),
      done_(done),
      up_(HeadScanner::Kind::request),
      down_(HeadScanner::Kind::response),
      scanner_(HeadScanner::Kind::response),
      timer_(context.loop, Callback<void()>::to<&Exchange::on_idle>(this)) {}

Exchange::~Exchange() {
  up_.release(context_.flow);
  down_.release(context_.flow);
}

void Exchange::begin(const PlainRequest& request, const Route& route, std::string_view rest) {
  clear();
  request_ = &request;
  route_ = &route;
  begun_ = context_.loop.now();
  // A reset that came in with the request: no event will tell again.
  if (client_.broken()) return client_gone(0, "gone before the answer");
  body_begin_ = rest;
  reused_ = may_reuse_connection();
  if (reused_) return begin_request();
  dial();
}

void Exchange::clear() {
  end_ = {};
  status_ = 0;
  connect_ms_ = first_byte_ms_ = -1;
  failures_.reset();
  up_.clear(context_.flow);
  down_.clear(context_.flow);
}

/// The connection of the exchange before serves this one too, if it leads there and still lives.
bool Exchange::may_reuse_connection() const {
  const HostPort& target = request_->target.authority;
  if (!connection_.leads_to(target, request_->upgrade)) return false;
  if (connection_.route != route_ && first_choice() != connection_.upstream) return false;
  if (!may_be_sent_twice() && context_.loop.now() - connection_.idle_since > kSurelyOpen) {
    return false;
  }
  // A dial would ask this; on a proxy's connection the target may be another than the last one's.
  const AddressCheck check{&context_.guard, request_->client};
  if (connection_.to_proxy && !check.target(target, AddressGuard::Egress::through_upstream)) {
    return false;
  }
  return is_quiet(*connection_.stream);
}

/// The upstream that a dial along the route would try first.
const Upstream* Exchange::first_choice() const {
  return first_candidate(route_->upstreams, context_.upstreams, context_.loop.now());
}

void Exchange::dial() {
  stage_ = Stage::dial;
  reused_ = false;
  connection_.stream.reset();
  dial_ =
      context_.dial(*route_, request_->target.authority,
                    request_->upgrade ? ProxyDial::Purpose::tunnel : ProxyDial::Purpose::forward,
                    request_->client, DialDone::to<&Exchange::on_dialed>(this));
  dial_->start();
}

void Exchange::on_dialed(DialResult result) {
  connection_.upstream = &dial_->current();
  connect_ms_ = ms_since_begin();
  std::string failures = dial_->failures();
  const bool several_failed = dial_->several_failed();
  // The dial ends here; it may be in the middle of calling us, which it allows.
  dial_.reset();
  if (!result) {
    if (several_failed) context_.log.write(Log::Level::warning, failures);
    const Side side = result.error().side;
    return finish(End::Kind::refused, side, std::move(result).error());
  }
  if (!failures.empty()) failures_ = std::make_unique<std::string>(std::move(failures));
  connection_.stream = std::move(*result);
  using Kind = UpstreamConfig::Kind;
  const Kind kind = connection_.upstream->config.kind;
  connection_.to_proxy = (kind == Kind::http || kind == Kind::https) && !request_->upgrade;
  connection_.target = request_->target.authority;
  connection_.route = route_;
  begin_request();
}

void Exchange::on_ready(Stream&) {
  if (stage_ == Stage::active) return advance();
  // Between two exchanges: a late edge, or the server said something unasked, most likely goodbye.
  if (!is_quiet(*connection_.stream)) connection_.stream.reset();
}

void Exchange::on_client_ready() {
  if (stage_ == Stage::active) return advance();
  // A FIN alone may be a half-close; a reset means that nobody waits for an answer any more.
  if (stage_ == Stage::dial && client_.broken()) {
    dial_.reset();
    client_gone(0, "gone before the answer");
  }
}

/// Moves whatever can move.  A step is false when this call has nothing more to do, as the exchange
/// is over or begins anew.
void Exchange::advance() {
  if (answered_) return pump_late_request();
  const std::uint64_t before = progress();
  if (!request_done_ && !pump_request()) return;
  if (client_ended_) connection_.stream->shutdown_write();
  if (!flush_interim()) return;
  if (!head_done_ && !read_response()) return;
  if (head_done_ && !pump_response()) return;
  if (client_.broken()) {
    return client_gone(0, "gone before the end of the answer");
  }
  if (progress() != before) timer_.progress();
  if (head_done_ && !timer_is_idle_) {
    timer_is_idle_ = true;
    timer_.start(limit());
  }
}

bool Exchange::may_be_sent_twice() const {
  const BodyFraming& framing = request_->framing;
  const bool has_body = framing.kind == BodyFraming::Kind::chunked || framing.length > 0;
  return !has_body && is_idempotent(request_->head.method);
}

/// The upstream closed, or failed with `sys`, before a whole head had come.
bool Exchange::response_missing(int sys) {
  const bool went_stale = reused_ && !response_begun_;
  if (went_stale && may_be_sent_twice()) {
    // The server closed the connection just as we used it again: no fault of this request.
    timer_.stop();
    dial();
    return false;
  }
  std::string what = response_begun_ ? " closed within the head of its answer"
                     : went_stale ? " closed the connection without an answer - it was kept from "
                                    "an earlier request, and went stale"
                                  : " closed the connection without an answer";
  if (sys == EPROTO) what = " sent no answer: " + describe_failure(sys);
  finish(End::Kind::refused, Side::upstream,
         Error{response_begun_ ? Errc::http_response_incomplete : Errc::connection_terminated,
               Side::upstream, sys, where() + what});
  return false;
}

bool Exchange::refuse_response(Error error) {
  error.text = where() + " sent a bad answer: " + error.text;
  finish(End::Kind::refused, Side::upstream, std::move(error));
  return false;
}

/// `fault` is why_not_http()'s.
bool Exchange::not_http(std::string fault) {
  finish(End::Kind::refused, Side::upstream,
         Error{connection_.to_proxy ? Errc::upstream_protocol_error : Errc::http_protocol_error,
               Side::upstream, 0, where() + " " + fault});
  return false;
}

/// Whose answer it is, for errors.
std::string Exchange::where() const {
  const std::string target = shown_target(request_->target.authority);
  const UpstreamConfig& config = connection_.upstream->config;
  if (config.kind == UpstreamConfig::Kind::direct) return "target " + target;
  const std::string upstream = shown_upstream(config.label);
  if (connection_.to_proxy) return "upstream " + upstream + " (for " + target + ")";
  return "target " + target + " (through " + upstream + ")";
}

/// How long nothing may move: until the response begins, while it runs, and behind it.
milliseconds Exchange::limit() const {
  if (answered_) return context_.config.header_timeout;
  if (client_ended_ && context_.config.half_open_timeout.count() > 0) {
    return context_.config.half_open_timeout;
  }
  return head_done_ ? context_.config.idle_timeout : context_.config.response_timeout;
}

void Exchange::on_idle() {
  if (answered_) return finish_answered();
  finish(head_done_ ? End::Kind::abort : End::Kind::refused, Side::local, timeout_error());
}

Error Exchange::timeout_error() const {
  if (head_done_ && down_.starved()) {
    return {Errc::http_response_timeout, Side::upstream, 0,
            where() + " stalled for " + format_seconds(limit())};
  }
  if (head_done_) {
    return {Errc::http_response_timeout, Side::client, 0,
            "took nothing of the answer for " + format_seconds(limit())};
  }
  const bool waits_for_100 = request_->expects_continue && up_.total() == 0;
  if (!request_done_ && up_.starved() && !waits_for_100) {
    return {Errc::http_request_timeout, Side::client, 0,
            "the request's body stalled for " + format_seconds(limit())};
  }
  return {Errc::http_response_timeout, Side::upstream, 0,
          where() + " did not answer within " + format_seconds(limit())};
}

bool Exchange::would_look_complete() const {
  return stage_ == Stage::active && head_done_ && !answered_ && !down_.self_delimited();
}

void Exchange::client_gone(int sys, const char* text) {
  finish(End::Kind::abort, Side::client, Error{Errc::canceled, Side::client, sys, text});
}

void Exchange::finish_answered() {
  if (!request_done_ || request_given_up_) {
    end_.note = "answered before the request's end, the rest of which was not passed on";
  }
  if (!request_done_ || !upstream_lives_on_) connection_.stream.reset();
  connection_.idle_since = context_.loop.now();
  finish(client_lives_on_ ? End::Kind::next : End::Kind::close,
         client_lives_on_ ? Side::client : Side::local);
}

void Exchange::finish(End::Kind kind, Side closed_by, std::optional<Error> error) {
  // Half an interim head cannot be followed by an answer.
  if (kind == End::Kind::refused && interim_.begun()) kind = End::Kind::abort;
  end_.kind = kind;
  end_.closed_by = closed_by;
  end_.reset = kind == End::Kind::abort && would_look_complete();
  end_.error = std::move(error);
  stage_ = Stage::idle;
  timer_.stop();
  up_.release(context_.flow);
  down_.release(context_.flow);
  interim_.clear();
  if (kind != End::Kind::next && kind != End::Kind::upgraded) connection_.stream.reset();
  done_();
}

std::int32_t Exchange::ms_since_begin() const {
  return static_cast<std::int32_t>(
      std::chrono::round<milliseconds>(context_.loop.now() - begun_).count());
}

}  // namespace culvert
