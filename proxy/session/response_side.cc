#include "session/response_side.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/redact.h"
#include "base/text.h"
#include "codec/challenge.h"
#include "codec/forward_head.h"
#include "codec/protocol_guess.h"
#include "codec/shown_head.h"
#include "codec/upgrade.h"
#include "session/http_date.h"
#include "session/pacer.h"

namespace culvert {
namespace {

// Space in front of what is read from the upstream, for a head that grows by Via, Date and the
// like.
constexpr std::size_t kHeadRoom = 1024;
// What interim responses may have on and on, beside kMostInterimBytes: a heartbeat that lasts for
// hours is no flood.
constexpr std::size_t kInterimBytesPerSecond = 4096;

}  // namespace

void ResponseSide::begin() {
  state_ = State::waiting;
  interim_count_ = 0;
  interim_bytes_ = 0;
  has_continue_ = false;
  scanner_.reset();
  begun_head_.clear();
}

/// An interim response that the client does not read holds back what follows it.
ResponseSide::Outcome ResponseSide::advance() {
  const std::span<char> buffer = context_.flow.buffer.subspan(kHeadRoom);
  for (;;) {
    if (!interim_.empty()) {
      auto outcome = flush_interim();
      if (outcome.kind != Outcome::Kind::waiting || !interim_.empty()) return outcome;
    }
    if (has_final_head()) return pump_body();
    const Io io = read_head(buffer);
    if (io.status == Io::Status::would_block) return {};
    if (io.status != Io::Status::ok) return {Outcome::Kind::no_head, io.error, {}};
    if (state_ == State::waiting) state_ = State::head;
    auto outcome = take(buffer.first(io.bytes));
    if (outcome.kind != Outcome::Kind::waiting) return outcome;
  }
}

/// A small response comes with its head, so that has to wait for its turn, too.
Io ResponseSide::read_head(std::span<char> buffer) {
  Pacer* const pacer = flow_.pacer();
  if (pacer == nullptr) return connection_.stream->try_read(buffer);
  const std::size_t most = std::min(pacer->ask(), buffer.size());
  if (most == 0) return Io::would_block();
  const Io io = connection_.stream->try_read(buffer.first(most));
  pacer->took(io.bytes);
  if (io.status == Io::Status::would_block) pacer->rest();
  return io;
}

/// Interim heads are written at once; after 101 the streams become a tunnel.
ResponseSide::Outcome ResponseSide::flush_interim() {
  const Io io = interim_.write_to(client_);
  if (io.status == Io::Status::would_block) return {};
  if (io.status != Io::Status::ok) return {Outcome::Kind::write_failed, io.error, {}};
  if (state_ != State::switching) return {};
  status_ = 101;
  return {Outcome::Kind::switched, 0, {}};
}

/// Received bytes where a head is expected.
ResponseSide::Outcome ResponseSide::take(std::span<char> bytes) {
  const std::string_view text(bytes.data(), bytes.size());
  const std::size_t before = begun_head_.size();
  if (before > 0) begun_head_ += text;
  const std::string_view all = before > 0 ? std::string_view(begun_head_) : text;
  // A reused connection speaks HTTP, and so does one that sent an interim response.  An empty line
  // is a mistake that the scanner names.
  const bool begins_with_line_end = all.starts_with('\r') || all.starts_with('\n');
  if (!connection_.reused && interim_count_ == 0 && !begins_with_line_end) {
    if (const std::string fault = why_not_http(all); !fault.empty()) {
      return fail(connection_.to_proxy ? Errc::upstream_protocol_error : Errc::http_protocol_error,
                  0, " " + fault);
    }
  }
  const auto end = scanner_.scan(all);
  if (!end) return bad_answer(end.error());
  if (!*end) {
    if (before == 0) begun_head_ = text;
    return {};
  }
  const auto parsed = parse_response_head(all.substr(0, **end), HeadLimits{}, head_);
  if (!parsed) return bad_answer(parsed.error());
  if (connection_.to_proxy) {
    head_.reason = redact_echo(head_.reason, connection_.upstream->config.credentials);
  }
  if (request_.request().check.trace != nullptr) tell_head();
  const auto options = connection_options(head_);
  if (!options) return bad_answer(options.error());
  const std::span<char> rest = bytes.subspan(**end - before);
  if (head_.status < 200 && interim_floods(**end)) {
    return bad_answer("there are too many interim responses");
  }
  auto outcome = head_.status < 200 ? take_interim(*options, {rest.data(), rest.size()})
                                    : take_final(*options, rest);
  if (outcome.kind != Outcome::Kind::waiting) return outcome;
  scanner_.reset();
  begun_head_.clear();
  return outcome;
}

void ResponseSide::tell_head() const {
  const UpstreamConfig& upstream = connection_.upstream->config;
  request_.request().check.trace->step(
      concat({connection_.to_proxy ? upstream.name : "the target", " answered:\n",
              shown_head(head_, upstream.credentials)}));
}

/// Counts the bytes of an interim response, of which time takes some back.  Silence between them is
/// limited by the exchange, as any wait for the response is.
bool ResponseSide::interim_floods(std::size_t bytes) {
  using std::chrono::milliseconds;
  const auto now = context_.loop.now();
  const auto passed = std::chrono::duration_cast<milliseconds>(now - last_interim_).count();
  const auto taken_back = static_cast<std::size_t>(passed) * kInterimBytesPerSecond / 1'000;
  interim_bytes_ -= std::min(interim_bytes_, taken_back);
  interim_bytes_ += bytes;
  last_interim_ = now;
  ++interim_count_;
  return interim_bytes_ > kMostInterimBytes;
}

ResponseSide::Outcome ResponseSide::take_interim(const ConnectionOptions& options,
                                                 std::string_view rest) {
  if (head_.status == 100) has_continue_ = true;
  if (head_.status == 101) {
    if (const char* fault = fault_of_switch()) return bad_answer(fault);
    state_ = State::switching;
  }
  ResponseForward forward;
  forward.pseudonym = context_.pseudonym;
  // RFC 9110 section 15.2: HTTP/1.0 clients do not know interim responses.
  if (request_.request().head.minor >= 1) {
    append_response_head(head_, options, forward, interim_.bytes());
  }
  connection_.stream->unread(std::string(rest));
  return {};
}

/// RFC 9110 section 7.8; nullptr if the 101 is what the client requested.
const char* ResponseSide::fault_of_switch() const {
  const PlainRequest& request = request_.request();
  if (!request.upgrade) return "it switches protocols though nobody asked for it";
  if (!request_.over()) return "it switches protocols within the request";
  if (!switches_as_offered(head_, request.head)) {
    return "it switches to a protocol that was not offered";
  }
  return nullptr;
}

ResponseSide::Outcome ResponseSide::take_final(const ConnectionOptions& options,
                                               std::span<char> rest) {
  if (head_.status == 407 && connection_.to_proxy) {
    // RFC 9110 section 11.7.1: authentication between us and the next proxy; the client's
    // credentials are different ones.
    return fail(
        Errc::upstream_auth_failed, 0,
        " answered 407 - " + advice_for_407(head_, connection_.upstream->config.credentials));
  }
  // Its challenge cannot be forwarded, and a 407 without one would look like ours.
  if (head_.status == 407) return bad_answer("it is 407, which only a proxy may answer");
  const RequestHead& request = request_.request().head;
  const auto framing = response_framing(head_, request.method);
  if (!framing) return bad_answer(framing.error());
  status_ = head_.status;
  upstream_persists_ = framing->reusable && persists(head_, options);

  ResponseForward forward;
  forward.pseudonym = context_.pseudonym;
  forward.framing = framing_for_client(*framing, request.minor);
  // The end of a request that is not sent yet is known only by reading it all; `Connection: close`
  // tells the client that we will not.
  client_persists_ = request_.sent() && !context_.draining && forward.framing.reusable &&
                     persists(request, request_.request().options);
  forward.keep_alive = client_persists_;
  forward.to_head = request.method == "HEAD";
  if (head_.find("Date") == nullptr) forward.date = http_date();
  flow_.start(*connection_.stream, client_, *framing, forward.framing);
  append_response_head(head_, options, forward, flow_.output());

  auto used = flow_.feed_in_place(
      rest, static_cast<std::size_t>(rest.data() - context_.flow.buffer.data()));
  if (!used) return bad_answer(std::move(used).error());
  // Bytes after the response belong to no request.
  if (*used < rest.size()) upstream_persists_ = false;
  state_ = State::body;
  return {};
}

ResponseSide::Outcome ResponseSide::pump_body() {
  using Kind = MessageFlow::Outcome::Kind;
  auto outcome = flow_.pump(context_.flow);
  switch (outcome.kind) {
    case Kind::waiting:
      return {};
    case Kind::ended:
      state_ = State::complete;
      return {Outcome::Kind::complete, 0, {}};
    case Kind::incomplete:
      return fail(Errc::http_response_incomplete, outcome.sys,
                  outcome.sys == 0 && flow_.ends_with_sender()
                      ? " closed without the alert that ends TLS (close_notify), so its answer may "
                        "be cut short"
                      : " closed within the body of its answer");
    case Kind::malformed:
      return bad_answer(*std::move(outcome.error));
    case Kind::write_failed:
      return {Outcome::Kind::write_failed, outcome.sys, {}};
  }
  return {};
}

ResponseSide::Outcome ResponseSide::bad_answer(Error error) const {
  error.text = connection_.name_for(request_.request().target.authority) +
               " sent a bad answer: " + error.text;
  return {Outcome::Kind::failed, 0, std::move(error)};
}

ResponseSide::Outcome ResponseSide::bad_answer(const char* fault) const {
  return bad_answer(Error{Errc::http_protocol_error, Side::upstream, 0, fault});
}

ResponseSide::Outcome ResponseSide::fail(Errc code, int sys, std::string_view fault) const {
  std::string text = connection_.name_for(request_.request().target.authority);
  text += fault;
  return {Outcome::Kind::failed, 0, Error{code, Side::upstream, sys, std::move(text)}};
}

void ResponseSide::release(const FlowResources& resources) {
  flow_.release(resources);
  interim_.clear();
}

void ResponseSide::clear(const FlowResources& resources) {
  flow_.clear(resources);
  status_ = 0;
  state_ = State::waiting;
}

}  // namespace culvert
