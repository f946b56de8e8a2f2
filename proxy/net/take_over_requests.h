#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/callback.h"
#include "net/loop.h"
#include "net/passed_sockets.h"

namespace culvert {

/// A new process asks for listening sockets, see take_over().
struct TakeOverRequest {
  int control = -1;  ///< the connection; the receiver owns it
  int pid = 0;       ///< who asks; 0: a process that cannot be seen from here (a container's)
  std::vector<std::string> wanted;  ///< as ListenConfig::to_string()

  /// Those that it is about.
  std::vector<PassedSocket> of(const std::vector<PassedSocket>& sockets) const;
  /// Hands them out.  False: they did not get there.  The connection stays open.
  bool give(const std::vector<PassedSocket>& sockets) const;
  /// Hands out nothing, and closes the connection.  `why` is a sentence's end ("process 7 is...");
  /// empty: there is nothing here that it wants.
  void refuse(const std::string& why) const;
};

/// Takes requests at a socket of TakeOverPlace, from processes of our own user or root's.
class TakeOverRequests final : private Pollable {
 public:
  using Asked = Callback<void(const TakeOverRequest&)>;

  /// `listening` stays the caller's.
  TakeOverRequests(Loop& loop, int listening, Asked asked);
  ~TakeOverRequests();
  TakeOverRequests(const TakeOverRequests&) = delete;
  TakeOverRequests& operator=(const TakeOverRequests&) = delete;

 private:
  class Arriving;

  void on_poll(std::uint32_t events) override;
  void on_arrived(Arriving& one, bool complete);

  Loop& loop_;
  int listening_;
  Asked asked_;
  std::vector<std::unique_ptr<Arriving>> arriving_;
};

}  // namespace culvert
