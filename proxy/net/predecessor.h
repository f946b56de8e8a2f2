#pragma once

#include <optional>
#include <string>
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

  /// Why it goes on serving in our place, a clause, so that we must not; empty: we may.  After
  /// await_turn().
  const std::string& given_up() const { return given_up_; }

 private:
  int control_;
  std::string given_up_;
};

/// Answers await_turn() over the other end.  False: the command did not get there.
bool send_turn(int control, const std::optional<ChildProcess::Handle>& command);
/// Answers it with a no, and the reason.
void send_no_turn(int control, std::string_view why);

}  // namespace culvert
