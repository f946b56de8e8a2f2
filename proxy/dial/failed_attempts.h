#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/host_port.h"

namespace culvert {

struct Upstream;

/// An attempt through one upstream of a route that failed.
struct FailedAttempt {
  const Upstream* upstream;
  std::string cause;  ///< see short_cause()
  Error error;        ///< the same as a whole sentence
  bool tried = true;  ///< false: it is known to fail, and another one's failure is reported
};

/// The attempts of a route that failed, and what is said about them.
class FailedAttempts {
 public:
  void add(FailedAttempt attempt) { attempts_.push_back(std::move(attempt)); }
  void clear() { attempts_.clear(); }
  std::size_t size() const { return attempts_.size(); }
  /// Adds those of `earlier` whose upstream has none here.
  void complete_with(const FailedAttempts& earlier);

  /// For the log: "attempts failed: a; b", with the whole sentences.  Empty if there is none.
  std::string list() const;

  /// What is reported of them, at least one: the most specific error.  Of several the text says how
  /// many failed, and the cause of each in a few words, the most specific first, for it may be cut:
  /// "2 upstreams failed: http://b:3128 answered 403; socks5://a:1080 refused the connection (for
  /// gcr.io:443)"; Error::detail has the sentences.  `held`: the request was held for so long.
  Error summary(const HostPort& target, std::optional<std::chrono::milliseconds> held) const;

 private:
  std::string sentences() const;

  std::vector<FailedAttempt> attempts_;
};

}  // namespace culvert
