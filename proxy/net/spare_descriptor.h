#pragma once

namespace culvert {

/// Holds a place in the table of descriptors, for what has to be done when no other is left.
class SpareDescriptor {
 public:
  SpareDescriptor() = default;
  ~SpareDescriptor() { give(); }
  SpareDescriptor(const SpareDescriptor&) = delete;
  SpareDescriptor& operator=(const SpareDescriptor&) = delete;

  /// There is to be one from now on.
  void keep();
  /// Takes it again if it was given away; false if there is no place for it.
  bool regain() { return fd_ >= 0 || !kept_ || take(); }
  bool held() const { return fd_ >= 0; }
  /// Leaves its place to what is opened next.
  void give();

 private:
  [[gnu::cold]] bool take();

  int fd_ = -1;
  bool kept_ = false;
};

}  // namespace culvert
