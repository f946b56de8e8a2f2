#include "session/exchange.h"

#include <fmt/chrono.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <utility>

#include "base/text.h"
#include "codec/forward_head.h"
#include "codec/intermediary.h"

namespace culvert {

using std::chrono::milliseconds;

namespace {

/// Safe to send twice (RFC 9110 section 9.2.2).
bool is_idempotent(std::string_view method) {
  constexpr std::array<std::string_view, 6> kMethods = {"GET",     "HEAD", "PUT",
                                                        "DELETE", "OPTIONS", "TRACE"};
  for (const std::string_view known : kMethods) {
    if (method == known) return true;
  }
  return false;
}

/// Now, as RFC 9110 section 5.6.7 writes it.
std::string http_date() {
  return fmt::format("{:%a, %d %b %Y %H:%M:%S GMT}", fmt::gmtime(std::time(nullptr)));
}

}  // namespace

Exchange::Exchange(SessionContext& context, Stream& client, Callback<void()> done)
    : context_(context),
      client_(client),
      done_(done),
      up_(HeadScanner::Kind::request),
      down_(HeadScanner::Kind::response),
      scanner_(HeadScanner::Kind::response),
      timer_(context.loop, Callback<void()>::to<&Exchange::on_timer>(this)) {}

Exchange::~Exchange() {
  up_.release(context_.flow);
  down_.release(context_.flow);
}

void Exchange::begin(const PlainRequest& request, const Route& route, std::string_view rest) {
  request_ = &request;
  route_ = &route;
  begun_ = context_.loop.now();
  last_progress_ = begun_;
  end_ = {};
  status_ = 0;
  connect_ms_ = first_byte_ms_ = -1;
  request_done_ = request_given_up_ = response_begun_ = head_done_ = upgrading_ = false;
  body_begin_ = rest;
  if (reuse_connection(route)) return begin_request();
  dial();
}

/// The connection of the exchange before serves this one too, if it leads there and still lives.
bool Exchange::reuse_connection(const Route& route) {
  if (!upstream_) return false;
  bool fits = connected_to_.host.empty() || connected_to_ == request_->target.authority;
  if (request_->upgrade && through_proxy()) fits = false;  // a proxy's own connection stays HTTP
  bool on_route = false;
  for (const std::size_t index : route.upstreams) {
    on_route = on_route || context_.upstreams[index].get() == way_;
  }
  // Whatever a server says unasked, FIN or bytes, ends the connection's use.
  std::array<char, 1> unasked;
  reused_ = fits && on_route && upstream_->try_read(unasked).status == Io::Status::would_block;
  if (!reused_) drop_upstream();
  return reused_;
}

void Exchange::dial() {
  stage_ = Stage::dial;
  reused_ = false;
  dial_ = context_.dial(
      *route_, request_->target.authority,
      request_->upgrade ? UpstreamDial::Purpose::tunnel : UpstreamDial::Purpose::forward,
      DialDone::to<&Exchange::on_dialed>(this));
  dial_->start();
}

void Exchange::on_dialed(DialResult result) {
  way_ = &dial_->current();
  connect_ms_ = ms_since_begin();
  // The dial ends here; it may be in the middle of calling us, which it allows.
  dial_.reset();
  if (!result) {
    const Side side = result.error().side;
    return finish(End::Kind::refused, side, std::move(result).error());
  }
  upstream_ = std::move(*result);
  connected_to_ = through_proxy() ? HostPort{} : request_->target.authority;
  begin_request();
}

/// Requests go to the upstream proxy itself, in absolute-form.
bool Exchange::through_proxy() const {
  using Kind = UpstreamConfig::Kind;
  return (way_->config.kind == Kind::http || way_->config.kind == Kind::https) &&
         !request_->upgrade;
}

void Exchange::begin_request() {
  stage_ = Stage::active;
  upstream_->set_events(this);
  up_.start(client_, *upstream_, request_->framing, request_->framing);
  RequestForward forward;
  forward.absolute_form = through_proxy();
  if (forward.absolute_form) forward.proxy_authorization = way_->authorization.reveal();
  forward.pseudonym = context_.pseudonym;
  forward.upgrade = request_->upgrade;
  forward.framing = request_->framing;
  if (const auto hops = max_forwards(request_->head)) forward.max_forwards = *hops - 1;
  append_request_head(request_->head, request_->target, request_->options, forward, up_.output());
  const auto used = up_.feed(body_begin_);
  if (!used) {
    drop_upstream();
    return finish(End::Kind::refused, Side::client, used.error());
  }
  if (*used < body_begin_.size()) client_.unread(body_begin_.substr(*used));
  body_begin_.clear();
  scanner_.reset();
  response_bytes_.clear();
  arm_timer();
  advance();
}

void Exchange::on_ready(Stream&) {
  if (stage_ == Stage::active) return advance();
  // Between two exchanges: the server said something unasked, most likely goodbye.
  drop_upstream();
}

void Exchange::on_client_ready() {
  if (stage_ == Stage::active) return advance();
  if (stage_ == Stage::dial && client_.broken()) {
    dial_.reset();
    finish(End::Kind::abort, Side::client,
           Error{Errc::canceled, Side::client, 0, "gone before the answer"});
  }
}

/// Moves whatever can move.  A step is false when this call has nothing more to do, as the exchange
/// is over or begins anew.
void Exchange::advance() {
  const std::uint64_t before = bytes_up() + bytes_down();
  if (!request_done_ && !pump_request()) return;
  if (!flush_interim()) return;
  if (!head_done_ && !read_response()) return;
  if (head_done_ && !pump_response()) return;
  if (client_.broken()) {
    return finish(End::Kind::abort, Side::client,
                  Error{Errc::canceled, Side::client, 0, "gone before the end of the answer"});
  }
  if (bytes_up() + bytes_down() != before) last_progress_ = context_.loop.now();
}

bool Exchange::pump_request() {
  using Kind = MessageFlow::Outcome::Kind;
  auto outcome = up_.pump(context_.flow);
  switch (outcome.kind) {
    case Kind::waiting: return true;
    case Kind::ended:
      request_done_ = true;
      last_progress_ = context_.loop.now();
      return true;
    case Kind::write_failed:
      // The server may have said why before it stopped reading: its answer is still to come.
      request_done_ = request_given_up_ = true;
      return true;
    case Kind::incomplete:
      drop_upstream();
      finish(End::Kind::abort, Side::client,
             Error{Errc::canceled, Side::client, outcome.sys, "closed within the request's body"});
      return false;
    case Kind::malformed:
      drop_upstream();
      finish(head_done_ ? End::Kind::abort : End::Kind::refused, Side::client,
             std::move(outcome.error));
      return false;
  }
  return true;
}

bool Exchange::read_response() {
  while (!head_done_) {
    const Io io = upstream_->try_read(context_.flow.buffer);
    if (io.status == Io::Status::would_block) return true;
    if (io.status != Io::Status::ok) return response_missing(io.error);
    response_begun_ = true;
    std::string_view bytes(context_.flow.buffer.data(), io.bytes);
    if (!response_bytes_.empty()) {
      response_bytes_ += bytes;
      bytes = response_bytes_;
    }
    // Several heads may come at once: 100 and the final one.
    while (!head_done_ && !bytes.empty()) {
      const auto end = scanner_.scan(bytes);
      if (!end) return refuse_response(end.error());
      if (!*end) break;
      const std::string_view head = bytes.substr(scanner_.begin(), **end - scanner_.begin());
      bytes.remove_prefix(**end);
      scanner_.reset();
      const auto parsed = parse_response_head(head, HeadLimits{}, response_);
      if (!parsed) return refuse_response(parsed.error());
      if (!take_response_head(bytes)) return false;
    }
    if (head_done_) break;
    // `bytes` may be a view into what it replaces.
    std::string left(bytes);
    response_bytes_.swap(left);
  }
  return true;
}

/// A whole head of the response; `rest` came behind it.  False when the exchange is over.
bool Exchange::take_response_head(std::string_view rest) {
  auto options = connection_options(response_);
  if (!options) return refuse_response(options.error());
  ResponseForward forward;
  forward.pseudonym = context_.pseudonym;
  if (response_.status == 101) {
    if (!request_->upgrade) {
      return refuse_response({Errc::http_protocol_error, Side::upstream, 0,
                              "switched protocols although nobody asked for it"});
    }
    append_response_head(response_, *options, forward, interim_);
    return upgrade(rest);
  }
  if (response_.status < 200) {
    // RFC 9110 section 15.2: HTTP/1.0 clients do not know interim responses.
    if (request_->head.minor >= 1) {
      append_response_head(response_, *options, forward, interim_);
      return flush_interim();
    }
    return true;
  }
  const auto framing = response_framing(response_, request_->head.method);
  if (!framing) return refuse_response(framing.error());
  head_done_ = true;
  status_ = response_.status;
  first_byte_ms_ = ms_since_begin();
  last_progress_ = context_.loop.now();
  upstream_lives_on_ = framing->reusable && persists(response_, *options) && !request_given_up_;
  // A request that is not through yet can only be told from the next one by reading it all; the
  // client is told that we will not.
  client_lives_on_ = request_done_ && !request_given_up_ &&
                     persists(request_->head, request_->options) && !context_.draining;
  forward.framing = framing_for_client(*framing, request_->head.minor);
  if (!forward.framing.reusable) client_lives_on_ = false;
  forward.keep_alive = client_lives_on_;
  forward.to_head = request_->head.method == "HEAD";
  std::string date;
  if (response_.find("Date") == nullptr) date = http_date();
  forward.date = date;
  down_.start(*upstream_, client_, *framing, forward.framing);
  down_.output().swap(interim_);
  append_response_head(response_, *options, forward, down_.output());
  const auto used = down_.feed(rest);
  if (!used) {
    finish(End::Kind::abort, Side::upstream, used.error());
    return false;
  }
  // Bytes behind the answer belong to nothing that was asked for.
  if (*used < rest.size()) upstream_lives_on_ = false;
  return true;
}

/// The streams become a tunnel as soon as the client has its 101.
bool Exchange::upgrade(std::string_view rest) {
  if (!request_done_) {
    return refuse_response({Errc::http_protocol_error, Side::upstream, 0,
                            "switched protocols in the middle of the request"});
  }
  upstream_->unread(std::string(rest));
  status_ = response_.status;
  first_byte_ms_ = ms_since_begin();
  upgrading_ = true;
  return flush_interim();
}

bool Exchange::flush_interim() {
  // Behind the final head everything goes through its flow.
  while (!head_done_ && !interim_.empty()) {
    const Io io = client_.try_write(interim_);
    if (io.status == Io::Status::would_block) return true;
    if (io.status != Io::Status::ok) {
      finish(End::Kind::abort, Side::client,
             Error{Errc::canceled, Side::client, io.error, "gone before the answer"});
      return false;
    }
    interim_.erase(0, io.bytes);
  }
  if (!upgrading_) return true;
  finish(End::Kind::upgraded, Side::client);
  return false;
}

bool Exchange::pump_response() {
  using Kind = MessageFlow::Outcome::Kind;
  auto outcome = down_.pump(context_.flow);
  switch (outcome.kind) {
    case Kind::waiting: return true;
    case Kind::ended: finish_answered(); return false;
    case Kind::incomplete:
      finish(End::Kind::abort, Side::upstream,
             Error{Errc::http_response_incomplete, Side::upstream, outcome.sys,
                   where() + " closed within the body of its answer"});
      return false;
    case Kind::malformed:
      finish(End::Kind::abort, Side::upstream, std::move(outcome.error));
      return false;
    case Kind::write_failed:
      finish(End::Kind::abort, Side::client,
             Error{Errc::canceled, Side::client, outcome.sys, "gone before the end of the answer"});
      return false;
  }
  return true;
}

/// The upstream closed, or failed with `sys`, before a whole head had come.
bool Exchange::response_missing(int sys) {
  if (reused_ && !response_begun_ && request_->framing.kind == BodyFraming::Kind::none &&
      is_idempotent(request_->head.method)) {
    // The server closed the connection just as we used it again: no fault of this request.
    drop_upstream();
    request_done_ = false;
    timer_.stop();
    dial();
    return false;
  }
  finish(End::Kind::refused, Side::upstream,
         Error{response_begun_ ? Errc::http_response_incomplete : Errc::connection_terminated,
               Side::upstream, sys,
               where() + (response_begun_ ? " closed within the head of its answer"
                                          : " closed the connection without an answer")});
  return false;
}

bool Exchange::refuse_response(Error error) {
  error.text = where() + " sent a bad answer: " + error.text;
  finish(End::Kind::refused, Side::upstream, std::move(error));
  return false;
}

/// Whose answer it is, for errors.
std::string Exchange::where() const {
  const std::string target = shorten_middle(request_->target.authority.to_string(), 48);
  if (way_->config.kind == UpstreamConfig::Kind::direct) return "target " + target;
  if (through_proxy()) return "upstream " + way_->config.label + " (for " + target + ")";
  return "target " + target + " (through " + way_->config.label + ")";
}

void Exchange::arm_timer() {
  const milliseconds limit =
      head_done_ ? context_.config.idle_timeout : context_.config.response_timeout;
  if (limit.count() == 0) return timer_.stop();
  const auto due = last_progress_ + limit - context_.loop.now();
  timer_.start(std::max(std::chrono::ceil<milliseconds>(due), milliseconds(1)));
}

/// Progress only moves `last_progress_`; the timer looks at it when it fires and not before.
void Exchange::on_timer() {
  const milliseconds limit =
      head_done_ ? context_.config.idle_timeout : context_.config.response_timeout;
  if (limit.count() == 0 || context_.loop.now() - last_progress_ < limit) return arm_timer();
  Error error{Errc::http_response_timeout, Side::upstream, 0,
              where() + (head_done_ ? " stalled for " : " did not answer within ") +
                  seconds(limit)};
  finish(head_done_ ? End::Kind::abort : End::Kind::refused, Side::local, std::move(error));
}

void Exchange::finish_answered() {
  if (!request_done_ || !upstream_lives_on_) drop_upstream();
  finish(client_lives_on_ ? End::Kind::next : End::Kind::close,
         client_lives_on_ ? Side::client : Side::local);
}

void Exchange::finish(End::Kind kind, Side closed_by, std::optional<Error> error) {
  end_.kind = kind;
  end_.closed_by = closed_by;
  end_.reset = kind == End::Kind::abort && !down_.self_delimited();
  end_.error = std::move(error);
  stage_ = Stage::idle;
  timer_.stop();
  up_.release(context_.flow);
  down_.release(context_.flow);
  interim_.clear();
  if (kind != End::Kind::next && kind != End::Kind::upgraded) drop_upstream();
  done_();
}

void Exchange::drop_upstream() { upstream_.reset(); }

std::int32_t Exchange::ms_since_begin() const {
  return static_cast<std::int32_t>(
      std::chrono::round<milliseconds>(context_.loop.now() - begun_).count());
}

}  // namespace culvert
