#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "base/json.h"
#include "base/result.h"
#include "config/admin_place.h"
#include "net/loop.h"
#include "net/tls_context.h"
#include "status/event_reader.h"

namespace culvert {

/// Asks an admin interface, one question after the other, each on a connection of its own.  The
/// caller's frame waits: the loop turns until there is an answer.
class AdminClient {
 public:
  /// Both outlive it.  A question is given up as soon as `stop` is true.
  AdminClient(Loop& loop, const bool& stop) : loop_(loop), stop_(stop) {}

  /// The JSON that a GET of `target` brings with a 200, in `limit`.  The error's text is a clause
  /// that follows the name of who was asked: "refused the connection".
  Result<Json> get(const AdminPlace& place, const std::string& target,
                   std::chrono::milliseconds limit = std::chrono::milliseconds(5'000));
  /// Called with the data of each event.  False: no more are wanted.
  using OnEvent = std::function<bool(const StreamEvent& event, const Json& data)>;
  /// The events that a GET of `target` brings with a 200, whose head comes in `limit`, until no
  /// more are wanted, or `stop` is true.  An error as above, also if the stream ends before.
  Result<void> follow(const AdminPlace& place, const std::string& target, const OnEvent& on_event,
                      std::chrono::milliseconds limit = std::chrono::milliseconds(5'000));

 private:
  class Question;

  Loop& loop_;
  const bool& stop_;
  std::shared_ptr<const TlsClientContext> trust_;  // nullptr: not needed yet
};

}  // namespace culvert
