#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/host_port.h"
#include "base/log.h"
#include "dial/upstream.h"
#include "net/loop.h"

namespace culvert {

/// Where in the order of events a session is.  A CONNECT passes head, route, dial, established and
/// tunnel; a plain request passes head, route and exchange.
enum class SessionStage : std::uint8_t {
  head,         ///< the request is read
  route,        ///< may the client have the target, and by which route?
  dial,         ///< a connection to the target is made
  established,  ///< the client is told that there is one
  tunnel,       ///< bytes pass both ways
  exchange,     ///< a plain request is forwarded
};

/// How a session ended, or one plain request of it.
struct Outcome {
  enum class Kind : std::uint8_t { none, ok, aborted, idle_timeout, half_open_timeout, error };

  Outcome(Kind kind_of_end) : kind(kind_of_end) {}
  Outcome(Errc code) : kind(Kind::error), error(code) {}

  /// The stable word for logs: "ok", or the name of the Errc.  Empty for `none`.
  std::string_view name() const;

  Kind kind = Kind::none;                   ///< none: it goes on, or nothing was going on
  Errc error = Errc::proxy_internal_error;  ///< with kind error
};

/// What is known of a session, be it under way or over.  On a connection that is kept for several
/// plain requests it is about one of them after the other.  Small, as every idle tunnel has one:
/// what most tunnels lack stands in Notes.
struct SessionRecord {
  struct Notes {
    std::string client;    ///< client_text(), as several access lines may need it
    std::string method;    ///< what SessionRecord::method is a view of, unless it is CONNECT
    std::string failures;  ///< the attempts before the one that connected: "attempts failed: a; b"
    std::string detail;    ///< about the outcome, for people
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
  std::int32_t connect_ms = -1;     ///< from the head's end to the upstream's yes; -1: never
  std::int32_t first_byte_ms = -1;  ///< to the response's head, of a plain request; -1: none
  /// Where it is, or ended; an answer of ours does not change it.
  SessionStage stage = SessionStage::head;
  Outcome outcome = Outcome::Kind::none;
  Side closed_by = Side::local;  ///< meaningful once there is an outcome

  /// `peer` is nullopt for a unix socket.
  void begin(std::uint64_t session_id, const std::optional<HostPort>& peer,
             Loop::Clock::time_point now);
  void set_method(std::string_view name);
  /// The target of a plain request.  A query may hold a token, and is nobody's business but the
  /// server's.
  void set_url(std::string_view url);
  void set_failures(std::string failures);
  /// How it ended, and what there is to say about that.
  void finish(Outcome end, Side closing, std::string_view detail);
  /// Forgets the request, not the client.
  void next_request();

  /// "127.0.0.1:50123", or "unix".
  std::string client_text() const;

 private:
  Notes& noted();
};

/// Writes the one line that a session, or a plain request, leaves behind.
void write_access_line(Log& log, SessionRecord& record, Loop::Clock::time_point now);

}  // namespace culvert
