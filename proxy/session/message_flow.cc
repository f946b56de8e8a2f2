#include "session/message_flow.h"

#include <algorithm>
#include <utility>

#include "base/secret.h"
#include "session/pacer.h"

namespace culvert {
namespace {

using Framing = BodyFraming::Kind;

// How much is buffered for a receiver that does not read.
constexpr std::size_t kMostPending = 64 * 1024;
// Measured: when so much is left after what arrived with the head, splicing costs less than
// copying.
constexpr std::uint64_t kWorthAPipe = 32 * 1024;

}  // namespace

void MessageFlow::start(Stream& from, Stream& to, const BodyFraming& in, const BodyFraming& out) {
  from_ = &from;
  to_ = &to;
  in_ = in;
  out_ = out;
  total_ = 0;
  written_ = 0;
  output_.clear();
  decoder_.reset();
  flow_.reset();
  failure_.reset();
  body_read_ = in.kind == Framing::none || (in.kind == Framing::length && in.length == 0);
  if (raw() && !body_read_) {
    flow_.emplace(from, to);
    if (in.kind == Framing::length) flow_->set_left(in.length);
  }
}

/// How many of `available` bytes are of the raw body; counts them as read.
std::size_t MessageFlow::take_raw(std::size_t available) {
  const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(flow_->left(), available));
  total_ += count;
  if (in_.kind == Framing::length) {
    flow_->set_left(flow_->left() - count);
    body_read_ = flow_->left() == 0;
    if (flow_->left() >= kWorthAPipe) flow_->splice_at_once();
  }
  return count;
}

Result<std::size_t> MessageFlow::feed(std::string_view bytes) {
  if (body_read_) return std::size_t{0};
  if (flow_) {
    const std::size_t count = take_raw(bytes.size());
    output() += bytes.substr(0, count);
    return count;
  }
  if (in_.kind == Framing::until_close) {
    append_piece(bytes);
    return bytes.size();
  }
  // Reserved at once: chunk by chunk the buffer would grow in many steps.
  output().reserve(output().size() + bytes.size());
  std::size_t used = 0;
  while (used < bytes.size() && !decoder_.done()) {
    const auto step = decoder_.consume(bytes.substr(used));
    if (!step) return step.error();
    used += step->used;
    append_piece(step->body);
  }
  if (decoder_.done()) {
    body_read_ = true;
    if (out_.kind == Framing::chunked) append_last_chunk(decoder_.trailers(), output());
  }
  return used;
}

Result<std::size_t> MessageFlow::feed_in_place(std::span<char> bytes, std::size_t room) {
  std::string& head = output();
  if (!flow_ || head.size() > room) return feed({bytes.data(), bytes.size()});
  const std::size_t count = take_raw(bytes.size());
  char* const begin = bytes.data() - head.size();
  std::copy(head.begin(), head.end(), begin);
  const std::span<char> whole(begin, head.size() + count);
  const Io io = to_->try_write(whole);
  // A failure is seen again, and handled, when the rest is written.
  const std::size_t written = io.status == Io::Status::ok ? io.bytes : 0;
  head.assign(whole.begin() + static_cast<std::ptrdiff_t>(written), whole.end());
  return count;
}

void MessageFlow::append_piece(std::string_view piece) {
  if (piece.empty()) return;
  total_ += piece.size();
  std::string& out = output();
  if (out_.kind != Framing::chunked) {
    out += piece;
    return;
  }
  append_chunk_start(piece.size(), out);
  out += piece;
  out += kChunkEnd;
}

void MessageFlow::charge(std::size_t bytes) {
  if (pacer_ != nullptr) pacer_->charge(bytes);
}

bool MessageFlow::waits_for_turn() const { return pacer_ != nullptr && pacer_->waits(); }

