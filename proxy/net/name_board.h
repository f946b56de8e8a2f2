#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/ip_address.h"
#include "base/result.h"
#include "net/loop.h"

namespace culvert {

/// Which names are being looked up, by all loops of the process: one asks, and the others that want
/// the same name wait for its answer.  May be called from any thread.
class NameBoard {
 public:
  using Found = Result<std::vector<IpAddress>>;
  /// A name, and whose it is: names of upstreams and of targets are apart.
  using Key = std::pair<Side, std::string>;
  /// Called in the loop's thread: with what another has found, or with nullptr when the caller is
  /// to ask itself, as the other has given up.
  using Told = std::function<void(const Found*)>;

  /// True: `who` is to ask, and to finish() or leave().  False: another does; `told` is called
  /// unless `who` leaves before.
  bool join(const Key& key, const void* who, Loop& loop, Told told);
  /// `who` has asked, and this is the answer for all.
  void finish(const Key& key, const void* who, const Found& found);
  /// `who` needs it no more.  To be called before its loop ends.
  void leave(const Key& key, const void* who);

 private:
  struct Waiting {
    const void* who;
    Loop* loop;
    Told told;
  };
  struct Name {
    const void* asking;
    std::vector<Waiting> waiting;
  };

  std::mutex mutex_;
  std::map<Key, Name> names_;
};

}  // namespace culvert
