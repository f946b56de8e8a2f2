#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "net/process.h"

namespace culvert {

/// A tunnel command, as one process hands it to the next.
struct PassedCommand {
  std::uint16_t port = 0;                       ///< that was chosen for it; 0: none was
  std::optional<ChildProcess::Handle> running;  ///< nullopt: it is to be started
};

/// The process that hands over to this one: the other end of Successor.
class Predecessor {
 public:
  /// Takes over the descriptor; -1: there is none, and nothing to wait for.
  explicit Predecessor(int control) : control_(control) {}
  ~Predecessor();
  Predecessor(const Predecessor&) = delete;
  Predecessor& operator=(const Predecessor&) = delete;

  /// Reports that we are ready to serve, with our tunnel command, and waits until we may: it has
  /// stopped, or is gone.  Returns what we take over from it of that command, if it is the same.
  std::vector<PassedCommand> await_turn(std::string_view tunnel_command);

  /// Why it goes on serving in our place, a clause, so that we must not; empty: we may.  After
  /// await_turn().
  const std::string& given_up() const { return given_up_; }

 private:
  int control_;
  std::string given_up_;
};

/// Answers await_turn() over the other end.  False: the commands did not get there.
bool send_turn(int control, const std::vector<PassedCommand>& commands);
/// Answers it with a no, and the reason.
void send_no_turn(int control, std::string_view why);

}  // namespace culvert
