#include "session/flow.h"

#include <algorithm>
#include <utility>

#include "session/pacer.h"

namespace culvert {
namespace {

// Measured (manual/performance.md): below some 16 KiB a message a pipe costs more than a copy.
constexpr std::uint32_t kSpliceAfter = 64 * 1024;
constexpr std::size_t kSmallBurst = 16 * 1024;
constexpr std::uint8_t kSmallBurstsToCopy = 4;

}  // namespace

Flow::Outcome Flow::pump(const FlowResources& resources) {
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
    const Io io = move_once(resources);
    switch (io.status) {
      case Io::Status::ok:
        total_ += io.bytes;
        if (left_ != kUnlimited) left_ -= io.bytes;
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

Flow::Outcome Flow::pump(const FlowResources& resources, Pacer& pacer) {
  for (;;) {
    // 0: only what was read before is written.
    const std::size_t most = pacer.ask();
    const std::uint64_t left = left_;
    const std::uint64_t before = total_;
    left_ = std::min<std::uint64_t>(left, most);
    const Outcome outcome = pump(resources);
    const std::uint64_t moved = total_ - before;
    pacer.took(static_cast<std::size_t>(moved));
    left_ = left == kUnlimited ? left : left - moved;
    const bool only_paused = outcome.kind == Outcome::Kind::ended && !eof_ && left_ > 0;
    if (only_paused && most == 0) {
      from_->mute();
      return {};
    }
    if (only_paused) continue;
    // What may be read and is not there, others may have.
    if (!pacer.waits()) pacer.rest();
    return outcome;
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

Io Flow::move_once(const FlowResources& resources) {
  if (splicing_ && from_->can_splice() && to_->can_splice()) {
    if (!pipe_.open()) pipe_ = resources.pipes.borrow();
    if (pipe_.open()) {
      constexpr std::uint64_t kMost = PipePool::kPipeBytes;
      return from_->splice_to(pipe_, static_cast<std::size_t>(std::min(left_, kMost)));
    }
  }
  return copy_once(resources);
}

Io Flow::copy_once(const FlowResources& resources) {
  const auto room =
      static_cast<std::size_t>(std::min<std::uint64_t>(left_, resources.buffer.size()));
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
  // That it begins anew after 2 GiB without a pause does no harm.
  copied_ = ((copied_ & kPaused) != 0 ? 0 : copied_) + static_cast<std::uint32_t>(in.bytes);
  if (copied_ >= kSpliceAfter) splicing_ = true;
  return in;
}

/// Nothing more to read for now.
void Flow::pause(const FlowResources& resources, std::size_t moved) {
  copied_ |= kPaused;
  if (splicing_ && moved < kSmallBurst) {
    // Small messages again: copying them is cheaper.
    if (++small_bursts_ >= kSmallBurstsToCopy) splicing_ = false;
  } else {
    small_bursts_ = 0;
  }
  if (pending_ || pipe_.open()) release(resources);
}

void Flow::release(const FlowResources& resources) {
  pending_.reset();
  give_back_pipe(resources);
}

}  // namespace culvert
