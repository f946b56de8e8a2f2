#include "session/session.h"

#include <algorithm>
#include <cerrno>
#include <functional>
#include <string>
#include <utility>

#include "base/text.h"
#include "codec/sign_in.h"
#include "net/own_end.h"
#include "net/peer_history.h"
#include "net/timer.h"
#include "net/tls_stream.h"
#include "session/exchange.h"
#include "session/last_answer.h"
#include "session/session_steps.h"
#include "session/tls_client.h"
#include "session/tracer.h"
#include "session/tunnel_end.h"
#include "session/tunnel_opening.h"

namespace culvert {

namespace {

constexpr std::size_t kMostDiscarded = 1 << 20;
// Of one connection: who signs in needs one, and mistypes a few times.
constexpr unsigned kMostKeptRefusals = 8;
// Many clients send a whole body before they read the response.
constexpr std::size_t kMostDiscardedOfBody = 16 << 20;

EofWhenLost who_gets_eof(LostTunnel how, const ClientRequest& request) {
  switch (how) {
    case LostTunnel::automatic:
      if (request.nameless) return EofWhenLost::go;
      return request.from_go ? EofWhenLost::most : EofWhenLost::nobody;
    case LostTunnel::eof:
      return EofWhenLost::everybody;
    case LostTunnel::reset:
      break;
  }
  return EofWhenLost::nobody;
}

SignInPace::Client signs_in_as(const SessionRecord& record) {
  SignInPace::Client client{record.client_ip};
  if (!client.address && record.notes && record.notes->peer) client.uid = record.notes->peer->uid;
  return client;
}

}  // namespace

/// Of the present request, and its answer if it is refused.
struct Session::SignIn {
  SignIn(SessionContext& context, Callback<void(PasswordVerdict)> done, Callback<void()> expired)
      : check(*context.password_checks, context.loop, done), deadline(context.loop, expired) {}

  PasswordCheck check;
  Timer deadline;  // of it
  std::string user;
  bool before_request = false;  // the protocol asks once for the connection
  bool over = false;            // the same, and it has succeeded
  Gate::Verdict verdict;        // what follows once it has succeeded, after a request
  unsigned kept_refusals = 0;   // of the connection
  std::optional<KeptRefusal> refusal;
};

struct Session::Setup {
  Setup(std::unique_ptr<ClientProtocol> spoken, Admission given)
      : protocol(std::move(spoken)), admission(given) {}

