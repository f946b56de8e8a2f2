#include "dial/port_check.h"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "base/text.h"
#include "codec/clause.h"
#include "codec/socks.h"
#include "dial/proxy_dial.h"
#include "dial/upstream.h"
#include "dial/upstream_protocol.h"

namespace culvert {

using std::chrono::milliseconds;

namespace {

/// A proxy answers within its round trip and this, or as late as the first connection ended.
constexpr milliseconds kLeastPatience{200};
constexpr milliseconds kMostPatience{2'000};

DialFailure closed_unanswered() {
  return {.cause = upstream_fault(Errc::connection_terminated,
                                  "closed the connection without an answer"),
          .phase = DialPhase::request,
          .closed = true};
}

}  // namespace

bool PortCheck::is_for(const UpstreamConfig& upstream) {
  const UpstreamProtocol protocol = protocol_of(upstream);
  return protocol.takes_absolute_form && !protocol.uses_tls && !upstream.via_index;
}

PortCheck::PortCheck(const UpstreamRequest& request, Done done)
    : request_(request),
      done_(done),
      dial_(request, Done::to<&PortCheck::on_done>(this)),
      first_end_(closed_unanswered()),
      asks_first_(request.purpose == DialPurpose::forward_again) {}

void PortCheck::start() {
  if (asks_first_) return ask_after(closed_unanswered(), kMostPatience);
  dial_.start();
}

void PortCheck::on_done(UpstreamResult&& result) {
  const bool ended = !result && result.error().kept_second &&
                     result.error().phase == DialPhase::request &&
                     (result.error().closed || is_reset(result.error().cause.sys));
  if (!ended || asks_first_) return done_(std::move(result));
  const auto lasted =
      std::chrono::ceil<milliseconds>(request_.loop.now() - dial_.times().connected);
  ask_after(std::move(result).error(), std::min(lasted + kLeastPatience, kMostPatience));
}

void PortCheck::ask_after(DialFailure first_end, milliseconds patience) {
  first_end_ = std::move(first_end);
  patience_ = patience;
  if (request_.check.trace != nullptr) {
    request_.check.trace->step(
        concat({request_.upstream.config.name,
                " ended the connection unanswered; asking what is behind its port"}));
  }
  ask(fmt::format("OPTIONS * HTTP/1.1\r\nHost: {}\r\nMax-Forwards: 0\r\nConnection: close\r\n\r\n",
                  request_.upstream.config.address.to_string()));
}

/// On a new connection.
void PortCheck::ask(std::string_view request) {
  question_ =
      std::make_unique<Question>(request_.loop, Callback<void()>::to<&PortCheck::on_timeout>(this));
  const HostPort& proxy = request_.upstream.config.address;
  question_->request = Output(proxy_header(request_.upstream.config) + std::string(request));
  question_->timer.start(std::min(patience_, request_.left()));
  question_->connection = request_.upstream.transport->dial(
      proxy, Side::upstream, AddressCheck{}, DialDone::to<&PortCheck::on_connected>(this));
  question_->connection->start();
}

void PortCheck::on_connected(DialResult result) {
  if (!result) {
    if (is_reset(result.error().sys)) return on_ended();
    DialFailure failure = connect_failure(request_.upstream.config, *question_->connection,
                                          std::move(result).error());
    if (!failure.missing) return on_there();
    question_.reset();
    return done_(std::move(failure));
  }
  question_->stream = std::move(*result);
  question_->stream->set_events(this);
  move();
}

void PortCheck::move() {
  if (!question_->request.empty()) {
    const Io io = question_->request.write_to(*question_->stream);
    if (io.status == Io::Status::error) return on_ended();
  }
  std::array<char, 64> answer;
  switch (question_->stream->try_read(answer).status) {
    case Io::Status::would_block:
      return;
    case Io::Status::ok:
      return on_there();
    case Io::Status::eof:
    case Io::Status::error:
      return on_ended();
  }
}

void PortCheck::on_ended() {
  question_.reset();
  if (!std::exchange(asked_in_socks_, true)) return ask(kSocksQuestion);
  done_(DialFailure{
      .cause = upstream_fault(Errc::connection_terminated,
                              "closes every connection without a byte - nothing may be behind its "
                              "port"),
      .phase = DialPhase::connect,
      .missing = Missing::program,
  });
}

/// Or at least it does not end the connection.
void PortCheck::on_there() {
  question_.reset();
  if (asks_first_) return dial_.start();
  done_(std::move(first_end_));
}

DialFailure PortCheck::timeout_failure() const {
  return question_ ? first_end_ : dial_.timeout_failure();
}

}  // namespace culvert
