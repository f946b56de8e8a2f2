#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/connection_ends.h"
#include "base/error.h"
#include "base/host_port.h"
#include "base/log.h"
#include "dial/upstream.h"
#include "net/loop.h"
#include "net/unix_peer.h"

namespace culvert {

/// Where in the order of events a session is.  A CONNECT passes head, route, dial, established and
/// tunnel; a plain request passes head, route and exchange.
enum class SessionStage : std::uint8_t {
  head,         ///< the request is read
  route,        ///< access rules are checked and the route is chosen
  dial,         ///< a connection to the target is made
  established,  ///< the success response is written
  tunnel,       ///< bytes are relayed
  exchange,     ///< a plain request is forwarded
};

/// "exchange".
std::string_view name_of(SessionStage stage);

/// How a session ended, or one plain request of it.
struct Outcome {
  enum class Kind : std::uint8_t {
    none,
    ok,
    aborted,
    idle_timeout,
    half_open_timeout,
    stalled,
    lifetime_over,
    error
  };

  Outcome(Kind kind_of_end) : kind(kind_of_end) {}
  Outcome(Errc code) : kind(Kind::error), error(code) {}

  /// The stable name for logs: "ok", or that of the Errc.  Empty for `none`.
  std::string_view name() const;

  Kind kind = Kind::none;                   ///< none: it is still running, or there was no request
  Errc error = Errc::proxy_internal_error;  ///< with kind error
};

/// For connect_ms and first_byte_ms.
inline std::int32_t ms_between(Loop::Clock::time_point begun, Loop::Clock::time_point now) {
  return static_cast<std::int32_t>(
      std::chrono::round<std::chrono::milliseconds>(now - begun).count());
}

/// What is known of a session, while it runs or after its end.  On a connection that is kept for
/// several plain requests it describes the current one.  Small, as every idle tunnel has one: what
/// most tunnels do not need is in Notes.
struct SessionRecord {
  struct Notes {
    std::string client;    ///< client_text(), kept as several access lines may need it
    std::string balancer;  ///< the client_text() of the load balancer that has connected for it
    std::string user;      ///< who has signed in on this connection
    std::string method;    ///< what SessionRecord::method is a view of, unless it is CONNECT
    std::string failures;  ///< the attempts before the one that connected: "attempts failed: a; b"
    std::string detail;    ///< about the outcome, as text
    std::string more;      ///< Error::detail of it
    std::optional<UnixPeer> peer;  ///< of a unix socket
  };

  std::uint64_t id = 0;
  Loop::Clock::time_point started;  ///< of the connection, or of the present request
  std::string_view method;          ///< empty until the request is read
  std::string target;               ///< host:port, or URL without userinfo and query; may be empty
  Upstream* upstream = nullptr;     ///< the one that connected, or was tried last
  std::unique_ptr<Notes> notes;     ///< nullptr if all of them are empty
  std::uint64_t bytes_up = 0;       ///< client to upstream
  std::uint64_t bytes_down = 0;     ///< upstream to client
  std::optional<IpAddress> client_ip;  ///< nullopt for a unix socket
  std::uint16_t client_port = 0;
  std::int16_t status = 0;          ///< sent to the client; 0 if none
  std::int32_t connect_ms = -1;     ///< from the head's end to the upstream's success; -1: never
  std::int32_t first_byte_ms = -1;  ///< to the response's head, of a plain request; -1: none
  /// Where it is, or ended; an error response does not change it.
  SessionStage stage = SessionStage::head;
  Outcome outcome = Outcome::Kind::none;
  ChosenBy chosen_by = ChosenBy::order;  ///< why `upstream`
  Side closed_by = Side::local;          ///< meaningful once there is an outcome

  /// `peer` is nullopt for a unix socket.
  void begin(std::uint64_t session_id, const std::optional<HostPort>& peer,
             Loop::Clock::time_point now);
  void set_method(std::string_view name);
  /// The target of a plain request.  The query is left out, as it may hold a token.
  void set_url(std::string_view url);
  void set_failures(std::string failures);
  /// Who has connected to a unix socket, once it is known.
  void set_unix_peer(const UnixPeer& peer) { noted().peer = peer; }
  /// A load balancer has connected, for `client`; nullopt: it does not say for whom.
  void set_balanced(const std::optional<SocketEnd>& client);
  bool is_balanced() const { return notes && !notes->balancer.empty(); }
  /// Who has signed in: for all requests of the connection, until another one is named.
  void set_user(std::string_view name);
  /// Empty if nobody has.
  std::string_view user() const { return notes ? std::string_view(notes->user) : ""; }
  /// How it ended, and details for the log.
  void finish(Outcome end, Side closing, std::string_view detail);
  void set_more(std::string_view text) { noted().more = text; }
  /// Who ended it first: "client", "culvert".  Meaningful once there is an outcome.
  std::string_view closed_by_name() const {
    return closed_by == Side::local ? "culvert" : to_string(closed_by);
  }
  /// Discards the request, not the client.
  void next_request();

  /// "127.0.0.1:50123", "unix:uid=1000,pid=4242", or "unix" if nothing more is known.
  std::string client_text() const;

 private:
  Notes& noted();
};

/// Writes the access line of a session or a plain request.
void write_access_line(Log& log, SessionRecord& record, Loop::Clock::time_point now);

}  // namespace culvert
