#pragma once

#include <string>
#include <vector>

#include "base/callback.h"
#include "base/ip_address.h"
#include "base/result.h"
#include "net/loop.h"

namespace culvert {

/// Makes room for several look-ups at once, before the first: those that hang, for as long as the
/// system's resolver is patient, would hold up all others.  UV_THREADPOOL_SIZE, when set, wins.
void widen_lookup_pool();

/// One look-up of a name through the system's resolver, off the loop, which counts it.  Destruction
/// cancels: the callback is then not called.
class Lookup {
 public:
  using Found = Result<std::vector<IpAddress>>;

  /// `side` is the name's, for the errors.  `done` is called exactly once, in a later turn, and may
  /// destroy the Lookup.  The addresses are in the system's order (RFC 6724), without duplicates;
  /// never empty.  The error's text is a clause that follows the name ("does not resolve here").
  Lookup(Loop& loop, const std::string& name, Side side, Callback<void(Found)> done);
  ~Lookup();
  Lookup(const Lookup&) = delete;
  Lookup& operator=(const Lookup&) = delete;

 private:
  struct Request;  // lives until libuv is done with it
  Request* request_ = nullptr;
};

}  // namespace culvert
