#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <utility>

#include "codec/tls_opening.h"
#include "net/pipe.h"
#include "net/stream.h"

namespace culvert {

class Pacer;

/// How much one direction may move in one call before other sessions get a turn.  Measured: with
/// less, 64 bulk flows cost a tenth more; with more, small messages beside them wait longer.
inline constexpr std::size_t kTurnBudget = 512 * 1024;

/// What the flows of one worker share: pipes, and a buffer that is empty between two calls.
struct FlowResources {
  std::span<char> buffer;
  PipePool& pipes;
};

/// One direction of bytes, from one stream to another, until the first ends or a given number has
/// passed.  Copies through the shared buffer first; once much has passed without a pause, splices
/// through a borrowed pipe.  A quiet flow holds neither buffer nor pipe.
class Flow {
 public:
  static constexpr std::uint64_t kUnlimited = std::numeric_limits<std::uint64_t>::max();

  Flow(Stream& from, Stream& to) : from_(&from), to_(&to) {}

  /// How a call of pump() ended.
  struct Outcome {
    enum class Kind {
      waiting,       ///< a stream's next on_ready(), or its pacer's, is worth a pump()
      ended,         ///< `from` has ended or the number has passed, and all is written
      read_failed,   ///< `from` failed with `error`; what came before is written
      write_failed,  ///< `to` failed with `error`
    };
    Kind kind = Kind::waiting;
    int error = 0;
  };
  /// Moves what is available, up to kTurnBudget.
  Outcome pump(const FlowResources& resources);
  /// No more than `pacer` allows.
  Outcome pump(const FlowResources& resources, Pacer& pacer);

  /// How many more bytes may be read.
  void set_left(std::uint64_t left) { left_ = left; }
  std::uint64_t left() const { return left_; }
  /// Hint that much more will follow, so that splicing is cheaper from the first byte on.
  void splice_at_once() { splicing_ = true; }
  /// Its first bytes.
  const TlsOpening& opening() const { return opening_; }
  /// Bytes that were copied without a pause between them, at last.  Says nothing while splicing.
  std::uint32_t last_burst() const { return copied_ & ~kPaused; }
  /// Bytes read so far.
  std::uint64_t total() const { return total_; }
  /// Some bytes that were read are not written yet.
  bool holds_bytes() const { return (pending_ && !pending_->empty()) || pipe_.held > 0; }
  /// How many.
  std::size_t held() const { return (pending_ ? pending_->size() : 0) + pipe_.held; }
  /// Bytes that `to` has not acknowledged, here and in the kernel.
  std::uint64_t waiting() const { return held() + to_->unsent(); }
  /// Grows whenever anything moves, also when a slow `to` takes what was read long before.
  std::uint64_t progress() const {
    return 2 * total_ - (pending_ ? pending_->size() : 0) - pipe_.held;
  }

  Stream& from() const { return *from_; }
  Stream& to() const { return *to_; }

  /// Returns the borrowed pipe; unwritten bytes are lost.
  void release(const FlowResources& resources);

 private:
  static constexpr std::uint32_t kPaused = std::uint32_t{1} << 31;

  enum class Flush { empty, blocked, failed };
  Flush flush(int& error);
  Io move_once(const FlowResources& resources);
  Io copy_once(const FlowResources& resources);
  void pause(const FlowResources& resources, std::size_t moved);
  void give_back_pipe(const FlowResources& resources) {
    if (pipe_.open()) resources.pipes.give_back(std::move(pipe_));
  }

  Stream* from_;
  Stream* to_;
  std::unique_ptr<std::string> pending_;  // read and not yet written; kept until a pause
  Pipe pipe_;                             // holds what is read and not yet written, when splicing
  std::uint64_t total_ = 0;
  std::uint64_t left_ = kUnlimited;
  std::uint32_t copied_ = 0;  // bytes between two pauses, while copying; with kPaused after them
  TlsOpening opening_;
  std::uint8_t small_bursts_ = 0;  // pauses in a row that came after few bytes, while splicing
  bool splicing_ = false;
  bool eof_ = false;
};

}  // namespace culvert
