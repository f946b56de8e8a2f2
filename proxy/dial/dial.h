#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>

#include "base/callback.h"
#include "base/ip_address.h"
#include "base/result.h"
#include "net/stream.h"

namespace culvert {

/// Time limits of one attempt through one upstream, so that time is left for the next ones:
/// connecting to the proxy succeeds within 4 s or not at all, and a proxy that has not replied in 8
/// s leaves 4 s of the default 12 for the next.  `?connect-timeout` replaces both.
inline constexpr std::chrono::milliseconds kConnectLimit{4'000};  ///< to connect to the proxy
inline constexpr std::chrono::milliseconds kAttemptLimit{8'000};  ///< in all

/// A stream that is connected to the target, or why there is none.
using DialResult = Result<std::unique_ptr<Stream>>;
using DialDone = Callback<void(DialResult)>;

/// What an upstream's proxy does not have yet while it is starting.
enum class Missing : std::uint8_t {
  listener,  ///< its port refuses the connection
  name,      ///< its name does not resolve, or its DNS server gives no answer
  route,     ///< there is no route to its address
  program,   ///< its port accepts and closes before a byte was sent, as docker's published ports do
             ///< while nothing listens behind them
};

/// What is missing if connecting to a proxy has failed with `error`; nullopt: that does not pass by
/// itself.
std::optional<Missing> missing_from(const Error& error);

/// One attempt to get a byte stream.  start() once; `done` is called exactly once, perhaps within
/// start(), as the last thing the dial does: it may destroy the dial.  Destruction cancels, and
/// then `done` is not called.
class Dial {
 public:
  virtual ~Dial() = default;
  virtual void start() = 0;
  /// A name is being looked up now.
  virtual bool resolving() const { return false; }
  /// The error if its time were over now: side, and a text to which "within 4 s" can be appended.
  /// It is a clause that follows the address, or, of a hop, a sentence.
  virtual Error timeout_failure() const;
  /// After a failure of a dial through another upstream: what that one's proxy is missing.
  virtual std::optional<Missing> missing_on_the_way() const { return std::nullopt; }
};

/// How specific an error is; of several failed attempts the highest is reported.
int specificity(const Error& error);

/// The upstream took the request and did not reply: its tunnel may be dead, or the target.
bool is_silence(const Error& error);

/// What a failed connect() means: code, and a clause that follows the peer's name ("refused the
/// connection").  `side` is the peer, `family` its address's.
Error connect_error(int sys, Side side, IpAddress::Family family = IpAddress::Family::v4);

}  // namespace culvert
