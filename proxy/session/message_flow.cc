#include "session/message_flow.h"

#include <algorithm>

namespace culvert {
namespace {

using Kind = BodyFraming::Kind;

// A receiver that does not read must not make us gather its body.
constexpr std::size_t kMostOutput = 256 * 1024;
// What one call may move before others get their turn.
constexpr std::size_t kBudget = 256 * 1024;

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
  body_read_ = in.kind == Kind::none || (in.kind == Kind::length && in.length == 0);
  if (raw() && !body_read_) {
    flow_.emplace(from, to);
    if (in.kind == Kind::length) flow_->set_left(in.length);
  }
}

Result<std::size_t> MessageFlow::feed(std::string_view bytes) {
  if (body_read_) return std::size_t{0};
  if (flow_) {
    const auto count =
        static_cast<std::size_t>(std::min<std::uint64_t>(flow_->left(), bytes.size()));
    output_ += bytes.substr(0, count);
    total_ += count;
    if (in_.kind == Kind::length) {
      flow_->set_left(flow_->left() - count);
      body_read_ = flow_->left() == 0;
    }
    return count;
  }
  if (in_.kind == Kind::until_close) {
    append_piece(bytes);
    return bytes.size();
  }
  std::size_t used = 0;
  while (used < bytes.size() && !decoder_.done()) {
    const auto step = decoder_.consume(bytes.substr(used));
    if (!step) return step.error();
    used += step->used;
    append_piece(step->body);
  }
  if (decoder_.done()) {
    body_read_ = true;
    if (out_.kind == Kind::chunked) append_last_chunk(decoder_.trailers(), output_);
  }
  return used;
}

void MessageFlow::append_piece(std::string_view piece) {
  if (piece.empty()) return;
  total_ += piece.size();
  if (out_.kind != Kind::chunked) {
    output_ += piece;
    return;
  }
  append_chunk_start(piece.size(), output_);
  output_ += piece;
  output_ += kChunkEnd;
}

MessageFlow::Outcome MessageFlow::pump(FlowResources resources) {
  std::size_t moved = 0;
  for (;;) {
    if (!body_read_ && output_.size() - written_ < kMostOutput && (!flow_ || !output_.empty())) {
      const Outcome outcome = read_some(resources);
      if (outcome.kind == Outcome::Kind::malformed) return outcome;
      if (outcome.kind == Outcome::Kind::incomplete) {
        // What came before is delivered as far as it goes.
        if (written_ < output_.size()) {
          static_cast<void>(to_->try_write(std::string_view(output_).substr(written_)));
        }
        return outcome;
      }
    }
    if (written_ == output_.size()) {
      output_.clear();
      written_ = 0;
      if (body_read_) return {Outcome::Kind::ended, 0, {}};
      if (flow_) return pump_raw(resources);
      return {};  // read_some() found nothing
    }
    const Io io = to_->try_write(std::string_view(output_).substr(written_));
    if (io.status == Io::Status::would_block) return {};
    if (io.status != Io::Status::ok) return {Outcome::Kind::write_failed, io.error, {}};
    written_ += io.bytes;
    moved += io.bytes;
    if (moved >= kBudget && written_ == output_.size() && !flow_ && !body_read_) {
      output_.clear();
      written_ = 0;
      from_->resume();
      return {};
    }
  }
}

/// Reads once, into the output.
MessageFlow::Outcome MessageFlow::read_some(FlowResources resources) {
  auto room = resources.buffer;
  if (flow_) room = room.first(static_cast<std::size_t>(
                 std::min<std::uint64_t>(flow_->left(), room.size())));
  const Io io = from_->try_read(room);
  switch (io.status) {
    case Io::Status::would_block: return {};
    case Io::Status::error: return {Outcome::Kind::incomplete, io.error, {}};
    case Io::Status::eof:
      if (in_.kind != Kind::until_close) return {Outcome::Kind::incomplete, 0, {}};
      body_read_ = true;
      if (out_.kind == Kind::chunked) append_last_chunk({}, output_);
      return {};
    case Io::Status::ok: break;
  }
  const std::string_view bytes(resources.buffer.data(), io.bytes);
  const auto used = feed(bytes);
  if (!used) return {Outcome::Kind::malformed, 0, used.error()};
  // The next message of the same connection.
  if (*used < bytes.size()) from_->unread(std::string(bytes.substr(*used)));
  return {};
}

MessageFlow::Outcome MessageFlow::pump_raw(FlowResources resources) {
  const Flow::Outcome outcome = flow_->pump(resources);
  switch (outcome.kind) {
    case Flow::Outcome::Kind::waiting: return {};
    case Flow::Outcome::Kind::ended:
      if (in_.kind == Kind::length && flow_->left() > 0) return {Outcome::Kind::incomplete, 0, {}};
      body_read_ = true;
      return {Outcome::Kind::ended, 0, {}};
    case Flow::Outcome::Kind::read_failed:
      return {Outcome::Kind::incomplete, outcome.error, {}};
    case Flow::Outcome::Kind::write_failed:
      return {Outcome::Kind::write_failed, outcome.error, {}};
  }
  return {};
}

void MessageFlow::release(FlowResources resources) {
  if (!flow_) return;
  flow_->release(resources);
  total_ += flow_->total();
  flow_.reset();
}

}  // namespace culvert
