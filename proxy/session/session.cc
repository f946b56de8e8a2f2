#include "session/session.h"

#include <array>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "base/duration.h"
#include "base/text.h"
#include "codec/clause.h"
#include "codec/client_mistake.h"
#include "codec/intermediary.h"
#include "session/answer.h"
#include "session/exchange.h"
#include "session/last_answer.h"

namespace culvert {

using std::chrono::milliseconds;

namespace {

constexpr milliseconds kEstablishedTimeout{10'000};
constexpr milliseconds kDrainingHeadTimeout{1'000};
constexpr std::size_t kMostForgotten = 1 << 20;
// Many clients send the whole of a body before they look for an answer.
constexpr std::size_t kMostForgottenOfBody = 16 << 20;

std::string_view name_of(Errc code) { return meaning_of(code).name; }

Error denied_by(const Route& route, const HostPort& target) {
  return {Errc::http_request_denied, Side::local, 0,
          "target " + shown_target(target) + " is denied by " + route.rule};
}

/// A query may hold a token, and is nobody's business but the server's.
void assign_without_query(std::string& shown, std::string_view url) {
  const std::size_t query = url.find('?');
  shown = url.substr(0, query);
  if (query != std::string_view::npos) shown += "?...";
}

}  // namespace

struct Session::Opening {
  Opening(Loop& loop, Callback<void()> on_deadline)
      : deadline(loop, on_deadline), scanner(HeadScanner::Kind::request) {}

  Timer deadline;
  HeadScanner scanner;
  std::string head;
  std::size_t head_end = 0;  // what is behind it in `head` came with it
  RequestHead request;       // its views point into `head`
  RequestTarget target;      // the same
  std::unique_ptr<RouteDial> dial;
  Loop::Clock::time_point dial_begun;
  std::size_t written = 0;  // of kConnectEstablished
  std::optional<LastAnswer> answer;
  Stage answered_in = Stage::head;
  std::optional<Error> failure;  // what the answer is about; nullopt if all is well
};

struct Session::Plain {
  Plain(SessionContext& context, Stream& stream, std::string from, Callback<void()> done)
      : exchange(context, stream, done), client(std::move(from)) {}

  PlainRequest request;
  Exchange exchange;
  std::string client;  // for the access lines, of which there may be many
};

Session::Session(SessionContext& context, std::uint64_t id, std::unique_ptr<Stream> client,
                 const std::optional<HostPort>& peer, Admission admission,
                 Callback<void(Session&)> finished)
    : context_(context),
      id_(id),
      client_(std::move(client)),
      opening_(std::make_unique<Opening>(context.loop,
                                         Callback<void()>::to<&Session::on_deadline>(this))),
      finished_(finished),
      started_(context.loop.now()),
      admission_(admission) {
  if (peer) {
    client_ip_ = peer->ip;
    client_port_ = peer->port;
  }
  ++context_.sessions;
}

Session::~Session() { --context_.sessions; }

void Session::start() {
  client_->set_events(this);
  opening_->deadline.start(context_.config.header_timeout);
  read_head();
}

void Session::begin_drain() {
  admission_ = Admission::draining;
  if (stage_ != Stage::head || opening_->scanner.begun()) return;
  // A request that is on its way gets its answer; one that has not begun soon will not come.
  opening_->deadline.start(plain_ ? milliseconds(0) : kDrainingHeadTimeout);
}

void Session::abort(std::string_view why) {
  const bool owes_answer = this->owes_answer();
  if (stage_ == Stage::exchange) {
    take_over_exchange();
    if (plain_->exchange.would_look_complete()) client_->reset_on_close();
  }
  if (relay_) relay_->reset_on_close();
  if (owes_answer) tell_of_abort();
  finish("aborted", Side::local, why);
}

/// A request has begun, and the client has heard nothing of it.
bool Session::owes_answer() const {
  switch (stage_) {
    case Stage::head:
      return opening_->scanner.begun();
    case Stage::dial:
      return true;
    case Stage::exchange:
      return plain_->exchange.nothing_said();
    default:
      return false;
  }
}

/// As far as the socket takes it at once.
void Session::tell_of_abort() {
  const Error error{Errc::proxy_draining, Side::local, 0,
                    "shutting down, and there was no answer yet" +
                        (target_.empty() ? "" : " from " + shorten_middle(target_, 60))};
  status_ = static_cast<std::int16_t>(meaning_of(error.code).status);
  const std::string answer = error_answer(error, is_head_request());
  if (client_->try_write(answer).status == Io::Status::ok) client_->shutdown_write();
}

bool Session::is_head_request() const {
  if (!method_.empty()) return method_ == "HEAD";
  return std::string_view(opening_->head).substr(opening_->scanner.begin()).starts_with("HEAD ");
}

void Session::on_ready(Stream&) {
  switch (stage_) {
    case Stage::head:
      return read_head();
    case Stage::dial:
      // A FIN alone may be a half-close; a reset means that nobody waits for an answer any more.
      if (client_->broken()) finish(name_of(Errc::canceled), Side::client, {});
      return;
    case Stage::established:
      return write_established();
    case Stage::exchange:
      return plain_->exchange.on_client_ready();
    case Stage::answer:
      return opening_->answer->on_ready();
    case Stage::route:
    case Stage::tunnel:
    case Stage::over:
      return;
  }
}

void Session::read_head() {
  std::string& head = opening_->head;
  for (;;) {
    const Io io = client_->try_read(context_.flow.buffer);
    if (io.status == Io::Status::would_block) return;
    if (io.status != Io::Status::ok) {
      const bool begun = opening_->scanner.begun();
      if (!begun && plain_) return finish({}, Side::client, {});
      return finish(name_of(Errc::canceled), Side::client,
                    begun ? "closed within the request's head" : "closed without a request");
    }
    const std::string_view bytes(context_.flow.buffer.data(), io.bytes);
    if (head.empty()) {
      if (auto mistake = client_mistake(bytes)) {
        context_.log.write(Log::Level::warning, mistake->text);
        return refuse(std::move(*mistake));
      }
    }
    // Old clients send an empty line behind a body (RFC 9112 section 2.2): it begins nothing.
    const bool begins = !opening_->scanner.begun();
    if (begins) started_ = context_.loop.now();
    head += bytes;
    const auto end = opening_->scanner.scan(head);
    if (!end) return refuse(end.error());
    if (!*end) {
      if (begins && plain_ && opening_->scanner.begun()) {
        opening_->deadline.start(context_.config.header_timeout);
      }
      continue;
    }
    opening_->deadline.stop();
    opening_->head_end = **end;
    const std::size_t begin = opening_->scanner.begin();
    const auto parsed = parse_request_head(std::string_view(head).substr(begin, **end - begin),
                                           HeadLimits{}, opening_->request);
    if (!parsed) return refuse(parsed.error());
    return route();
  }
}

void Session::route() {
  stage_ = Stage::route;
  const RequestHead& request = opening_->request;
  method_ = request.method;
  const RequestTarget& target = opening_->target;
  if (auto fine = parse_request_target(request, opening_->target); !fine) {
    return refuse(std::move(fine).error());
  }
  const bool connect = target.form == RequestTarget::Form::authority;
  if (connect) {
    target_ = target.authority.to_string();
  } else {
    assign_without_query(target_, request.target);
  }
  if (admission_ == Admission::draining) {
    return refuse({Errc::proxy_draining, Side::local, 0,
                   "shutting down, no new connection to " + shown_target(target.authority)});
  }
  if (admission_ == Admission::full) {
    return refuse({Errc::connection_limit_reached, Side::local, 0,
                   fmt::format("all {} connections are in use, none left for {} - see "
                               "--max-connections",
                               context_.config.max_connections, shown_target(target.authority))});
  }
  if (auto admitted = context_.access.admit(client_ip_); !admitted) {
    return refuse(std::move(admitted).error());
  }
  if (passed_through(request, context_.pseudonym)) {
    return refuse({Errc::proxy_loop_detected, Side::client, 0,
                   "this request has been here before - an upstream leads back to this proxy"});
  }
  if (!connect) return begin_exchange();
  const Route& route = context_.router.route(target.authority);
  if (route.denied()) return refuse(denied_by(route, target.authority));
  // What follows the head belongs to the tunnel.
  client_->unread(opening_->head.substr(opening_->head_end));
  dial(route, target.authority);
}

AddressGuard::Client Session::client_place() const {
  return !client_ip_ || client_ip_->is_loopback() ? AddressGuard::Client::here
                                                  : AddressGuard::Client::elsewhere;
}

void Session::dial(const Route& route, const HostPort& target) {
  stage_ = Stage::dial;
  // A reset that came in with the request: nobody waits for an answer, and no event will tell
  // again.
  if (client_->broken()) return finish(name_of(Errc::canceled), Side::client, {});
  opening_->dial_begun = context_.loop.now();
  opening_->dial = context_.dial(route, target, ProxyDial::Purpose::tunnel, client_place(),
                                 DialDone::to<&Session::on_dialed>(this));
  opening_->dial->start();
}

void Session::on_dialed(DialResult result) {
  upstream_ = &opening_->dial->current();
  connect_ms_ = static_cast<std::int32_t>(
      std::chrono::round<milliseconds>(context_.loop.now() - opening_->dial_begun).count());
  std::string failures = opening_->dial->failures();
  if (!result) {
    if (opening_->dial->several_failed()) {
      context_.log.write(Log::Level::warning, fmt::format("session {}: {}", id_, failures));
    }
    return refuse(std::move(result).error());
  }
  if (!failures.empty()) failures_ = std::make_unique<std::string>(std::move(failures));
  upstream_stream_ = std::move(*result);
  stage_ = Stage::established;
  status_ = 200;
  opening_->deadline.start(kEstablishedTimeout);
  write_established();
}

void Session::write_established() {
  while (opening_->written < kConnectEstablished.size()) {
    const Io io = client_->try_write(kConnectEstablished.substr(opening_->written));
    if (io.status == Io::Status::would_block) return;
    if (io.status != Io::Status::ok) {
      return finish(name_of(Errc::canceled), Side::client,
                    "gone before the answer: " + std::generic_category().message(io.error));
    }
    opening_->written += io.bytes;
  }
  begin_tunnel();
}

void Session::begin_tunnel() {
  stage_ = Stage::tunnel;
  opening_.reset();
  plain_.reset();
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
      if (!was_false_success()) return finish("ok", end.closed_by, {});
      upstream_->closed_after_success(context_.loop.now(), context_.log);
      return finish("ok", end.closed_by,
                    "the upstream closed before its first byte: did it say yes too early?");
    case RelayEnd::Cause::reset:
      return finish(name_of(Errc::connection_terminated), end.closed_by,
                    end.sys != 0 ? describe_failure(end.sys) : "reset");
    case RelayEnd::Cause::idle:
      return finish("idle_timeout", Side::local, "nothing moved, see --idle-timeout");
    case RelayEnd::Cause::half_open:
      return finish("half_open_timeout", Side::local,
                    "one side had finished and nothing moved, see --half-open-timeout");
  }
}

/// Some proxies grant what they have not tried yet; then the failure looks like this.
bool Session::was_false_success() const {
  return relay_->end().closed_by == Side::upstream && relay_->bytes_down() == 0 &&
         relay_->bytes_up() > 0 && upstream_->config.kind != UpstreamConfig::Kind::direct;
}

void Session::begin_exchange() {
  if (!plain_) {
    plain_ = std::make_unique<Plain>(context_, *client_, client_text(),
                                     Callback<void()>::to<&Session::on_exchange_done>(this));
  }
  PlainRequest& request = plain_->request;
  std::swap(request.head, opening_->request);
  std::swap(request.target, opening_->target);
  request.client = client_place();
  if (auto fine = request.interpret(); !fine) {
    return refuse(std::move(fine).error());
  }
  if (request.is_for_us()) return answer_ourselves();
  const Route& route = context_.router.route(request.target.authority);
  if (route.denied()) return refuse(denied_by(route, request.target.authority));
  stage_ = Stage::exchange;
  plain_->exchange.begin(request, route,
                         std::string_view(opening_->head).substr(opening_->head_end));
}

void Session::answer_ourselves() {
  plain_->exchange.clear();
  status_ = 200;
  stage_ = Stage::exchange;
  close_with(plain_->request.own_answer());
}

/// What the access line says of it.
void Session::take_over_exchange() {
  Exchange& exchange = plain_->exchange;
  upstream_ = exchange.upstream();
  connect_ms_ = exchange.connect_ms();
  failures_ = exchange.take_failures();
  status_ = static_cast<std::int16_t>(exchange.status());
}

void Session::on_exchange_done() {
  const Exchange& exchange = plain_->exchange;
  const Exchange::End& end = exchange.end();
  take_over_exchange();
  switch (end.kind) {
    case Exchange::End::Kind::next:
      if (context_.log.access_enabled()) log_access(stage_, "ok", end.closed_by, {});
      return next_request();
    case Exchange::End::Kind::close:
      return close_with({});
    case Exchange::End::Kind::abort:
      if (end.reset) client_->reset_on_close();
      return finish(name_of(end.error->code), end.closed_by, end.error->text);
    case Exchange::End::Kind::refused:
      return refuse(*end.error);
    case Exchange::End::Kind::upgraded:
      upstream_stream_ = plain_->exchange.take_upstream();
      return begin_tunnel();
  }
}

void Session::next_request() {
  stage_ = Stage::head;
  clear_keeping(opening_->head, kKeptRoom);
  opening_->scanner.reset();
  method_.clear();
  target_.clear();
  upstream_ = nullptr;
  failures_.reset();
  connect_ms_ = -1;
  status_ = 0;
  if (admission_ == Admission::draining) return finish({}, Side::local, {});
  opening_->deadline.start(context_.config.keep_alive_timeout);
  read_head();
}

void Session::refuse(Error error) {
  status_ = static_cast<std::int16_t>(meaning_of(error.code).status);
  opening_->dial.reset();
  // Whatever else is wrong with the request: if it was HEAD, no body is read (RFC 9110 section
  // 9.3.2).
  std::string answer = error_answer(error, is_head_request());
  opening_->failure = std::move(error);
  close_with(std::move(answer));
}

/// `answer` is what is left to be said.
void Session::close_with(std::string answer) {
  opening_->deadline.stop();
  opening_->answered_in = stage_;
  stage_ = Stage::answer;
  opening_->answer.emplace(context_.loop, *client_, context_.flow.buffer, std::move(answer),
                           plain_ ? kMostForgottenOfBody : kMostForgotten,
                           LastAnswer::Done::to<&Session::on_answered>(this));
  opening_->answer->on_ready();
}

void Session::on_answered(Result<void> taken) {
  if (!taken) return finish(name_of(Errc::canceled), Side::client, taken.error().text);
  const auto& failure = opening_->failure;
  if (!failure) {
    return finish("ok", Side::local, plain_ ? plain_->exchange.end().note : std::string_view());
  }
  finish(name_of(failure->code), failure->side, failure->text);
}

void Session::on_deadline() {
  if (stage_ == Stage::established) {
    return finish(name_of(Errc::canceled), Side::client, "took no answer");
  }
  if (!opening_->scanner.begun() && (plain_ || admission_ == Admission::draining)) {
    return finish({}, Side::local, {});
  }
  refuse({Errc::http_request_timeout, Side::client, 0,
          fmt::format("no complete request within {}",
                      format_seconds(context_.config.header_timeout))});
}

/// An empty `outcome` is not worth a line: nothing was going on.
void Session::finish(std::string_view outcome, Side closed_by, std::string_view detail) {
  if (context_.log.access_enabled() && !outcome.empty()) {
    log_access(stage_ == Stage::answer ? opening_->answered_in : stage_, outcome, closed_by,
               detail);
  }
  stage_ = Stage::over;
  opening_.reset();
  // An exchange in the middle of its work still needs the client's stream to let go of it.
  client_->set_events(nullptr);
  plain_.reset();
  relay_.reset();  // its timer may be due in this very turn
  client_.reset();
  upstream_stream_.reset();
  finished_(*this);
}

std::string Session::client_text() const {
  if (!client_ip_) return "unix";
  return HostPort{client_ip_->to_string(), client_port_, client_ip_}.to_string();
}

void Session::log_access(Stage stage, std::string_view outcome, Side closed_by,
                         std::string_view detail) {
  static constexpr std::array<std::string_view, 8> kStages = {
      "head", "route", "dial", "established", "tunnel", "exchange", "answer", "over"};
  const auto or_dash = [](std::string_view text) { return text.empty() ? "-" : text; };
  const std::string client = plain_ ? std::string() : client_text();
  Log::Access line;
  line.id = id_;
  line.client = plain_ ? plain_->client : client;
  line.method = or_dash(method_);
  line.target = or_dash(target_);
  line.upstream = upstream_ != nullptr ? std::string_view(upstream_->config.label) : "-";
  line.outcome = outcome;
  line.stage = kStages[static_cast<std::size_t>(stage)];
  line.status = status_;
  if (relay_) {
    line.bytes_up = relay_->bytes_up();
    line.bytes_down = relay_->bytes_down();
  } else if (plain_ && stage >= Stage::exchange) {
    line.bytes_up = plain_->exchange.bytes_up();
    line.bytes_down = plain_->exchange.bytes_down();
    line.first_byte_ms = plain_->exchange.first_byte_ms();
  }
  line.connect_ms = connect_ms_;
  line.total_ms = std::chrono::round<milliseconds>(context_.loop.now() - started_).count();
  line.closed_by = closed_by == Side::local ? "culvert" : to_string(closed_by);
  std::string with_failures;
  if (failures_) {
    with_failures = detail.empty() ? *failures_ : fmt::format("{}; {}", detail, *failures_);
    detail = with_failures;
  }
  line.detail = detail;
  context_.log.access(line);
}

}  // namespace culvert
