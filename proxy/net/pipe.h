#pragma once

#include <cstddef>
#include <vector>

namespace culvert {

/// A kernel pipe with the count of the bytes in it.
class Pipe {
 public:
  Pipe() = default;
  Pipe(Pipe&& other) noexcept;
  Pipe& operator=(Pipe&& other) noexcept;
  ~Pipe();

  bool open() const { return read_end >= 0; }

  int read_end = -1;
  int write_end = -1;
  std::size_t held = 0;
};

/// One worker's pipes.  They are lent only while they hold bytes: an idle tunnel has none.
class PipePool {
 public:
  /// Measured: 1 MiB pipes halve the CPU of a bulk transfer against 256 KiB ones.
  static constexpr int kPipeBytes = 1 << 20;
  /// All workers together get no more than Linux lets a user without privileges have
  /// (pipe-user-pages-soft is 64 MiB); beyond that bytes are copied.
  static constexpr std::size_t kMost = 64;

  PipePool() { idle_.reserve(kMost); }
  PipePool(const PipePool&) = delete;
  PipePool& operator=(const PipePool&) = delete;

  /// An empty pipe, or one that is not open() when all are lent or the system has none left that is
  /// faster than copying: then the bytes are copied.
  Pipe borrow();
  /// A pipe that still holds bytes is closed, as they must not reach another tunnel.
  void give_back(Pipe pipe);
  /// Closes those that are not lent, when descriptors are scarce.
  void trim() { idle_.clear(); }
  /// Pipes that are lent now.
  std::size_t lent() const { return lent_; }

 private:
  Pipe open_pipe();

  std::vector<Pipe> idle_;
  std::size_t lent_ = 0;
  int copies_until_retry_ = 0;  // after the system has refused a pipe
};

}  // namespace culvert