  std::unique_ptr<ClientProtocol> protocol;
  Admission admission;
  TlsStream* tls = nullptr;  // the client's stream, if it is one
  std::string certified_as;  // the user by a certificate of ?client-ca=; empty: it has shown none
  ClientRequest* request = nullptr;
  // Why a plain request cannot be forwarded; sent only to clients that are admitted.
  std::optional<Error> ambiguity;
  std::unique_ptr<SignIn> sign_in;
  std::optional<TunnelOpening> opening;
  std::unique_ptr<Exchange> exchange;  // of plain requests, one after the other
  bool served_before = false;          // some of them under earlier rules
  std::unique_ptr<LastAnswer> answer;
  std::optional<Error> failure;      // what an error response is about; nullopt after a success
  std::string_view note;             // for the log: why the connection is closed after a success
  std::optional<SocketEnd> reached;  // where the client has connected to, from its load balancer
  std::unique_ptr<const ConnectionEnds> ends;  // see ends_for_upstreams()
};

Session::Session(SessionContext& context, std::uint64_t id, std::unique_ptr<Stream> client,
                 std::unique_ptr<ClientProtocol> protocol, const std::optional<HostPort>& peer,
                 Admission admission, Callback<void(Session&)> finished)
    : context_(&context),
      client_(std::move(client)),
      setup_(std::make_unique<Setup>(std::move(protocol), admission)),
      finished_(finished) {
  record_.begin(id, peer, context.loop.now());
  if (!peer) note_unix_peer();
  ++context_->sessions;
}

void Session::note_unix_peer() {
  if (const auto peer = unix_peer(client_->descriptor())) record_.set_unix_peer(*peer);
}

Session::~Session() {
  drop_relay();
  setup_.reset();
  if (limited_) context_->limited->erase(this);
  --context_->sessions;
}

void Session::limit(std::unique_ptr<ClientLimits> limits) {
  limited_ = true;
  context_->limited->insert_or_assign(this, std::move(limits));
}

ClientLimits& Session::limits() { return *context_->limited->at(this); }

void Session::start() {
  client_->set_events(this);
  start_protocol();
}

void Session::start_protocol() {
  const bool draining = setup_->admission == Admission::draining;
  setup_->protocol->start(*this);
  if (draining) begin_drain();
}

void Session::begin_drain(bool serves_awaited) {
  if (!setup_) return;
  // An exchange is kept from one request to the next.
  const bool has_served = setup_->exchange || setup_->served_before;
  const bool between_requests = has_served && !setup_->protocol->request_begun();
  if (serves_awaited && state_ == State::head && !between_requests) return;
  setup_->admission = Admission::draining;
  if (state_ == State::head) setup_->protocol->begin_drain();
}

void Session::follow_reload() {
  if (state_ != State::head) return;
  if (setup_->protocol->request_begun() || setup_->protocol->handshake_begun()) return;
  renew();
}

/// Goes on under the rules that are in force now.
void Session::renew() {
  SessionContext& now = **context_->newest;
  std::unique_ptr<ClientProtocol> renewed;
  // Who says that it is a load balancer's client has to be believed still.
  const bool is_believed =
      !record_.is_balanced() || context_->config.load_balancers == now.config.load_balancers;
  if (is_believed) renewed = setup_->protocol->renewed(now);
  if (!renewed) {
    client_->shutdown_write();  // in TLS that says that it is the end
    return finish(Outcome::Kind::none, Side::local, {});
  }
  setup_->served_before = setup_->served_before || setup_->exchange;
  setup_->exchange.reset();
  setup_->sign_in.reset();
  setup_->protocol = std::move(renewed);
  record_.set_user(setup_->certified_as);
  --context_->sessions;
  context_ = &now;
  ++context_->sessions;
  start_protocol();
}

void Session::cut(std::string_view why) {
  if (is_ending()) return;
  if (!relay_ || !relay_->cut()) return abort(why);
  end_in_record(Outcome::Kind::aborted, Side::local, why);
}

void Session::end_by_admin() {
  abort("ended by an administrator", Errc::connection_terminated, "ended by an administrator");
}

void Session::abort(std::string_view why, Errc code, std::string_view cause) {
  if (is_ending()) {
    if (!setup_->answer->written()) client_->reset_on_close();
    return finish(record_.outcome, record_.closed_by, {});
  }
  const bool owes_answer = this->owes_answer();
  if (state_ == State::exchange) {
    record_exchange();
    if (setup_->exchange->would_look_complete()) client_->reset_on_close();
  }
  if (relay_ && relay_->cut() && !end_with(kUnfinishedRecord)) client_->reset_on_close();
  if (owes_answer) answer_abort(code, cause);
  if (state_ == State::head) note_request_line();
  finish(Outcome::Kind::aborted, Side::local, why);
}

bool Session::may_serve() const {
  return awaits_request() && setup_->admission == Admission::serve;
}

bool Session::can_be_spared(Loop::Clock::time_point asked_before) const {
  const bool had_time = had_time_ || record_.started <= asked_before;
  if (state_ == State::answer) {
    if (setup_->admission == Admission::crowded) return true;
    // What an upstream has sent may still be on its way while the client sends its body.
    return had_time && !is_ending() && (setup_->failure || record_.upstream == nullptr);
  }
  return state_ == State::head && had_time;
}

std::chrono::milliseconds Session::time_for_turns() const {
  // The client may be farther away than the end of the connection, as behind a forwarder.
  constexpr std::chrono::milliseconds kLeast{100};
  constexpr std::chrono::milliseconds kMost{500};
  if (state_ != State::head) return {};
  if (setup_->tls == nullptr && !setup_->protocol->takes_turns()) return {};
  return std::clamp(2 * round_trip(client_->descriptor()), kLeast, kMost);
}

bool Session::is_settled() const {
  if (state_ == State::answer && !setup_->answer->written()) return false;
  return !has_unread_bytes(client_->descriptor());
}

void Session::give_way() {
  static constexpr std::string_view kWhy = "descriptors are short";
  if (state_ == State::answer) return on_answered({});
  if (!setup_->protocol->request_begun()) {
    const bool counts = setup_->protocol->handshake_begun();
    return finish(counts ? Outcome::Kind::aborted : Outcome::Kind::none, Side::local, kWhy);
  }
  const Error error{Errc::connection_limit_reached, Side::local, 0,
                    "too many connections are open, and this one had sent no whole request"};
  record_.status = static_cast<std::int16_t>(meaning_of(error.code).status);
  end_with(setup_->protocol->refusal(error));
  note_request_line();
  finish(Outcome::Kind::aborted, Side::local, kWhy);
}

void Session::end_without_client() {
  if (is_ending()) return;
  if (!relay_) return abort("the client is gone");
  relay_->end_without_client();
}

/// A request has begun, and nothing was sent to the client yet.
bool Session::owes_answer() const {
  switch (state_) {
    case State::head:
      return setup_->protocol->request_begun();
    case State::sign_in:
      return true;
    case State::opening:
      return setup_->opening->nothing_sent();
    case State::exchange:
      return setup_->exchange->nothing_sent();
    default:
      return false;
  }
}

/// Best effort: only what the socket takes at once.
bool Session::end_with(std::string_view bytes) {
  if (client_->try_write(bytes).status != Io::Status::ok) return false;
  client_->shutdown_write();
  return true;
}

void Session::answer_abort(Errc code, std::string_view why) {
  const std::string& target = record_.target;
  const Error error{code, Side::local, 0,
                    concat({why, ", and there was no answer yet", target.empty() ? "" : " from ",
                            shorten_middle(target, 60)})};
  record_.status = static_cast<std::int16_t>(meaning_of(error.code).status);
  end_with(setup_->protocol->refusal(error));
}

const SessionRecord& Session::record() {
  if (relay_) {
    record_.bytes_up = relay_->bytes_up();
    record_.bytes_down = relay_->bytes_down();
  } else if (state_ == State::exchange) {
    record_exchange();
  }
  return record_;
}

bool Session::is_in_request() const {
  switch (state_) {
    case State::gate:
    case State::sign_in:
    case State::opening:
    case State::tunnel:
    case State::exchange:
      return record_.stage >= SessionStage::route;
    case State::head:
    case State::kept_refusal:
    case State::answer:
    case State::over:
      break;
  }
  return false;
}

std::optional<Loop::Clock::time_point> Session::last_moved() const {
  if (relay_) return relay_->last_moved();
  if (state_ != State::exchange || !setup_->exchange->is_connected()) return std::nullopt;
  return setup_->exchange->last_moved();
}

std::uint64_t Session::bytes_moved() const {
  if (relay_) return relay_->bytes_up() + relay_->bytes_down();
  return setup_->exchange->bytes_up() + setup_->exchange->bytes_down();
}

StallSigns Session::stall_signs() const {
  return relay_ ? relay_->stall_signs() : setup_->exchange->stall_signs();
}

const Upstream* Session::upstream() const {
  return state_ == State::exchange ? setup_->exchange->upstream() : record_.upstream;
}

int Session::descriptor(Side side) const {
  const Stream* stream = client_.get();
  if (side != Side::client) {
    stream =
        state_ == State::exchange ? setup_->exchange->upstream_stream() : upstream_stream_.get();
  }
  return stream == nullptr ? -1 : stream->descriptor();
}

SessionFacts Session::facts() const {
  using Doing = SessionFacts::State;
  SessionFacts facts{.id = record_.id,
                     .client = record_.client_text(),
                     .user = std::string(record_.user()),
                     .method = std::string(record_.method),
                     .target = record_.target,
                     .stage = record_.stage,
                     .started = record_.started,
                     .moved = record_.started,
                     .connect_ms = record_.connect_ms};
  bool held = false;
  if (relay_) {
    facts.state = Doing::moving;
    facts.bytes_up = relay_->bytes_up();
    facts.bytes_down = relay_->bytes_down();
    facts.moved = relay_->last_moved();
    facts.waiting_for_client = relay_->waiting_for_client();
    facts.waiting_for_upstream = relay_->waiting_for_upstream();
  } else if (state_ == State::exchange) {
    const Exchange& exchange = *setup_->exchange;
    facts.connect_ms = exchange.connect_ms();
    facts.bytes_up = exchange.bytes_up();
    facts.bytes_down = exchange.bytes_down();
    held = exchange.is_held();
    if (exchange.is_connected()) {
      facts.state = Doing::moving;
      facts.moved = exchange.last_moved();
      facts.waiting_for_client = exchange.waiting_for_client();
      facts.waiting_for_upstream = exchange.waiting_for_upstream();
    }
  } else if (state_ == State::opening) {
    held = setup_->opening->is_held();
  }
  if (const Upstream* chosen = upstream()) facts.upstream = chosen->config.name;
  if (held) facts.state = Doing::held;
  const bool moves = context_->loop.now() - facts.moved < SessionFacts::kMoving;
  if (facts.state == Doing::moving && !moves) {
    facts.state = facts.waiting_for_client > 0 ? Doing::client_slow : Doing::quiet;
  }
  return facts;
}

/// Its client has asked for something.
void Session::consider_trace(const ClientRequest& request) {
  if (context_->tracer->consider(record_.id, *request.target) == nullptr) return;
  traced_ = true;
  traced()->step(request_step(record_, setup_->tls != nullptr, setup_->protocol->shown_request()));
}

Trace* Session::traced() const { return &context_->tracer->of(record_.id); }

void Session::follow_trace(std::shared_ptr<TraceOrder> order) {
  SessionTrace& trace = context_->tracer->follow(record_.id, std::move(order));
  trace.step(present_step(facts(), context_->loop.now()));
  traced_ = true;
}

void Session::trace_verdict(const Gate::Verdict& verdict) const {
  if (verdict.route != nullptr) traced()->step(route_step(*verdict.route, context_->config));
}

void Session::trace_refusal(const Error& error) const { traced()->step(refusal_step(error)); }

void Session::trace_end() const { traced()->step(end_step(record_)); }

void Session::end_trace() {
  traced_ = false;
  context_->tracer->end(record_.id, "the session is over");
}

void Session::on_ready(Stream&) {
  switch (state_) {
    case State::head:
      return setup_->protocol->on_ready();
    case State::sign_in:
      // A FIN alone may be a half-close.
      if (client_->broken()) finish(Errc::canceled, Side::client, "gone before the answer");
      return;
    case State::opening:
      return setup_->opening->on_client_ready();
    case State::exchange:
      return setup_->exchange->on_client_ready();
    case State::kept_refusal:
      return setup_->sign_in->refusal->on_ready();
    case State::answer:
      return setup_->answer->on_ready();
    case State::gate:
    case State::tunnel:
    case State::over:
      return;
  }
}

void Session::on_request_begun() { record_.started = context_->loop.now(); }

bool Session::on_balanced(const ConnectionEnds& ends) {
  record_.set_balanced(ends.client);
  setup_->reached = ends.reached;
  if (!limited_ || !record_.client_ip) return true;
  limits().set_client(context_->config, *record_.client_ip, context_->loop);
  if (limits().is_worth_an_answer()) return true;
  context_->met(Limit::client_connections);
  finish(Outcome::Kind::none, Side::local, {});
  return false;
}

void Session::on_bad_request(Error error) {
  note_request_line();
  refuse(std::move(error));
}

/// Of a request that cannot be served: its line may be sound.
void Session::note_request_line() {
  const RequestLine line = setup_->protocol->request_line();
  if (line.method.empty()) return;
  record_.set_method(line.method);
  record_.set_url(line.target);
}

void Session::on_client_gone(std::string_view detail) {
  note_request_line();
  finish(Errc::canceled, Side::client, detail);
}

void Session::on_other_protocol(std::unique_ptr<ClientProtocol> spoken) {
  had_time_ = had_time_ && !spoken->takes_turns();
  setup_->protocol = std::move(spoken);
  if (context_->is_superseded()) return renew();
  start_protocol();
}

void Session::on_tls(const ListenerTerms& listener) {
  auto tls = TlsStream::server(std::move(client_), *listener.tls);
  auto spoken = std::make_unique<TlsClient>(*context_, *tls, listener);
  setup_->tls = tls.get();
  client_ = std::move(tls);
  client_->set_events(this);
  on_other_protocol(std::move(spoken));
}

void Session::on_user(std::string_view name) {
  setup_->certified_as = name;
  record_.set_user(name);
}

void Session::on_client_idle(Side closed_by) { finish(Outcome::Kind::none, closed_by, {}); }

void Session::on_request(ClientRequest& request) {
  state_ = State::gate;
  had_time_ = false;
  record_.stage = SessionStage::route;
  if (request.mistake) {
    note_request_line();
    return refuse(std::move(*request.mistake));
  }
  record_.set_method(request.method);
  if (limited_) {
    if (auto objection = object_to_request()) {
      note_request_line();
      return refuse(std::move(*objection));
    }
  }
  setup_->request = &request;
  bool needs_route = true;
  if (PlainRequest* plain = request.plain) {
    record_.set_url(plain->head.target);
    auto clear = plain->interpret();
    needs_route = clear && !plain->is_for_us();
    if (!clear) setup_->ambiguity = std::move(clear).error();
  } else {
    record_.target = request.target->to_string();
  }
  if (traced_ || (context_->tracer != nullptr && context_->tracer->wants())) [[unlikely]]
    consider_trace(request);
  context_->gate.ask({.client = record_.client_ip,
                      .admission = setup_->admission,
                      .target = *request.target,
                      .looped = request.looped,
                      .needs_route = needs_route,
                      .certified = !setup_->certified_as.empty()},
                     Gate::Done::to<&Session::on_verdict>(this));
}

/// Only if limited_.  A sign-in that precedes its request has counted for that.
std::optional<Error> Session::object_to_request() {
  const bool counted = setup_->sign_in && setup_->sign_in->over;
  if (counted || setup_->admission != Admission::serve) return std::nullopt;
  auto objection = limits().object_to_request(context_->config, record_.client_ip, context_->loop);
  if (objection) {
    context_->met(objection->code == Errc::request_rate_limit ? Limit::requests
                                                              : Limit::client_connections);
  }
  return objection;
}

void Session::on_verdict(Gate::Verdict verdict) {
  if (context_->users != nullptr && verdict.client_admitted) return sign_in(std::move(verdict));
  follow(verdict);
}

/// Before anything is told about the target.
void Session::sign_in(Gate::Verdict verdict) {
  if (setup_->sign_in && setup_->sign_in->over) return follow(verdict);
  record_.set_user(setup_->certified_as);
  auto given = setup_->protocol->take_credentials();
  if (!given) return refuse_sign_in(std::move(given).error());
  begin_sign_in().verdict = std::move(verdict);
  check_password(*given);
}

/// A client of SOCKS, whose limits and address are looked at first, too.
void Session::on_credentials() {
  note_request_line();
  if (limited_) {
    if (auto objection = object_to_request()) return refuse(std::move(*objection));
  }
  if (auto admitted =
          context_->gate.admit(record_.client_ip, !setup_->certified_as.empty(), setup_->admission);
      !admitted) {
    return refuse(std::move(admitted).error());
  }
  begin_sign_in().before_request = true;
  check_password(*setup_->protocol->take_credentials());
}

Session::SignIn& Session::begin_sign_in() {
  if (!setup_->sign_in) {
    setup_->sign_in = std::make_unique<SignIn>(
        *context_, Callback<void(PasswordVerdict)>::to<&Session::on_password_verdict>(this),
        Callback<void()>::to<&Session::on_sign_in_timeout>(this));
  }
  return *setup_->sign_in;
}

void Session::check_password(const Credentials& given) {
  state_ = State::sign_in;
  SignIn& asked = *setup_->sign_in;
  asked.user = given.user;
  const auto known = asked.check.ask(*context_->users, signs_in_as(record_), given);
  if (known) return on_password_verdict(*known);
  asked.deadline.start(context_->config.connect_timeout);
}

/// The client would give up soon.
void Session::on_sign_in_timeout() {
  setup_->sign_in->check.cancel();
  on_password_verdict(PasswordVerdict::busy);
}

void Session::on_password_verdict(PasswordVerdict verdict) {
  SignIn& asked = *setup_->sign_in;
  asked.deadline.stop();
  if (traced_) traced()->step(sign_in_step(verdict, asked.user));
  switch (verdict) {
    case PasswordVerdict::right:
      record_.set_user(asked.user);
      if (!asked.before_request) return follow(asked.verdict);
      asked.over = true;
      state_ = State::head;
      return setup_->protocol->signed_in();
    case PasswordVerdict::wrong:
      return refuse_sign_in(wrong_credentials(asked.user));
    case PasswordVerdict::busy:
      context_->met(Limit::sign_in);
      return refuse(
          {Errc::sign_in_limit_reached, Side::client, 0,
           "too many sign-ins of this client failed, or wait to be checked - try again soon"});
  }
}

/// Clients that ask for the scheme first (curl --proxy-anyauth) sign in on the same connection.
void Session::refuse_sign_in(Error error) {
  const bool may_retry =
      setup_->request != nullptr && error.code == Errc::proxy_auth_required && may_follow_refusal();
  std::string answer = may_retry ? setup_->protocol->kept_refusal(error) : std::string();
  if (answer.empty()) return refuse(std::move(error));
  SignIn& refused = begin_sign_in();
  ++refused.kept_refusals;
  state_ = State::kept_refusal;
  record_.status = static_cast<std::int16_t>(meaning_of(error.code).status);
  if (traced_) trace_refusal(error);
  setup_->failure = std::move(error);
  const ClientRequest& request = *setup_->request;
  refused.refusal.emplace(context_->loop, *client_, context_->flow.buffer, std::move(answer),
                          request.plain == nullptr ? BodyFraming() : request.plain->framing,
                          request.rest, KeptRefusal::Done::to<&Session::on_kept_refusal>(this));
  // In a later turn: the next request may be there already, and be refused as well.
  client_->resume();
}

/// Whether it is known where the next request begins, and one may come.
bool Session::may_follow_refusal() const {
  if (setup_->sign_in && setup_->sign_in->kept_refusals >= kMostKeptRefusals) return false;
  if (context_->draining || setup_->admission != Admission::serve || setup_->ambiguity)
    return false;
  const PlainRequest* const plain = setup_->request->plain;
  if (plain == nullptr) return true;
  // RFC 9110 section 10.1.1: a client that awaits a 100 sends its body after a 407, or does not.
  const bool has_body =
      plain->framing.kind == BodyFraming::Kind::chunked || plain->framing.length > 0;
  return !(has_body && plain->expects_continue) &&
         plain->framing.length <= KeptRefusal::kMostDiscarded;
}

void Session::on_kept_refusal(KeptRefusal::End end) {
  setup_->sign_in->refusal.reset();
  switch (end) {
    case KeptRefusal::End::next: {
      const Error failure = *std::exchange(setup_->failure, std::nullopt);
      conclude(failure.code, failure.side, failure.text);
      return next_request();
    }
    case KeptRefusal::End::spoiled:
      return close_with({});
    case KeptRefusal::End::gone:
      return finish(Errc::canceled, Side::client, "took no answer");
  }
}

/// The client may use the proxy.
void Session::follow(Gate::Verdict& verdict) {
  ClientRequest& request = *setup_->request;
  if (limited_ && !verdict.refusal) {
    verdict.refusal = limits().object_to_user(context_->config, record_.user(), context_->loop);
    if (verdict.refusal) context_->met(Limit::user_connections);
  }
  if (traced_) trace_verdict(verdict);
  if (request.plain != nullptr && verdict.client_admitted) return begin_exchange(verdict);
  if (context_->preset_gaps != nullptr && verdict.client_admitted) note_preset_gap();
  if (verdict.refusal) return refuse(std::move(*verdict.refusal));
  // The bytes after the request belong to the tunnel.
  client_->unread(std::string(request.rest));
  state_ = State::opening;
  setup_->opening.emplace(*context_, *client_, record_, setup_->protocol->established(),
                          DialDone::to<&Session::on_opened>(this));
  setup_->opening->begin(*verdict.route, *request.target, what_dials_need(verdict));
}

AddressCheck Session::what_dials_need(const Gate::Verdict& verdict) {
  AddressCheck out{&context_->guard, verdict.place, ends_for_upstreams(), trace()};
  if (!verdict.route->tiers.empty()) out.client_key = client_key();
  return out;
}

/// One number for one client, whatever its port.
std::uint64_t Session::client_key() const {
  if (record_.client_ip) return std::hash<std::string>()(record_.client_ip->to_string());
  return record_.notes && record_.notes->peer ? record_.notes->peer->uid : 0;
}

/// What ?proxy-protocol tells an upstream of the client; nullptr if none has that.
const ConnectionEnds* Session::ends_for_upstreams() {
  if (!context_->tells_clients) return nullptr;
  if (!setup_->ends) {
    ConnectionEnds ends{{}, setup_->reached};
    if (record_.client_ip) ends.client = SocketEnd{*record_.client_ip, record_.client_port};
    if (!ends.reached) ends.reached = own_end(client_->descriptor());
    setup_->ends = std::make_unique<const ConnectionEnds>(ends);
  }
  return setup_->ends.get();
}

/// Also if it is refused: just then the pull fails.
void Session::note_preset_gap() {
  const auto gap = context_->preset_gaps->note(record_.client_ip, *setup_->request->target,
                                               context_->loop.now());
  if (gap) context_->log.write(Log::Level::info, *gap);
}

void Session::on_opened(DialResult result) {
  if (result) {
    upstream_stream_ = std::move(*result);
    return begin_tunnel();
  }
  const Error& error = result.error();
  if (error.code == Errc::canceled) return finish(error.code, error.side, error.text);
  refuse(std::move(result).error());
}

void Session::begin_tunnel(FirstByte first_byte) {
  state_ = State::tunnel;
  if (setup_->tls != nullptr) setup_->tls->end_secrets();
  record_.stage = SessionStage::tunnel;
  const Config& config = context_->config;
  const RelaySettings settings{.idle = config.idle_timeout,
                               .half_open = config.half_open_timeout,
                               .eof_when_lost = who_gets_eof(config.lost_tunnel, *setup_->request),
                               .tells_first_byte = first_byte == FirstByte::awaited};
  if (traced_) traced()->step("the tunnel stands, and its client knows");
  setup_.reset();
  relay_ =
      std::make_unique<Relay>(context_->loop, *client_, *upstream_stream_, context_->flow, settings,
                              Callback<void(RelayNews)>::to<&Session::on_relay_news>(this));
  ++context_->tunnels;
  record_.upstream->load->begin();
  if (context_->stalls != nullptr)
    context_->stalls->add(*relay_, *record_.upstream, record_.target);
  if (limited_) pace_tunnel();
  const auto lifetime = config.max_lifetime;
  relay_->start(lifetime.count() > 0 ? context_->loop.now() + lifetime
                                     : Loop::Clock::time_point::max());
}

void Session::pace_tunnel() {
  if (!context_->config.limits_bandwidth()) return;
  relay_->pace(limits().pacers(context_->loop, Callback<void()>::to<&Session::on_turn>(this)));
}

/// Bytes that had to wait may move.
void Session::on_turn() {
  if (relay_) return relay_->resume();
  if (state_ == State::exchange) return setup_->exchange->resume();
  limits().rest();
}

void Session::drop_relay() {
  if (!relay_) return;
  --context_->tunnels;
  record_.upstream->load->end();
  if (context_->stalls != nullptr) context_->stalls->remove(*relay_);
  relay_.reset();
}

void Session::on_relay_news(RelayNews news) {
  if (traced_ && news != RelayNews::end) traced()->step(news_step(news));
  if (news == RelayNews::first_byte) {
    record_.upstream->counters->first_byte.add(context_->loop.now() - record_.started);
  } else if (news == RelayNews::upstream_finished) {
    note_loss(relay_->end().closed_by);
  } else if (news == RelayNews::end) {
    on_relay_end();
  }
}

void Session::on_relay_end() {
  const TunnelEnd end = judge_tunnel_end(*relay_, record_, *context_);
  if (!relay_->upstream_has_finished()) note_loss(end.closed_by);
  if (relay_->end().client_gets_eof) return end_in_record(end.outcome, end.closed_by, end.detail);
  finish(end.outcome, end.closed_by, end.detail);
}

/// A tunnel that ended on the upstream's side may have been lost, whether by a FIN or by a reset: a
/// tunnel program that is killed gives either.  Noted before the client sees the end, as it may
/// ask again at once, through another worker, and close this connection later.
void Session::note_loss(Side closed_by) {
  if (closed_by == Side::client || relay_->bytes_down() == 0) return;
  context_->resumptions.lost(record_.target, context_->loop.now());
}

/// The outcome stands, and only the client's stream is left to be ended.
void Session::end_in_record(Outcome outcome, Side closed_by, std::string_view detail) {
  record();
  record_.finish(outcome, closed_by, detail);
  drop_relay();
  upstream_stream_.reset();
  setup_ = std::make_unique<Setup>(nullptr, Admission::serve);
  client_->set_events(this);
  close_with(std::string(kUnfinishedRecord));
}

void Session::begin_exchange(const Gate::Verdict& verdict) {
  if (!setup_->exchange) {
    setup_->exchange = std::make_unique<Exchange>(
        *context_, *client_, Callback<void()>::to<&Session::on_exchange_done>(this));
  }
  if (verdict.refusal) return refuse(*verdict.refusal);
  if (setup_->ambiguity) return refuse(std::move(*setup_->ambiguity));
  PlainRequest& request = *setup_->request->plain;
  state_ = State::exchange;
  record_.stage = SessionStage::exchange;
  if (verdict.route == nullptr) {
    record_.status = 200;
    return close_with(request.own_answer());
  }
  request.check = what_dials_need(verdict);
  if (limited_ && context_->config.limits_bandwidth()) {
    setup_->exchange->pace(
        limits().pacers(context_->loop, Callback<void()>::to<&Session::on_turn>(this)));
  }
  setup_->exchange->begin(request, *verdict.route, setup_->request->rest);
}

/// Copies the exchange's figures into the record.
void Session::record_exchange() {
  Exchange& exchange = *setup_->exchange;
  record_.upstream = exchange.upstream();
  record_.chosen_by = exchange.chosen_by();
  record_.connect_ms = exchange.connect_ms();
  record_.first_byte_ms = exchange.first_byte_ms();
  record_.bytes_up = exchange.bytes_up();
  record_.bytes_down = exchange.bytes_down();
  record_.status = static_cast<std::int16_t>(exchange.status());
  if (const auto failures = exchange.take_failures()) record_.set_failures(std::move(*failures));
}

void Session::on_exchange_done() {
  const Exchange::End& end = setup_->exchange->end();
  record_exchange();
  switch (end.kind) {
    case Exchange::End::Kind::next:
      conclude(Outcome::Kind::ok, end.closed_by, {});
      return next_request();
    case Exchange::End::Kind::close:
      setup_->note = end.note;
      return close_with({});
    case Exchange::End::Kind::abort:
      if (end.reset) client_->reset_on_close();
      return finish(end.error->code, end.closed_by, end.error->text);
    case Exchange::End::Kind::refused:
      return refuse(*end.error);
    case Exchange::End::Kind::upgraded:
      record_.first_byte_ms = -1;  // from here on it is an ordinary tunnel
      upstream_stream_ = setup_->exchange->take_upstream();
      return begin_tunnel(FirstByte::counted);
  }
}

void Session::next_request() {
  record_.next_request();
  state_ = State::head;
  if (setup_->admission == Admission::draining) {
    return finish(Outcome::Kind::none, Side::local, {});
  }
  if (context_->is_superseded()) return renew();
  setup_->protocol->next_request();
}

void Session::refuse(Error error) {
  setup_->opening.reset();
  // Nor would it be kept for want of others.
  if (error.sys == EMFILE) setup_->admission = Admission::crowded;
  std::string answer = setup_->protocol->refusal(error);
  if (!answer.empty()) record_.status = static_cast<std::int16_t>(meaning_of(error.code).status);
  if (traced_) trace_refusal(error);
  setup_->failure = std::move(error);
  close_with(std::move(answer));
}

/// `answer` is what is left to be written.
void Session::close_with(std::string answer) {
  state_ = State::answer;
  setup_->answer = std::make_unique<LastAnswer>(
      context_->loop, *client_, context_->flow.buffer, std::move(answer),
      setup_->exchange || is_ending() ? kMostDiscardedOfBody : kMostDiscarded,
      LastAnswer::Done::to<&Session::on_answered>(this));
  if (setup_->admission == Admission::crowded) setup_->answer->hurry();
  setup_->answer->on_ready();
}

void Session::on_answered(const Result<void>& taken) {
  if (is_ending()) {
    if (!taken) client_->reset_on_close();
    return finish(record_.outcome, record_.closed_by, {});
  }
  if (!taken) return finish(Errc::canceled, Side::client, taken.error().text);
  const auto& failure = setup_->failure;
  if (!failure) return finish(Outcome::Kind::ok, Side::local, setup_->note);
  if (!failure->detail.empty()) record_.set_more(failure->detail);
  finish(failure->code, failure->side, failure->text);
}

void Session::note_failure() {
  const auto kind = record_.outcome.kind;
  const bool failed = kind == Outcome::Kind::error || kind == Outcome::Kind::stalled;
  if (failed && context_->request_failed) context_->request_failed(record_);
}

/// Finishes the record and logs it; with Outcome::Kind::none there is nothing to record.
void Session::conclude(Outcome outcome, Side closed_by, std::string_view detail) {
  if (outcome.kind == Outcome::Kind::none) return;
  record_.finish(outcome, closed_by, detail);
  if (traced_) trace_end();
  if (context_->request_finished) context_->request_finished(record_);
  if (outcome.kind != Outcome::Kind::ok) note_failure();
  if (context_->log.access_enabled())
    write_access_line(context_->log, record_, context_->loop.now());
}

void Session::finish(Outcome outcome, Side closed_by, std::string_view detail) {
  if (relay_) record();
  conclude(outcome, closed_by, detail);
  if (traced_) end_trace();
  state_ = State::over;
  setup_.reset();
  // It may still point to the exchange that was destroyed.
  client_->set_events(nullptr);
  drop_relay();  // its timer may be due in this very turn
  client_.reset();
  upstream_stream_.reset();
  finished_(*this);
}

}  // namespace culvert
