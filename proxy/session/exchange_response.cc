// The half of an exchange that comes back: from the response's first byte to the client's last.
#include <utility>

#include "base/redact.h"
#include "codec/challenge.h"
#include "codec/forward_head.h"
#include "codec/protocol_guess.h"
#include "codec/upgrade.h"
#include "session/exchange.h"
#include "session/http_date.h"

namespace culvert {
namespace {

// Room in front of what is read from the upstream, for a head that grows by Via, Date and the like.
constexpr std::size_t kHeadRoom = 1024;
// More responses that are none are no service to anybody.
constexpr unsigned kMostInterim = 100;

}  // namespace

/// Up to the final head.  An interim response that the client does not take keeps back what follows
/// it.
bool Exchange::read_response() {
  const std::span<char> buffer = context_.flow.buffer.subspan(kHeadRoom);
  while (!head_done_ && interim_.empty()) {
    const Io io = connection_.stream->try_read(buffer);
    if (io.status == Io::Status::would_block) return true;
    if (io.status != Io::Status::ok) return response_missing(io.error);
    response_begun_ = true;
    if (!take_response(buffer.first(io.bytes))) return false;
  }
  return true;
}

/// Bytes that came where a head is expected.
bool Exchange::take_response(std::span<char> bytes) {
  const std::string_view text(bytes.data(), bytes.size());
  const std::size_t before = response_bytes_.size();
  if (before > 0) response_bytes_ += text;
  const std::string_view all = before > 0 ? std::string_view(response_bytes_) : text;
  // A connection that served before speaks HTTP, and so does one that sent an interim response.
  if (!reused_ && interim_count_ == 0) {
    if (std::string fault = why_not_http(all); !fault.empty()) return not_http(std::move(fault));
  }
  const auto end = scanner_.scan(all);
  if (!end) return refuse_response(end.error());
  if (!*end) {
    if (before == 0) response_bytes_ = text;
    return true;
  }
  const auto parsed = parse_response_head(all.substr(0, **end), HeadLimits{}, response_);
  if (!parsed) return refuse_response(parsed.error());
  if (connection_.to_proxy) {
    response_.reason = redact_echo(response_.reason, connection_.upstream->config.credentials);
  }
  const auto options = connection_options(response_);
  if (!options) return refuse_response(options.error());
  const std::span<char> rest = bytes.subspan(**end - before);
  const bool go_on = response_.status < 200 ? take_interim(*options, {rest.data(), rest.size()})
                                            : take_final(*options, rest);
  if (!go_on) return false;
  scanner_.reset();
  response_bytes_.clear();
  return true;
}

bool Exchange::take_interim(const ConnectionOptions& options, std::string_view rest) {
  if (++interim_count_ > kMostInterim) {
    return refuse_response(
        {Errc::http_protocol_error, Side::upstream, 0, "there are too many interim responses"});
  }
  timer_.progress();  // RFC 9110 section 15.2: it works on it
  upgrading_ = response_.status == 101;
  if (upgrading_ && !(request_->upgrade && request_done_)) {
    return refuse_response({Errc::http_protocol_error, Side::upstream, 0,
                            request_->upgrade
                                ? "it switches protocols within the request"
                                : "it switches protocols though nobody asked for it"});
  }
  if (upgrading_ && !switches_as_offered(response_, request_->head)) {
    return refuse_response({Errc::http_protocol_error, Side::upstream, 0,
                            "it switches to a protocol that was not offered"});
  }
  ResponseForward forward;
  forward.pseudonym = context_.pseudonym;
  // RFC 9110 section 15.2: HTTP/1.0 clients do not know interim responses.
  if (request_->head.minor >= 1)
    append_response_head(response_, options, forward, interim_.bytes());
  connection_.stream->unread(std::string(rest));
  return flush_interim();
}

bool Exchange::take_final(const ConnectionOptions& options, std::span<char> rest) {
  if (response_.status == 407 && connection_.to_proxy) {
    // RFC 9110 section 11.7.1: between us and the next proxy; the client's credentials are others.
    finish(End::Kind::refused, Side::upstream,
           Error{Errc::upstream_auth_failed, Side::upstream, 0,
                 where() + " answered 407 - " +
                     advice_for_407(response_, connection_.upstream->config.credentials)});
    return false;
  }
  if (response_.status == 407) {
    // Its challenge cannot be passed on, and without one the client would take it for ours.
    return refuse_response(
        {Errc::http_protocol_error, Side::upstream, 0, "it is 407, which only a proxy may answer"});
  }
  const auto framing = response_framing(response_, request_->head.method);
  if (!framing) return refuse_response(framing.error());
  head_done_ = true;
  status_ = response_.status;
  first_byte_ms_ = ms_since_begin();
  upstream_lives_on_ = framing->reusable && persists(response_, options) && !request_given_up_;

  ResponseForward forward;
  forward.pseudonym = context_.pseudonym;
  forward.framing = framing_for_client(*framing, request_->head.minor);
  // A request that is not through yet can only be told from the next one by reading it all; the
  // client is told that we will not.
  client_lives_on_ = request_done_ && !request_given_up_ && !context_.draining &&
                     forward.framing.reusable && persists(request_->head, request_->options);
  forward.keep_alive = client_lives_on_;
  forward.to_head = request_->head.method == "HEAD";
  if (response_.find("Date") == nullptr) forward.date = http_date();
  down_.start(*connection_.stream, client_, *framing, forward.framing);
  append_response_head(response_, options, forward, down_.output());

  auto used = down_.feed_in_place(
      rest, static_cast<std::size_t>(rest.data() - context_.flow.buffer.data()));
  if (!used) return refuse_response(std::move(used).error());
  // Bytes behind the answer belong to nothing that was asked for.
  if (*used < rest.size()) upstream_lives_on_ = false;
  return true;
}

/// Interim heads leave at once; behind 101 the streams become a tunnel.
bool Exchange::flush_interim() {
  const Io io = interim_.write_to(client_);
  if (io.status == Io::Status::would_block) return true;
  if (io.status != Io::Status::ok) {
    client_gone(io.error, "gone before the answer");
    return false;
  }
  if (!upgrading_) return true;
  status_ = 101;
  first_byte_ms_ = ms_since_begin();
  finish(End::Kind::upgraded, Side::client);
  return false;
}

bool Exchange::pump_response() {
  using Kind = MessageFlow::Outcome::Kind;
  auto outcome = down_.pump(context_.flow);
  switch (outcome.kind) {
    case Kind::waiting:
      return true;
    case Kind::ended:
      if (!begin_late_request()) finish_answered();
      return false;
    case Kind::incomplete:
      finish(End::Kind::abort, Side::upstream,
             Error{Errc::http_response_incomplete, Side::upstream, outcome.sys,
                   where() + (outcome.sys == 0 && down_.ends_with_sender()
                                  ? " closed without the alert that ends TLS (close_notify), so "
                                    "its answer may be cut short"
                                  : " closed within the body of its answer")});
      return false;
    case Kind::malformed:
      outcome.error->text = where() + " sent a bad answer: " + outcome.error->text;
      finish(End::Kind::abort, Side::upstream, std::move(outcome.error));
      return false;
    case Kind::write_failed:
      client_gone(outcome.sys, "gone before the end of the answer");
      return false;
  }
  return true;
}

}  // namespace culvert
