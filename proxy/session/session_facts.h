#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "net/loop.h"
#include "policy/stall_rule.h"
#include "session/session_record.h"

namespace culvert {

/// A session in which something should move, and nothing has.
struct SessionStall {
  Side side = Side::upstream;  ///< whose turn it is: client or upstream
  Idleness what = Idleness::does_not_send;
  Loop::Clock::time_point since;  ///< when something moved last
  std::string text{};             ///< a sentence, with what the kernel knows of that side
};

/// What is known of a running session, for people and programs that watch it.  A copy.
struct SessionFacts {
  enum class State : std::uint8_t {
    connecting,
    held,         ///< its upstreams may just be starting, see RouteDial
    moving,       ///< something has moved within kMoving
    quiet,        ///< nothing has
    client_slow,  ///< nor that, and bytes wait for the client
    stalled,      ///< there is a `stall`
  };
  static constexpr std::chrono::seconds kMoving{2};

  std::uint64_t id = 0;
  std::string client{};    ///< SessionRecord::client_text()
  std::string user{};      ///< who has signed in; empty: nobody
  std::string method{};    ///< "CONNECT", "SOCKS5", "GET"
  std::string target{};    ///< SessionRecord::target
  std::string upstream{};  ///< UpstreamConfig::name; empty: none is chosen yet
  SessionStage stage = SessionStage::route;
  State state = State::connecting;
  Loop::Clock::time_point started;  ///< of the request
  Loop::Clock::time_point moved;    ///< when something moved last
  std::uint64_t bytes_up = 0;       ///< client to upstream
  std::uint64_t bytes_down = 0;     ///< upstream to client
  /// Bytes that we and the kernel have for that side and that it has not acknowledged.
  std::uint64_t waiting_for_client = 0;
  std::uint64_t waiting_for_upstream = 0;
  std::int32_t connect_ms = -1;  ///< SessionRecord::connect_ms
  std::optional<SessionStall> stall{};
};

/// "client_slow".
std::string_view name_of(SessionFacts::State state);

}  // namespace culvert
