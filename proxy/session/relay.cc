#include "session/relay.h"

#include <utility>

#include "session/lack_of_memory.h"
#include "session/pacer.h"

namespace culvert {
namespace {

using std::chrono::milliseconds;

// After a reset: interval and number of the checks whether the other side's peer has acknowledged
// everything.
constexpr milliseconds kResetPoll{20};
constexpr int kMaxResetPolls = 250;

}  // namespace

Relay::Relay(Loop& loop, Stream& client, Stream& upstream, const FlowResources& resources,
             RelaySettings settings, Callback<void(RelayNews)> tell)
    : loop_(loop),
      up_(client, upstream),
      down_(upstream, client),
      resources_(resources),
      settings_(settings),
      tell_(tell),
      last_moved_(loop.now()) {}

Relay::~Relay() {
  rest();
  up_.flow.release(resources_);
  down_.flow.release(resources_);
}

void Relay::rest() {
  if (pacers_ != nullptr) pacers_->rest();
}

void Relay::start(Loop::Clock::time_point latest) {
  up_.flow.from().set_events(this);
  down_.flow.from().set_events(this);
  limit_time(latest);
  pump_both();
}

void Relay::resume() {
  if (!resetting_) pump_both();
}

void Relay::on_ready(Stream&) {
  if (resetting_) return;
  pump_both();
}

// Both directions are tried whichever stream is ready: a try that would block costs nothing.
void Relay::pump_both() {
  const std::uint64_t before = progress();
  const std::uint64_t received = bytes_down();
  pump(up_);
  if (!resetting_) pump(down_);
  if (settings_.tells_first_byte && down_.flow.total() > 0) {
    settings_.tells_first_byte = false;
    tell_(RelayNews::first_byte);
  }
  if (resetting_) return;
  if (up_.finished && down_.finished) {
    if (lost_ == Side::local) return finish();
    return begin_reset(lost_ == Side::upstream ? up_.flow.from() : down_.flow.from());
  }
  if (progress() != before) {
    last_moved_ = loop_.now();
    if (idle_timer_) idle_timer_->progress();
    if (bytes_down() != received) answered_up_ = static_cast<std::uint32_t>(bytes_up());
  }
  watch();
}

/// Starts the timers that the state of the tunnel requires.
void Relay::watch() {
  if (!half_open_ && is_half_open()) {
    half_open_ = true;
    limit_time(idle_timer_ ? idle_timer_->latest() : Loop::Clock::time_point::max());
  }
  if (slow_peer_ || !blocked()) return;
  slow_peer_ = std::make_unique<SlowPeer>(*this);
  slow_peer_->timer.start(settings_.peer_check);
}

/// Counts from now on.  Most tunnels have no limit, and no timer.
void Relay::limit_time(Loop::Clock::time_point latest) {
  last_moved_ = loop_.now();
  const bool limited = limit().count() > 0 || latest != Loop::Clock::time_point::max();
  if (!idle_timer_ && !limited) return;
  if (!idle_timer_) {
    idle_timer_ = std::make_unique<IdleTimer>(loop_, Callback<void()>::to<&Relay::on_idle>(this));
  }
  idle_timer_->start(limit(), latest);
}

/// A FIN or RST counts even while bytes in front of it wait for a peer that does not read.
bool Relay::is_half_open() const {
  return up_.eof || down_.eof || up_.flow.from().peer_finished() ||
         down_.flow.from().peer_finished();
}

Flow::Outcome Relay::pump_paced(Half& half) {
  return half.flow.pump(resources_, &half == &up_ ? pacers_->up : pacers_->down);
}

void Relay::pump(Half& half) {
  if (half.finished) return;
  const Flow::Outcome outcome = pacers_ == nullptr ? half.flow.pump(resources_) : pump_paced(half);
  switch (outcome.kind) {
    case Flow::Outcome::Kind::waiting:
      return;
    case Flow::Outcome::Kind::ended:
      return on_ended(half);
    case Flow::Outcome::Kind::read_failed:
      note_end(RelayEnd::Cause::reset, side_of(half.flow.from()), outcome.error);
      if (lacks_memory(outcome.error)) half.flow.from().reset_on_close();
      return begin_reset(half.flow.to());
    case Flow::Outcome::Kind::write_failed:
      return give_up(half, outcome.error);
  }
}

/// A FIN is passed on as a FIN, unless it came from a lost stream: then it means a reset.
void Relay::on_ended(Half& half) {
  if (side_of(half.flow.from()) == lost_) return begin_reset(half.flow.to());
  note_end(RelayEnd::Cause::finished, side_of(half.flow.from()), 0);
  half.eof = true;
  tell_(&half == &up_ ? RelayNews::client_finished : RelayNews::upstream_finished);
  if (half.flow.to().shutdown_write().status != Io::Status::would_block) half.finished = true;
}

/// `to` accepts nothing any more.  What it had sent before is still delivered: the other direction
/// continues until all of that is written, and ends in a reset then.  Where only we lack memory,
/// its peer is well and waits: then both end in a reset now.
void Relay::give_up(Half& half, int error) {
  note_end(RelayEnd::Cause::reset, side_of(half.flow.to()), error);
  lost_ = side_of(half.flow.to());
  half.finished = true;
  if (!lacks_memory(error)) return;
  half.flow.to().reset_on_close();
  begin_reset(half.flow.from());
}

/// A reset discards what the kernel has not delivered yet, so we wait for that first; a FIN does
/// not.
void Relay::begin_reset(Stream& survivor) {
  rest();
  up_.flow.release(resources_);
  down_.flow.release(resources_);
  resetting_ = true;
  idle_timer_.reset();
  if (!slow_peer_) slow_peer_ = std::make_unique<SlowPeer>(*this);
  slow_peer_->survivor = &survivor;
  slow_peer_->timer.start(milliseconds(0));
}

void Relay::poll_survivor() {
  Stream& survivor = *slow_peer_->survivor;
  end_.client_gets_eof = &survivor == &up_.flow.from() && client_takes_eof();
  if (end_.client_gets_eof) return finish();
  const bool waits = survivor.unsent() > 0 && !survivor.broken();
  if (waits && ++slow_peer_->reset_polls < kMaxResetPolls) {
    return slow_peer_->timer.start(kResetPoll);
  }
  survivor.reset_on_close();
  finish();
}

void Relay::on_idle() {
  if (idle_timer_->is_late()) return time_out(RelayEnd::Cause::lifetime);
  // Bytes are there, and we do not let them pass.
  if (waits_for_turn()) return idle_timer_->start(limit(), idle_timer_->latest());
  time_out(half_open_ ? RelayEnd::Cause::half_open : RelayEnd::Cause::idle);
}

bool Relay::waits_for_turn() const {
  return pacers_ != nullptr && (pacers_->up.waits() || pacers_->down.waits());
}

bool Relay::take_paced() {
  if (pacers_ == nullptr) return false;
  const bool up = pacers_->up.take_waited();
  return pacers_->down.take_waited() || up;
}

bool Relay::client_is_slow() const {
  return down_.flow.holds_bytes() || down_.flow.to().unsent() > 0;
}

StallSigns Relay::stall_signs() const {
  if (resetting_) return {};
  return {.for_client = {down_.flow.held(), down_.flow.to().unsent()},
          .for_upstream = {up_.flow.held(), up_.flow.to().unsent()},
          .unanswered = static_cast<std::uint32_t>(bytes_up()) - answered_up_,
          .last_burst = up_.flow.last_burst(),
          .received = bytes_down(),
          .upstream_finished = down_.eof,
          .owes = {},
          .paced = waits_for_turn()};
}

/// One that is being reset already ends by itself.
void Relay::end_stalled() {
  if (!resetting_) time_out(RelayEnd::Cause::stalled);
}

/// The upstream has our FIN; one that is dead never answers with its own.
void Relay::end_without_client() {
  if (!resetting_ && up_.finished) finish();
}

/// The log reports the timeout, not a FIN long before it.
void Relay::time_out(RelayEnd::Cause cause) {
  end_ = {.cause = cause, .closed_by = Side::local, .client_gets_eof = cut()};
  finish();
}

void Relay::on_timer() {
  if (resetting_) return poll_survivor();
  check_peers();
}

void Relay::check_peers() {
  for (Half* half : {&up_, &down_}) half->flow.to().check_peer(half->flow.holds_bytes());
  if (!blocked()) return slow_peer_.reset();
  slow_peer_->timer.start(settings_.peer_check);
}

bool Relay::cut() {
  down_.flow.from().reset_on_close();
  if (client_takes_eof()) return true;
  up_.flow.from().reset_on_close();
  return false;
}

/// Nothing can follow a FIN that the client has got already.
bool Relay::client_takes_eof() const {
  const Stream& client = up_.flow.from();
  const TlsOpening& opening = up_.flow.opening();
  if (!opening.recognised() || !down_.flow.opening().recognised()) return false;
  if (down_.eof || lost_ == Side::client || client.broken()) return false;
  switch (settings_.eof_when_lost) {
    case EofWhenLost::nobody:
      return false;
    case EofWhenLost::most:
      return !opening.offers_no_chacha20();
    case EofWhenLost::go:
      return opening.is_of_go() && !opening.offers_no_chacha20();
    case EofWhenLost::everybody:
      break;
  }
  return true;
}

milliseconds Relay::limit() const {
  return half_open_ && settings_.half_open.count() > 0 ? settings_.half_open : settings_.idle;
}

void Relay::note_end(RelayEnd::Cause cause, Side side, int error) {
  if (end_known_) return;
  end_known_ = true;
  end_ = {.cause = cause, .closed_by = side, .sys = error};
}

Side Relay::side_of(const Stream& stream) const {
  return &stream == &up_.flow.from() ? Side::client : Side::upstream;
}

void Relay::finish() {
  idle_timer_.reset();
  slow_peer_.reset();
  up_.flow.from().set_events(nullptr);
  down_.flow.from().set_events(nullptr);
  tell_(RelayNews::end);
}

}  // namespace culvert
