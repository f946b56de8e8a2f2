#include "session/exchange.h"

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <string>
#include <system_error>
#include <utility>

#include "base/duration.h"
#include "dial/candidates.h"
#include "dial/dial_text.h"
#include "dial/upstream_protocol.h"
#include "net/stream.h"
#include "net/tls_stream.h"
#include "session/lack_of_memory.h"
#include "session/pacer.h"

namespace culvert {

using std::chrono::milliseconds;

namespace {

// A connection that was used so recently will hardly be closed by the other end just now.
constexpr milliseconds kSurelyOpen{1'000};

// What takes longer to end a connection unanswered is no relay with nothing behind it: haproxy for
// one gives up after 3 s.
constexpr milliseconds kRelayGivesUp{5'000};

/// The other end has closed the connection, rather than the network.
bool was_closed(int sys) { return sys == 0 || is_reset(sys); }

}  // namespace

Exchange::Exchange(SessionContext& context, Stream& client, Callback<void()> done)
    : context_(context),
      client_(client),
      done_(done),
      request_(client),
      response_(context, client, request_, connection_),
      timer_(context.loop, Callback<void()>::to<&Exchange::on_idle>(this)) {}

Exchange::~Exchange() {
  request_.release(context_.flow);
  response_.release(context_.flow);
}

void Exchange::pace(Pacers& pacers) {
  request_.pace(&pacers.up);
  response_.pace(&pacers.down);
}

void Exchange::begin(const PlainRequest& request, const Route& route, std::string_view rest) {
  clear();
  request_.hold(request, rest);
  route_ = &route;
  begun_ = context_.loop.now();
  // A reset that arrived with the request: no further event reports it.
  if (client_.broken()) return client_gone(0, "gone before the answer");
  if (!may_reuse_connection()) return begin_dial();
  connection_.reused = true;
  activate();
}

void Exchange::clear() {
  end_ = {};
  connect_ms_ = first_byte_ms_ = -1;
  failures_.reset();
  ended_early_.clear();
  looks_again_ = false;
  request_.clear(context_.flow);
  response_.clear(context_.flow);
}

/// The connection of the previous exchange is reused if it leads to the target and is alive.
bool Exchange::may_reuse_connection() const {
  const PlainRequest& request = request_.request();
  if (!connection_.leads_to(target(), request.upgrade)) return false;
  if (connection_.upstream->health->is_marked_down()) return false;
  if (!is_on_route()) return false;
  if (!request.is_repeatable() && context_.loop.now() - connection_.idle_since > kSurelyOpen) {
    return false;
  }
  // A dial would check this; through a proxy the target may be another than the last request's.
  if (connection_.to_proxy &&
      !request.check.target(target(), AddressGuard::Egress::through_upstream)) {
    return false;
  }
  return is_quiet(*connection_.stream);
}

/// A dial along the route might have made it.
bool Exchange::is_on_route() const {
  // Another host may belong to another upstream.
  if (!route_->tiers.empty() && connection_.target != target()) return false;
  return connection_.route == route_ ||
         is_first_choice(*connection_.upstream, *route_, context_.upstreams, context_.loop.now());
}

/// After a 101 the connection is a tunnel.
void Exchange::begin_dial() {
  dial(request_.request().upgrade ? DialPurpose::tunnel : DialPurpose::forward);
}

void Exchange::dial(DialPurpose purpose) {
  stage_ = Stage::dial;
  load_.drop();
  purpose_ = purpose;
  connection_.reused = false;
  connection_.stream.reset();
  dial_ = context_.dial(*route_, target(), purpose, request_.request().check,
                        DialDone::to<&Exchange::on_dialed>(this), ended_early_);
  dial_->start();
}

void Exchange::on_dialed(DialResult result) {
  connection_.upstream = &dial_->current();
  connection_.chosen_by = dial_->chosen_by();
  connect_ms_ = ms_between(begun_, context_.loop.now());
  std::string failures = dial_->failures();
  const bool several_failed = dial_->several_failed();
  // Destroys the dial, also from within its own callback, which it allows.
  dial_.reset();
  if (!result) {
    if (several_failed) context_.warn(RareWarnings::Kind::failed_attempts, failures);
    if (may_forward_upgrade(result.error())) {
      note_failures(std::move(failures));
      return dial(DialPurpose::forward);
    }
    const Side side = result.error().side;
    return fail(side, std::move(result).error());
  }
  note_failures(std::move(failures));
  connection_.stream = std::move(*result);
  connection_.to_proxy = forwards_to_proxy(connection_.upstream->config, purpose_);
  connection_.target = target();
  connection_.route = route_;
  activate();
}

/// Many HTTP proxies refuse a CONNECT to a port other than 443, and may still pass on an Upgrade in
/// absolute-form: squid does, if it is configured so.  Nothing is sent of the request yet.
bool Exchange::may_forward_upgrade(const Error& refusal) const {
  if (purpose_ != DialPurpose::tunnel) return false;
  if (refusal.code != Errc::upstream_denied && refusal.code != Errc::upstream_unsupported) {
    return false;
  }
  return std::any_of(route_->upstreams.begin(), route_->upstreams.end(), [&](std::size_t index) {
    return forwards_to_proxy(context_.upstreams[index]->config, DialPurpose::forward);
  });
}

void Exchange::note_failures(std::string failures) {
  if (failures.empty()) return;
  if (failures_) failures = *failures_ + "; " + failures;
  failures_ = std::make_unique<std::string>(std::move(failures));
}

/// There is a connection: request and response are transferred.
void Exchange::activate() {
  stage_ = Stage::active;
  load_.take(*connection_.upstream->load);
  connection_.stream->set_events(this);
  response_.begin();
  if (auto fine = request_.begin(connection_, context_.pseudonym); !fine) {
    return fail(Side::client, std::move(fine).error());
  }
  timer_.start(limit());
  advance();
}

void Exchange::on_ready(Stream&) {
  if (stage_ == Stage::active) return advance();
  // Between two exchanges: a late event, or the upstream sent unsolicited bytes, or closed.
  if (!is_quiet(*connection_.stream)) connection_.stream.reset();
}

void Exchange::on_client_ready() {
  if (stage_ == Stage::active) return advance();
  // A FIN alone may be a half-close; after a reset no client waits for the response.
  if (stage_ == Stage::dial && client_.broken()) {
    dial_.reset();
    client_gone(0, "gone before the answer");
  }
}

/// Moves whatever can move.  Its two steps return false when the exchange is over, or begins anew
/// on another connection.
void Exchange::advance() {
  if (response_.complete()) return send_rest();
  const std::uint64_t before = progress();
  if (!send_request()) return;
  if (request_.state() == RequestSide::State::client_stopped) {
    connection_.stream->shutdown_write();
  }
  if (!receive_response()) return;
  if (client_.broken()) return client_gone(0, "gone before the end of the answer");
  if (progress() != before) timer_.progress();
}

bool Exchange::send_request() {
  if (request_.over()) return true;
  using Kind = MessageFlow::Outcome::Kind;
  auto outcome = request_.pump(context_.flow);
  switch (outcome.kind) {
    case Kind::waiting:
    case Kind::ended:
      return true;
    case Kind::write_failed:
      if (!lacks_memory(outcome.sys)) return true;
      fail_without_memory(outcome.sys);
      return false;
    case Kind::incomplete:
      if (response_.complete() || (response_.has_final_head() && outcome.sys == 0)) break;
      client_gone(outcome.sys, "closed within the request's body");
      return false;
    case Kind::malformed:
      if (response_.complete()) break;
      fail(Side::client, *std::move(outcome.error));
      return false;
  }
  // RFC 9112 section 9.5: a client whose body is not needed stops sending it.
  request_.stop();
  timer_.start(limit());
  return true;
}

bool Exchange::receive_response() {
  using Kind = ResponseSide::Outcome::Kind;
  const bool had_head = response_.has_final_head();
  auto outcome = response_.advance();
  if (first_byte_ms_ < 0 && response_.status() != 0) {
    first_byte_ms_ = ms_between(begun_, context_.loop.now());
    connection_.upstream->counters->first_byte.add(context_.loop.now() - begun_);
    if (!connection_.to_proxy) connection_.upstream->health->brought_byte(begun_);
  }
  switch (outcome.kind) {
    case Kind::waiting:
      if (!had_head && response_.has_final_head()) timer_.start(limit());
      return true;
    case Kind::switched:
      finish(End::Kind::upgraded, Side::client);
      return false;
    case Kind::complete:
      on_complete();
      return false;
    case Kind::no_head:
      on_no_head(outcome.sys);
      return false;
    case Kind::failed:
      fail(Side::upstream, *std::move(outcome.error));
      return false;
    case Kind::write_failed:
      if (lacks_memory(outcome.sys)) {
        fail_without_memory(outcome.sys);
        return false;
      }
      client_gone(outcome.sys, response_.has_final_head() ? "gone before the end of the answer"
                                                          : "gone before the answer");
      return false;
  }
  return true;
}

/// The client has the whole response.  If the request is not sent yet and the upstream reads on, it
/// still gets the rest; the client's connection is half-closed at once (RFC 9112 section 9.6).
void Exchange::on_complete() {
  if (request_.over() || !response_.upstream_persists() || client_awaits_100()) {
    return finish_answered();
  }
  timer_.start(limit());
  send_rest();
}

void Exchange::send_rest() {
  // Bytes after the response belong to no request, and after a FIN the connection is not reused.
  if (!is_quiet(*connection_.stream)) return finish_answered();
  client_.shutdown_write();
  const std::uint64_t before = request_.progress();
  if (!send_request()) return;
  if (request_.over()) return finish_answered();
  if (request_.progress() != before) timer_.progress();
}

/// The upstream closed, or failed with `sys`, before a complete head had arrived.
void Exchange::on_no_head(int sys) {
  const bool begun = response_.state() != ResponseSide::State::waiting;
  if (Trace* const trace = request_.request().check.trace) {
    trace->step(begun ? "the connection ended within the head of the answer"
                      : "the connection ended without an answer");
  }
  const bool went_stale = connection_.reused && !begun;
  if (went_stale && request_.request().is_repeatable()) {
    // The upstream closed the connection just when it was reused: not an error of this request.
    timer_.stop();
    return begin_dial();
  }
  if (!begun && was_closed(sys)) {
    if (may_be_early_grant()) return on_early_grant(sys);
    if (may_look_again()) {
      timer_.stop();
      looks_again_ = true;
      return dial(DialPurpose::forward_again);
    }
  }
  std::string what = begun        ? " closed within the head of its answer"
                     : went_stale ? " closed the connection without an answer - it was kept from "
                                    "an earlier request, and went stale"
                                  : " closed the connection without an answer";
  const auto* const tls =
      begun || sys != EPROTO ? nullptr : dynamic_cast<const TlsStream*>(connection_.stream.get());
  if (tls != nullptr) {
    Error error = tls->handshake_error(Io::failed(sys));
    error.text = upstream_name() + " " + error.text;
    return fail(Side::upstream, std::move(error));
  }
  if (sys == EPROTO) what = " sent no answer: " + describe_failure(sys);
  fail(Side::upstream, Error{begun ? Errc::http_response_incomplete : Errc::connection_terminated,
                             Side::upstream, sys, upstream_name() + what});
}

/// The upstream's proxy has granted this connection to the target, and may not have had one.
bool Exchange::may_be_early_grant() const {
  return !connection_.reused && !connection_.to_proxy &&
         protocol_of(connection_.upstream->config).has_proxy;
}

/// Nothing is committed: a request that may be sent twice is sent through another upstream.
void Exchange::on_early_grant(int sys) {
  Upstream& upstream = *connection_.upstream;
  const auto now = context_.loop.now();
  upstream.closed_after_success(target().to_string(), true, now, context_.log);
  Error error = early_grant_error(upstream.config, target(), sys);
  ended_early_.push_back(&upstream);
  const bool in_time = now - begun_ < context_.config.connect_timeout;
  const bool others =
      std::any_of(route_->upstreams.begin(), route_->upstreams.end(), [this](std::size_t index) {
        Upstream* const other = context_.upstreams[index].get();
        return std::find(ended_early_.begin(), ended_early_.end(), other) == ended_early_.end();
      });
  if (request_.request().is_repeatable() && in_time && others) {
    timer_.stop();
    note_failures("attempts failed: " + error.text);
    return begin_dial();
  }
  fail(Side::upstream, std::move(error));
}

/// Nothing may be behind the port of a proxy that takes absolute-form: that is found out once.  One
/// that gets an upgrade has answered a CONNECT before.
bool Exchange::may_look_again() const {
  const auto lasted = milliseconds(ms_between(begun_, context_.loop.now()) - connect_ms_);
  return connection_.to_proxy && !connection_.reused && !looks_again_ && lasted < kRelayGivesUp &&
         request_.request().is_repeatable() && !request_.request().upgrade;
}

void Exchange::client_gone(int sys, const char* text) {
  finish(End::Kind::abort, Side::client, Error{Errc::canceled, Side::client, sys, text});
}

/// How long nothing may move: before the response's head, within the response, and after it.
milliseconds Exchange::limit() const {
  const Config& config = context_.config;
  if (response_.complete()) return config.header_timeout;
  if (request_.state() == RequestSide::State::client_stopped &&
      config.half_open_timeout.count() > 0) {
    return config.half_open_timeout;
  }
  return response_.has_final_head() ? config.idle_timeout : config.response_timeout;
}

void Exchange::on_idle() {
  // It was not for want of bytes.
  if (request_.waits_for_turn() || response_.waits_for_turn()) return timer_.start(limit());
  if (response_.complete()) return finish_answered();
  fail(Side::local, timeout_error());
}

/// For an error that may be due to that, see Upstream::early_grants_clause().
std::string Exchange::early_grants() const {
  if (connection_.to_proxy) return {};
  return connection_.upstream->early_grants_clause(context_.loop.now());
}

Error Exchange::timeout_error() const {
  const std::string time = format_seconds(limit());
  if (response_.has_final_head() && response_.starved()) {
    return {Errc::http_response_timeout, Side::upstream, 0,
            upstream_name() + " stalled for " + time};
  }
  if (response_.has_final_head()) {
    return {Errc::http_response_timeout, Side::client, 0, "took nothing of the answer for " + time};
  }
  if (!request_.over() && request_.starved() && !client_awaits_100()) {
    return {Errc::http_request_timeout, Side::client, 0, "the request's body stalled for " + time};
  }
  return {Errc::http_response_timeout, Side::upstream, 0,
          upstream_name() + " did not answer within " + time + early_grants()};
}

/// RFC 9110 section 10.1.1: the client may be waiting for 100 before it sends its body.  No other
/// interim response allows it to.
bool Exchange::client_awaits_100() const {
  return request_.request().expects_continue && request_.body_bytes() == 0 &&
         !response_.has_continue();
}

StallSigns Exchange::stall_signs() const {
  return {.for_client = {response_.held(), client_.unsent()},
          .for_upstream = {request_.held(), connection_.stream->unsent()},
          .received = bytes_down(),
          .owes = owes(),
          .paced = request_.waits_for_turn() || response_.waits_for_turn()};
}

/// Whose bytes are awaited.
std::optional<Side> Exchange::owes() const {
  const bool awaits_body = !request_.over() && request_.starved();
  if (response_.complete()) return awaits_body ? std::optional(Side::client) : std::nullopt;
  if (response_.has_final_head()) {
    return response_.starved() ? std::optional(Side::upstream) : std::nullopt;
  }
  return awaits_body && !client_awaits_100() ? Side::client : Side::upstream;
}

void Exchange::finish_answered() {
  if (!request_.sent()) {
    end_.note = "answered before the request's end, the rest of which was not passed on";
  }
  const bool another = response_.client_persists();
  if (!response_.upstream_persists()) connection_.stream.reset();
  connection_.idle_since = context_.loop.now();
  finish(another ? End::Kind::next : End::Kind::close, another ? Side::client : Side::local);
}

void Exchange::fail_without_memory(int sys) {
  fail(Side::local,
       Error{Errc::proxy_internal_error, Side::local, sys,
             "there is no memory to send with: " + std::generic_category().message(sys)});
}

/// The client gets an error response, unless it has received a part of the upstream's.
void Exchange::fail(Side closed_by, Error error) {
  finish(nothing_sent() ? End::Kind::refused : End::Kind::abort, closed_by, std::move(error));
}

void Exchange::finish(End::Kind kind, Side closed_by, std::optional<Error> error) {
  end_.kind = kind;
  end_.closed_by = closed_by;
  end_.reset = kind == End::Kind::abort && would_look_complete();
  end_.error = std::move(error);
  stage_ = Stage::idle;
  load_.drop();
  timer_.stop();
  request_.release(context_.flow);
  response_.release(context_.flow);
  if (kind != End::Kind::next && kind != End::Kind::upgraded) connection_.stream.reset();
  done_();
}

}  // namespace culvert
