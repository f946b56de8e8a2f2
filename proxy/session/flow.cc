#include "session/flow.h"

#include <algorithm>
#include <utility>

#include "session/pacer.h"

namespace culvert {
namespace {

// Measured (README, "How fast is it?"): below some 16 KiB a message a pipe costs more than a copy.
constexpr std::uint32_t kSpliceAfter = 64 * 1024;
constexpr std::size_t kSmallBurst = 16 * 1024;
constexpr std::uint8_t kSmallBurstsToCopy = 4;

}  // namespace

Flow::Outcome Flow::pump(FlowResources resources, Pacer* pacer) {
  if (pacer == nullptr) return move(resources, nullptr);
  const Outcome outcome = move(resources, pacer);
  // What may be read and is not there, others may have.
  if (!pacer->waits()) pacer->rest();
  return outcome;
}

Flow::Outcome Flow::move(FlowResources resources, Pacer* pacer) {
  std::size_t moved = 0;
  for (;;) {
    int error = 0;
    const Flush flushed = flush(error);
    if (flushed == Flush::blocked) return {};
    if (flushed == Flush::failed) {
      release(resources);
      return {Outcome::Kind::write_failed, error};
    }
    if (eof_ || left_ == 0) {
      release(resources);
      return {Outcome::Kind::ended, 0};
    }
    if (moved >= kTurnBudget) {
      give_back_pipe(resources);
      from_->resume();
      return {};
    }
    std::size_t most = PipePool::kPipeBytes;
    if (pacer != nullptr) {
      most = pacer->ask();
      if (most == 0) {
        give_back_pipe(resources);
        return {};
      }
    }
    const Io io = move_once(resources, most);
    switch (io.status) {
      case Io::Status::ok:
        total_ += io.bytes;
        if (left_ != kUnlimited) left_ -= io.bytes;
        if (pacer != nullptr) pacer->took(io.bytes);
        moved += io.bytes;
        break;
      case Io::Status::would_block:
        pause(resources, moved);
        return {};
      case Io::Status::eof:
        eof_ = true;
        break;
      case Io::Status::error:
        release(resources);
        return {Outcome::Kind::read_failed, io.error};
    }
  }
}

/// Writes what was read before.
Flow::Flush Flow::flush(int& error) {
  while (holds_bytes()) {
    const bool copied = pipe_.held == 0;
    const Io io = copied ? to_->try_write(*pending_) : to_->splice_from(pipe_);
    if (io.status == Io::Status::would_block) return Flush::blocked;
    if (io.status != Io::Status::ok) {
      error = io.error;
      return Flush::failed;
    }
    if (copied) pending_->erase(0, io.bytes);
  }
  return Flush::empty;
}

/// Reads at most `most` bytes.
Io Flow::move_once(FlowResources resources, std::size_t most) {
  const bool worth_a_pipe = splicing_ && most >= kSmallBurst;
  most = static_cast<std::size_t>(std::min<std::uint64_t>(left_, most));
  if (worth_a_pipe && from_->can_splice() && to_->can_splice()) {
    if (!pipe_.open()) pipe_ = resources.pipes.borrow();
    if (pipe_.open()) return from_->splice_to(pipe_, most);
  }
  return copy_once(resources, most);
}

Io Flow::copy_once(FlowResources resources, std::size_t most) {
  const std::size_t room = std::min(most, resources.buffer.size());
  const Io in = from_->try_read(resources.buffer.first(room));
  if (in.status != Io::Status::ok) return in;
  const std::string_view bytes(resources.buffer.data(), in.bytes);
  opening_.feed(bytes);
  const Io out = to_->try_write(bytes);
  // A failure is seen again, and handled, when the rest is flushed.
  const std::size_t written = out.status == Io::Status::ok ? out.bytes : 0;
  if (written < in.bytes) {
    if (!pending_) pending_ = std::make_unique<std::string>();
    pending_->assign(bytes, written);
  }
  copied_ += static_cast<std::uint32_t>(std::min<std::size_t>(in.bytes, kSpliceAfter));
  if (copied_ >= kSpliceAfter) splicing_ = true;
  return in;
}

/// Nothing more to read for now.
void Flow::pause(FlowResources resources, std::size_t moved) {
  copied_ = 0;
  if (splicing_ && moved < kSmallBurst) {
    // Small messages again: copying them is cheaper.
    if (++small_bursts_ >= kSmallBurstsToCopy) splicing_ = false;
  } else {
    small_bursts_ = 0;
  }
  release(resources);
}

void Flow::give_back_pipe(FlowResources resources) {
  if (pipe_.open()) resources.pipes.give_back(std::move(pipe_));
}

void Flow::release(FlowResources resources) {
  pending_.reset();
  give_back_pipe(resources);
}

}  // namespace culvert
