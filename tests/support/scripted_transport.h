// Connections without sockets: the script has the result of each dial.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "dial/transport.h"
#include "support/scripted_stream.h"

namespace culvert::test {

class ScriptedTransport final : public Transport {
 public:
  explicit ScriptedTransport(Loop& loop) : loop_(loop) {}

  // The results of the next dials, in this order; a dial beyond the script hangs.
  ScriptedTransport& connects(Peer& peer);
  ScriptedTransport& fails(int sys);
  ScriptedTransport& fails(Error error);  ///< a look-up's, say
  ScriptedTransport& hangs();
  /// Outcomes come in a later turn instead of within start().
  ScriptedTransport& later(bool deferred = true);

  std::unique_ptr<Dial> dial(const HostPort& address, Side side, const AddressCheck& check,
                             DialDone done) override;

  bool scripted() const { return !steps_.empty(); }
  /// The addresses that were dialed, in order.
  const std::vector<std::string>& requested() const { return requested_; }
  std::size_t alive() const { return alive_; }  ///< dials that were not destroyed yet
  /// The dials that hang fail with this errno now.
  void let_go(int sys);

 private:
  class ScriptedDial;
  struct Step {
    Peer* peer = nullptr;
    int sys = 0;
    std::optional<Error> error{};  // otherwise that of sys
  };

  Loop& loop_;
  bool deferred_ = false;
  std::deque<Step> steps_;
  std::vector<std::string> requested_;
  std::vector<ScriptedDial*> hanging_;
  std::size_t alive_ = 0;
};

}  // namespace culvert::test