MessageFlow::Outcome MessageFlow::pump(const FlowResources& resources) {
  if (pacer_ != nullptr && pacer_->holds_back()) return {};
  std::size_t moved = 0;
  for (;;) {
    if (wants_more()) read_some(resources);
    if (failure_ && failure_->kind == Outcome::Kind::malformed) return *std::move(failure_);
    if (output_.empty()) {
      if (failure_) return *std::move(failure_);
      if (body_read_) return {Outcome::Kind::ended, 0, {}};
      if (flow_) return pump_raw(resources);
      return {};  // read_some() found nothing
    }
    const std::size_t pending = output_.left();
    if (auto outcome = write_output(); outcome.kind != Outcome::Kind::waiting) return outcome;
    if (!output_.empty()) {
      if (pacer_ != nullptr) pacer_->rest();
      return {};
    }
    moved += pending;
    if (moved >= kTurnBudget && !flow_ && !body_read_) {
      from_->resume();
      return {};
    }
  }
}

/// A raw body is read here only while the head waits, so as to leave with it.
bool MessageFlow::wants_more() const {
  return !body_read_ && !failure_ && output_.left() < kMostPending && (!flow_ || !output_.empty());
}

/// Reads once, into the output.
void MessageFlow::read_some(const FlowResources& resources) {
  auto room = resources.buffer;
  if (flow_) {
    room =
        room.first(static_cast<std::size_t>(std::min<std::uint64_t>(flow_->left(), room.size())));
  }
  if (pacer_ != nullptr) {
    room = room.first(std::min(pacer_->ask(), room.size()));
    if (room.empty()) return;
  }
  const Io io = from_->try_read(room);
  if (pacer_ != nullptr) pacer_->took(io.bytes);
  switch (io.status) {
    case Io::Status::would_block:
      if (pacer_ != nullptr) pacer_->rest();
      return;
    case Io::Status::error:
      failure_ = Outcome{Outcome::Kind::incomplete, io.error, {}};
      return;
    case Io::Status::eof:
      if (in_.kind != Framing::until_close || from_->truncated()) {
        failure_ = Outcome{Outcome::Kind::incomplete, 0, {}};
        return;
      }
      body_read_ = true;
      if (out_.kind == Framing::chunked) append_last_chunk({}, output());
      return;
    case Io::Status::ok:
      break;
  }
  const std::string_view bytes(resources.buffer.data(), io.bytes);
  auto used = feed(bytes);
  if (!used) {
    failure_ = Outcome{Outcome::Kind::malformed, 0, std::move(used).error()};
    return;
  }
  // The next message of the same connection.
  if (*used == bytes.size()) return;
  from_->unread(std::string(bytes.substr(*used)));
  wipe(resources.buffer.first(io.bytes));  // that may have a password
}

/// Writes until all is written or the receiver takes no more.
MessageFlow::Outcome MessageFlow::write_output() {
  const std::size_t before = output_.left();
  const Io io = output_.write_to(*to_);
  written_ += before - output_.left();
  if (io.status == Io::Status::ok || io.status == Io::Status::would_block) return {};
  return {Outcome::Kind::write_failed, io.error, {}};
}

MessageFlow::Outcome MessageFlow::pump_raw(const FlowResources& resources) {
  const Flow::Outcome outcome =
      pacer_ == nullptr ? flow_->pump(resources) : flow_->pump(resources, *pacer_);
  switch (outcome.kind) {
    case Flow::Outcome::Kind::waiting:
      return {};
    case Flow::Outcome::Kind::ended:
      if (in_.kind == Framing::length ? flow_->left() > 0 : from_->truncated()) {
        return {Outcome::Kind::incomplete, 0, {}};
      }
      body_read_ = true;
      return {Outcome::Kind::ended, 0, {}};
    case Flow::Outcome::Kind::read_failed:
      return {Outcome::Kind::incomplete, outcome.error, {}};
    case Flow::Outcome::Kind::write_failed:
      return {Outcome::Kind::write_failed, outcome.error, {}};
  }
  return {};
}

void MessageFlow::release(const FlowResources& resources) {
  if (flow_) {
    flow_->release(resources);
    total_ += flow_->total();
    flow_.reset();
  }
  output_.clear_keeping(kKeptRoom);
  if (pacer_ != nullptr) pacer_->rest();
}

void MessageFlow::clear(const FlowResources& resources) {
  release(resources);
  total_ = 0;
  written_ = 0;
}

}  // namespace culvert
