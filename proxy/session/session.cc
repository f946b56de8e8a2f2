#include "session/session.h"

#include <chrono>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "base/text.h"
#include "net/output.h"
#include "net/timer.h"
#include "session/exchange.h"
#include "session/last_answer.h"

namespace culvert {

using std::chrono::milliseconds;

namespace {

constexpr milliseconds kEstablishedTimeout{10'000};
constexpr std::size_t kMostForgotten = 1 << 20;
// Many clients send the whole of a body before they look for an answer.
constexpr std::size_t kMostForgottenOfBody = 16 << 20;

}  // namespace

struct Session::Setup {
  Setup(std::unique_ptr<ClientProtocol> client_protocol, Admission admit, Loop& loop,
        Callback<void()> on_deadline)
      : protocol(std::move(client_protocol)),
        admission(admit),
        established_deadline(loop, on_deadline) {}

  std::unique_ptr<ClientProtocol> protocol;
  Admission admission;
  ClientRequest* request = nullptr;
  std::optional<Error>
      ambiguity;  // why a plain request is not forwarded, if its client may hear it
  std::unique_ptr<RouteDial> dial;
  Loop::Clock::time_point dial_begun;
  Timer established_deadline;
  std::size_t written = 0;             // of the answer that precedes a tunnel
  std::unique_ptr<Exchange> exchange;  // of plain requests, one after the other
  std::optional<LastAnswer> answer;
  std::optional<Error> failure;  // what the answer is about; nullopt if all is well
  std::string_view note;         // about an answer that closes, though all is well
};

Session::Session(SessionContext& context, std::uint64_t id, std::unique_ptr<Stream> client,
                 std::unique_ptr<ClientProtocol> protocol, const std::optional<HostPort>& peer,
                 Admission admission, Callback<void(Session&)> finished)
    : context_(context),
      client_(std::move(client)),
      setup_(
          std::make_unique<Setup>(std::move(protocol), admission, context.loop,
                                  Callback<void()>::to<&Session::on_established_deadline>(this))),
      finished_(finished) {
  record_.begin(id, peer, context.loop.now());
  ++context_.sessions;
}

Session::~Session() { --context_.sessions; }

void Session::start() {
  client_->set_events(this);
  const bool draining = setup_->admission == Admission::draining;
  setup_->protocol->start(*this);
  if (draining) begin_drain();
}

void Session::begin_drain() {
  if (!setup_) return;
  setup_->admission = Admission::draining;
  if (stage_ == Stage::head) setup_->protocol->begin_drain();
}

void Session::abort(std::string_view why) {
  const bool owes_answer = this->owes_answer();
  if (stage_ == Stage::exchange) {
    record_exchange();
    if (setup_->exchange->would_look_complete()) client_->reset_on_close();
  }
  if (relay_) relay_->reset_on_close();
  if (owes_answer) answer_abort();
  finish(Outcome::Kind::aborted, Side::local, why);
}

/// A request has begun, and the client has heard nothing of it.
bool Session::owes_answer() const {
  switch (stage_) {
    case Stage::head:
      return setup_->protocol->request_begun();
    case Stage::dial:
      return true;
    case Stage::exchange:
      return setup_->exchange->nothing_said();
    default:
      return false;
  }
}

/// As far as the socket takes it at once.
void Session::answer_abort() {
  const std::string& target = record_.target;
  const Error error{Errc::proxy_draining, Side::local, 0,
                    "shutting down, and there was no answer yet" +
                        (target.empty() ? "" : " from " + shorten_middle(target, 60))};
  record_.status = static_cast<std::int16_t>(meaning_of(error.code).status);
  const std::string answer = setup_->protocol->refusal(error);
  if (client_->try_write(answer).status == Io::Status::ok) client_->shutdown_write();
}

const SessionRecord& Session::record() {
  if (relay_) {
    record_.bytes_up = relay_->bytes_up();
    record_.bytes_down = relay_->bytes_down();
  } else if (stage_ == Stage::exchange) {
    record_exchange();
  }
  return record_;
}

/// An answer of ours is recorded in the stage in which it began.
void Session::enter(Stage stage) {
  stage_ = stage;
  if (stage < Stage::answer) record_.stage = stage;
}

void Session::on_ready(Stream&) {
  switch (stage_) {
    case Stage::head:
      return setup_->protocol->on_ready();
    case Stage::dial:
      // A FIN alone may be a half-close; a reset means that nobody waits for an answer any more.
      if (client_->broken()) finish(Errc::canceled, Side::client, {});
      return;
    case Stage::established:
      return write_established();
    case Stage::exchange:
      return setup_->exchange->on_client_ready();
    case Stage::answer:
      return setup_->answer->on_ready();
    case Stage::route:
    case Stage::tunnel:
    case Stage::over:
      return;
  }
}

void Session::on_request_begun() { record_.started = context_.loop.now(); }

void Session::on_bad_request(Error error) { refuse(std::move(error)); }

void Session::on_client_gone(std::string_view detail) {
  finish(Errc::canceled, Side::client, detail);
}

void Session::on_client_idle(Side closed_by) { finish(Outcome::Kind::none, closed_by, {}); }

void Session::on_request(ClientRequest& request) {
  enter(Stage::route);
  record_.set_method(request.method);
  if (request.mistake) return refuse(std::move(*request.mistake));
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
  context_.gate.ask({.client = record_.client_ip,
                     .admission = setup_->admission,
                     .target = *request.target,
                     .looped = request.looped,
                     .needs_route = needs_route},
                    Gate::Done::to<&Session::on_verdict>(this));
}

void Session::on_verdict(Gate::Verdict verdict) {
  ClientRequest& request = *setup_->request;
  if (request.plain != nullptr && verdict.client_admitted) return begin_exchange(verdict);
  if (verdict.refusal) return refuse(std::move(*verdict.refusal));
  // What follows the request belongs to the tunnel.
  client_->unread(std::string(request.rest));
  dial(*verdict.route, verdict.place);
}

void Session::dial(const Route& route, AddressGuard::Client place) {
  enter(Stage::dial);
  // A reset that came in with the request: nobody waits for an answer, and no event will tell
  // again.
  if (client_->broken()) return finish(Errc::canceled, Side::client, {});
  setup_->dial_begun = context_.loop.now();
  setup_->dial = context_.dial(route, *setup_->request->target, ProxyDial::Purpose::tunnel, place,
                               DialDone::to<&Session::on_dialed>(this));
  setup_->dial->start();
}

void Session::on_dialed(DialResult result) {
  RouteDial& dial = *setup_->dial;
  record_.upstream = &dial.current();
  record_.connect_ms = static_cast<std::int32_t>(
      std::chrono::round<milliseconds>(context_.loop.now() - setup_->dial_begun).count());
  std::string failures = dial.failures();
  if (!result) {
    if (dial.several_failed()) {
      context_.log.write(Log::Level::warning, fmt::format("session {}: {}", record_.id, failures));
    }
    return refuse(std::move(result).error());
  }
  record_.set_failures(std::move(failures));
  upstream_stream_ = std::move(*result);
  enter(Stage::established);
  record_.status = 200;
  setup_->established_deadline.start(kEstablishedTimeout);
  write_established();
}

void Session::write_established() {
  const Io io = write_rest(*client_, setup_->protocol->established(), setup_->written);
  if (io.status == Io::Status::would_block) return;
  if (io.status != Io::Status::ok) {
    return finish(Errc::canceled, Side::client,
                  "gone before the answer: " + std::generic_category().message(io.error));
  }
  begin_tunnel();
}

void Session::on_established_deadline() { finish(Errc::canceled, Side::client, "took no answer"); }

void Session::begin_tunnel() {
  enter(Stage::tunnel);
  setup_.reset();
  relay_ = std::make_unique<Relay>(
      context_.loop, *client_, *upstream_stream_, context_.flow,
      RelayTimeouts{context_.config.idle_timeout, context_.config.half_open_timeout},
      Callback<void()>::to<&Session::on_relay_done>(this));
  relay_->start();
}

void Session::on_relay_done() {
  const RelayEnd& end = relay_->end();
  switch (end.cause) {
    case RelayEnd::Cause::finished:
      if (!was_false_success()) return finish(Outcome::Kind::ok, end.closed_by, {});
      record_.upstream->closed_after_success(context_.loop.now(), context_.log);
      return finish(Outcome::Kind::ok, end.closed_by,
                    "the upstream closed before its first byte: did it say yes too early?");
    case RelayEnd::Cause::reset:
      return finish(Errc::connection_terminated, end.closed_by,
                    end.sys != 0 ? describe_failure(end.sys) : "reset");
    case RelayEnd::Cause::idle:
      return finish(Outcome::Kind::idle_timeout, Side::local, "nothing moved, see --idle-timeout");
    case RelayEnd::Cause::half_open:
      return finish(Outcome::Kind::half_open_timeout, Side::local,
                    "one side had finished and nothing moved, see --half-open-timeout");
  }
}

/// Some proxies grant what they have not tried yet; then the failure looks like this.
bool Session::was_false_success() const {
  return relay_->end().closed_by == Side::upstream && relay_->bytes_down() == 0 &&
         relay_->bytes_up() > 0 && record_.upstream->config.kind != UpstreamConfig::Kind::direct;
}

void Session::begin_exchange(const Gate::Verdict& verdict) {
  if (!setup_->exchange) {
    setup_->exchange = std::make_unique<Exchange>(
        context_, *client_, Callback<void()>::to<&Session::on_exchange_done>(this));
  }
  if (verdict.refusal) return refuse(*verdict.refusal);
  if (setup_->ambiguity) return refuse(std::move(*setup_->ambiguity));
  PlainRequest& request = *setup_->request->plain;
  enter(Stage::exchange);
  if (verdict.route == nullptr) {
    record_.status = 200;
    return close_with(request.own_answer());
  }
  request.client = verdict.place;
  setup_->exchange->begin(request, *verdict.route, setup_->request->rest);
}

/// What the access line says of it.
void Session::record_exchange() {
  Exchange& exchange = *setup_->exchange;
  record_.upstream = exchange.upstream();
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
      record_.first_byte_ms = -1;  // from here on it is a tunnel like others
      upstream_stream_ = setup_->exchange->take_upstream();
      return begin_tunnel();
  }
}

void Session::next_request() {
  record_.next_request();
  stage_ = Stage::head;
  if (setup_->admission == Admission::draining) {
    return finish(Outcome::Kind::none, Side::local, {});
  }
  setup_->protocol->next_request();
}

void Session::refuse(Error error) {
  record_.status = static_cast<std::int16_t>(meaning_of(error.code).status);
  setup_->dial.reset();
  std::string answer = setup_->protocol->refusal(error);
  setup_->failure = std::move(error);
  close_with(std::move(answer));
}

/// `answer` is what is left to be said.
void Session::close_with(std::string answer) {
  enter(Stage::answer);
  setup_->answer.emplace(context_.loop, *client_, context_.flow.buffer, std::move(answer),
                         setup_->exchange ? kMostForgottenOfBody : kMostForgotten,
                         LastAnswer::Done::to<&Session::on_answered>(this));
  setup_->answer->on_ready();
}

void Session::on_answered(Result<void> taken) {
  if (!taken) return finish(Errc::canceled, Side::client, taken.error().text);
  const auto& failure = setup_->failure;
  if (!failure) return finish(Outcome::Kind::ok, Side::local, setup_->note);
  finish(failure->code, failure->side, failure->text);
}

/// What was going on is over, and is recorded; with Outcome::Kind::none nothing was.
void Session::conclude(Outcome outcome, Side closed_by, std::string_view detail) {
  if (outcome.kind == Outcome::Kind::none) return;
  record_.finish(outcome, closed_by, detail);
  if (context_.log.access_enabled()) write_access_line(context_.log, record_, context_.loop.now());
}

void Session::finish(Outcome outcome, Side closed_by, std::string_view detail) {
  if (relay_) record();
  conclude(outcome, closed_by, detail);
  enter(Stage::over);
  setup_.reset();
  // An exchange in the middle of its work still needs the client's stream to let go of it.
  client_->set_events(nullptr);
  relay_.reset();  // its timer may be due in this very turn
  client_.reset();
  upstream_stream_.reset();
  finished_(*this);
}

}  // namespace culvert
