#pragma once

#include <optional>
#include <string_view>

#include "net/process.h"

namespace culvert {

/// The process that hands over to this one: the other end of Successor.
class Predecessor {
 public:
  /// Takes over the descriptor; -1: there is none, and nothing to wait for.
  explicit Predecessor(int control) : control_(control) {}
  ~Predecessor();
  Predecessor(const Predecessor&) = delete;
  Predecessor& operator=(const Predecessor&) = delete;

  /// Reports that we are ready to serve, with our tunnel command, and waits until we may: it has
  /// stopped, or is gone.  Returns the command that we take over from it, if it is the same.
  std::optional<ChildProcess::Handle> await_turn(std::string_view tunnel_command);

 private:
  int control_;
};

/// Answers await_turn() over the other end.  False: the command did not get there.
bool send_turn(int control, const std::optional<ChildProcess::Handle>& command);

}  // namespace culvert
