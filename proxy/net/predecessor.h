#pragma once

namespace culvert {

/// The process that hands over to this one: the other end of Successor.
class Predecessor {
 public:
  /// Takes over the descriptor; -1: there is none, and nothing to wait for.
  explicit Predecessor(int control) : control_(control) {}
  ~Predecessor();
  Predecessor(const Predecessor&) = delete;
  Predecessor& operator=(const Predecessor&) = delete;

  /// Reports that we are ready to serve, and waits until we may: it has stopped, or is gone.
  void await_turn();

 private:
  int control_;
};

}  // namespace culvert
