#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/callback.h"
#include "base/ip_address.h"
#include "base/result.h"
#include "net/loop.h"

namespace culvert {

/// One look-up of a name by the C library, in a thread of its own.
class LibcLookup {
 public:
  using Found = Result<std::vector<IpAddress>>;

  /// Are there few enough threads for one more?  Targets' names are counted apart from upstreams',
  /// which are not to wait for dead ones among them.  Of the whole process.
  static bool has_room(Side side);

  /// `side` is the name's, for the errors.  `done` is called exactly once, in a later turn, and may
  /// destroy this.  The addresses are in the system's order (RFC 6724), without duplicates; never
  /// empty.  The error's text is a clause that follows the name ("does not resolve here").
  LibcLookup(Loop& loop, const std::string& name, Side side, Callback<void(Found)> done);
  /// Silent.  The thread goes on, and keeps the loop busy.
  ~LibcLookup();
  LibcLookup(const LibcLookup&) = delete;
  LibcLookup& operator=(const LibcLookup&) = delete;

 private:
  struct Request;
  static void run(const std::shared_ptr<Request>& request);

  std::shared_ptr<Request> request_;  // shared with the thread
  Callback<void(Found)> done_;
};

}  // namespace culvert
