#include "dial/second_look.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "base/text.h"
#include "codec/clause.h"
#include "codec/protocol_guess.h"
#include "dial/dial_text.h"
#include "dial/upstream.h"
#include "dial/upstream_protocol.h"

namespace culvert {
namespace {

using std::chrono::milliseconds;

/// A port with nothing behind it closes a new connection within its round trip, which is about as
/// long as connecting took, and this.
constexpr milliseconds kTimeToClose{100};

/// A proxy replies to a greeting at once, whatever the target: after so long it is asked in other
/// protocols.
constexpr milliseconds kSilence{1'000};

/// The failure of a proxy that speaks `protocol` instead.
DialFailure other_protocol_failure(const UpstreamConfig& upstream, std::string_view protocol) {
  return {
      .cause = upstream_fault(Errc::upstream_protocol_error,
                              other_protocol_clause(spoken_protocol(upstream), protocol)),
      .phase = DialPhase::greeting,
  };
}

std::unique_ptr<ProtocolLook> look_for(const UpstreamRequest& request, ProtocolLook::Done done) {
  const Upstream& upstream = request.upstream;
  return std::make_unique<ProtocolLook>(request.loop, *upstream.transport, upstream.config, done);
}

}  // namespace

SecondLook::SecondLook(const UpstreamRequest& request, Done done)
    : dial_(request, Done::to<&SecondLook::on_done>(this)), done_(done) {}

UpstreamMemory& SecondLook::memory() const { return *dial_.request().upstream.memory; }

void SecondLook::start() {
  const UpstreamRequest& request = dial_.request();
  if (memory().doubts_protocol() && protocol_of(request.upstream.config).has_greeting) {
    silence_ = std::make_unique<Silence>(request.loop,
                                         Callback<void()>::to<&SecondLook::on_silence>(this));
    silence_->timer.start(std::min(kSilence, request.left() / 2));
  }
  dial_.start();
}

void SecondLook::on_silence() {
  const UpstreamRequest& request = dial_.request();
  if (replied() != Replied::nothing) return silence_.reset();
  if (times().connected == DialTimes::Time{}) return silence_->timer.start(kSilence);
  if (!memory().begin_look(request.loop.now())) {
    return on_silence_explained(memory().other_protocol());
  }
  silence_->look =
      look_for(request, ProtocolLook::Done::to<&SecondLook::on_silence_explained>(this));
  silence_->look->start(request.left());
}

void SecondLook::on_silence_explained(std::string_view protocol) {
  silence_.reset();
  memory().found(protocol);
  if (protocol.empty()) return;
  dial_.fail(other_protocol_failure(dial_.request().upstream.config, protocol));
}

void SecondLook::on_done(UpstreamResult&& result) {
  silence_.reset();
  const bool ended = !result && (result.error().closed || is_reset(result.error().cause.sys));
  if (!ended || replied() != Replied::nothing) return report(std::move(result));
  DialFailure& failure = result.error();
  if (is_about_nothing_sent(failure)) {
    failure.missing = Missing::program;
    return report(std::move(result));
  }
  reconnect(std::move(failure));
}

/// A greeting names no target, and a proxy of another kind mostly says so; but ssh -D closes the
/// connection if a password is offered.
bool SecondLook::is_about_nothing_sent(const DialFailure& failure) const {
  return failure.phase == DialPhase::greeting && failure.closed &&
         !dial_.request().upstream.config.credentials;
}

void SecondLook::reconnect(DialFailure first_end) {
  const UpstreamRequest& request = dial_.request();
  if (request.check.trace != nullptr) {
    request.check.trace->step(
        concat({request.upstream.config.name,
                " ended the connection unanswered; connecting again to see what it does unasked"}));
  }
  look_ = std::make_unique<Look>(
      std::move(first_end), request.loop, Callback<void()>::to<&SecondLook::on_timeout>(this),
      request.upstream.transport->dial(request.upstream.config.address, Side::upstream,
                                       AddressCheck{},
                                       DialDone::to<&SecondLook::on_reconnected>(this)));
  look_->timer.start(std::min(request.connect_limit, request.left()));
  look_->reconnection->start();
}

void SecondLook::on_reconnected(DialResult result) {
  const UpstreamRequest& request = dial_.request();
  if (!result) {
    if (is_reset(result.error().sys)) return finish_without_program();
    DialFailure failure =
        connect_failure(request.upstream.config, *look_->reconnection, std::move(result).error());
    return finish(failure.missing ? std::move(failure) : std::move(look_->first_end));
  }
  look_->stream = std::move(*result);
  look_->stream->set_events(this);
  const auto round_trip = std::chrono::ceil<milliseconds>(request.loop.now() - look_->begun);
  look_->timer.start(std::min(round_trip + kTimeToClose, request.left()));
  watch();
}

/// Nothing was sent on the new connection, so its end is not about a target or a protocol.
void SecondLook::watch() {
  std::array<char, 64> greeting;
  const Io io = look_->stream->try_read(greeting);
  switch (io.status) {
    case Io::Status::would_block:
      return;
    case Io::Status::ok:  // the proxy, or whatever it is, speaks first
      return on_timeout();
    case Io::Status::eof:
    case Io::Status::error:
      return finish_without_program();
  }
}

void SecondLook::finish_without_program() {
  DialFailure failure = std::move(look_->first_end);
  const int sys = failure.cause.sys;
  const std::string verb = failure.phase == DialPhase::connect ? "reset" : "closed";
  failure.cause =
      upstream_fault(Errc::connection_terminated,
                     verb + " the connection at once - is the program behind its port up?");
  if (sys != 0) failure.cause = with_system_error(std::move(failure.cause), sys);
  failure.phase = DialPhase::connect;
  failure.missing = Missing::program;
  finish(std::move(failure));
}

void SecondLook::on_timeout() {
  look_->first_end.kept_second = look_->stream != nullptr;
  if (look_->stream && may_speak_another_protocol()) return look_at_protocol();
  finish(std::move(look_->first_end));
}

/// To a greeting no other proxy replies by closing.
bool SecondLook::may_speak_another_protocol() const {
  return memory().doubts_protocol() && !protocol_of(dial_.request().upstream.config).has_greeting;
}

void SecondLook::look_at_protocol() {
  const UpstreamRequest& request = dial_.request();
  look_->timer.stop();
  if (!memory().begin_look(request.loop.now())) return on_protocol(memory().other_protocol());
  look_->protocol = look_for(request, ProtocolLook::Done::to<&SecondLook::on_protocol>(this));
  look_->protocol->start(request.left(), std::move(look_->stream));
}

void SecondLook::on_protocol(std::string_view protocol) {
  memory().found(protocol);
  if (protocol.empty()) return finish(std::move(look_->first_end));
  finish(other_protocol_failure(dial_.request().upstream.config, protocol));
}

DialFailure SecondLook::timeout_failure() const {
  if (look_ && !look_->stream && !look_->protocol) {
    return connect_timeout_failure(dial_.request().upstream.config, *look_->reconnection);
  }
  return look_ ? look_->first_end : dial_.timeout_failure();
}

void SecondLook::finish(DialFailure failure) {
  look_.reset();
  report(std::move(failure));
}

void SecondLook::report(UpstreamResult&& result) {
  if (!result) {
    result.error().doubted = replied() == Replied::nothing && memory().doubts_protocol();
  }
  done_(std::move(result));
}

}  // namespace culvert
