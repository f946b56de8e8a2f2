#pragma once

#include <atomic>
#include <cerrno>

namespace culvert {

/// A descriptor that somebody closes would help against this errno: the process has no more, or the
/// system.
constexpr bool is_lack_of_descriptors(int error) { return error == EMFILE || error == ENFILE; }

/// Holds a place in the table of descriptors, for what has to be done when no other is left.  One
/// for the whole process, which has one table; any thread may use it.
class SpareDescriptor {
 public:
  SpareDescriptor() = default;
  ~SpareDescriptor() { give(); }
  SpareDescriptor(const SpareDescriptor&) = delete;
  SpareDescriptor& operator=(const SpareDescriptor&) = delete;

  /// Takes a place if it has none; false if there is none.
  bool regain() { return held() || take(); }
  bool held() const { return fd_.load(std::memory_order_relaxed) >= 0; }
  /// Leaves its place to what is opened next; false if it had none.
  bool give();

 private:
  [[gnu::cold]] bool take();

  std::atomic<int> fd_{-1};
};

}  // namespace culvert
