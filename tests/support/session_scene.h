// A session with its client and upstream played by the test.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "net/manual_clock.h"
#include "session/session.h"
#include "session/trace_board.h"
#include "session/tracer.h"
#include "support/memory_file.h"
#include "support/scripted_stream.h"
#include "support/scripted_transport.h"
#include "support/sockets.h"

namespace culvert::test {

inline constexpr std::string_view kConnect =
    "CONNECT gcr.io:443 HTTP/1.1\r\nHost: gcr.io:443\r\n\r\n";
inline constexpr std::string_view kEstablished = "HTTP/1.1 200 Connection established\r\n\r\n";

// Upstreams as a command line would name them.
UpstreamConfig direct();
UpstreamConfig socks5();
UpstreamConfig socks5_as(std::string user, std::string password);
UpstreamConfig socks4a();
UpstreamConfig http();
UpstreamConfig http_as(std::string user, std::string password);
UpstreamConfig https();

// Both sides of a SOCKS5 conversation about gcr.io:443.
inline const std::string kSocks5Greeting("\x05\x01\x00", 3);
inline const std::string kSocks5Welcome("\x05\x00", 2);
inline const std::string kSocks5Request("\x05\x01\x00\x03\x06gcr.io\x01\xbb", 13);
inline const std::string kSocks5Granted("\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00", 10);
inline const std::string kSocks5Refused("\x05\x05", 2);

inline Peer& answer_greeting(Peer& peer) {
  return peer.expects(kSocks5Greeting).sends(kSocks5Welcome);
}
inline Peer& grant(Peer& peer) { return peer.expects(kSocks5Request).sends(kSocks5Granted); }

/// A head, body and all that a client got, taken apart.
struct Answer {
  int status = 0;
  std::string reason;
  std::string head;  ///< with the empty line
  std::string body;
};
Answer parse_answer(const std::string& bytes);

/// One session from accept to last byte.  Set up config and scripts, then start().
class Scene {
 public:
  explicit Scene(Pace client_pace = {}, Pace upstream_pace = {},
                 Log::Format format = Log::Format::text);
  ~Scene();
  Scene(const Scene&) = delete;
  Scene& operator=(const Scene&) = delete;

  /// All upstreams share the scripted transport; without any, there is direct().
  Upstream& add(UpstreamConfig config);
  void start(Admission admission = Admission::serve);
  /// Turns until the session has finished.
  [[nodiscard]] bool run();
  /// run(), and the client's response.
  Answer answer();
  /// The rules have changed: see Generation::retire().
  void retire() { context_->draining = true; }
  PasswordChecks& password_checks() { return *password_checks_; }
  void end_session() { session.reset(); }

  std::string access_text() { return text_of(access_file_); }
  std::string log_text() { return text_of(log_file_); }
  std::size_t dials() const { return transport->requested().size(); }

  ManualClock clock;
  Loop loop{&clock};
  Config config;
  std::shared_ptr<ScriptedTransport> transport = std::make_shared<ScriptedTransport>(loop);
  Peer client;
  Peer upstream;  ///< which the transport brings by itself if `transport` has no script
  std::optional<HostPort> peer = HostPort::parse("127.0.0.1:50001").value();
  std::optional<Router> router;  ///< by default all upstreams in order
  PresetGaps* preset_gaps = nullptr;
  PasswordChecks::Matches matches = password_matches;  ///< used if there are Config::users
  std::vector<HostPort> listeners;                     ///< our own addresses
  /// What the client has connected to; `proxy_protocol` and Config::load_balancers as in Entrance.
  ListenConfig listen;
  ListenerTerms listener{listen};
  Resumptions resumptions;
  Limits limits;  ///< in force if the config has one
  LimitedSessions limited;
  SessionCounters counters;
  TraceBoard traces;
  std::unique_ptr<Session> session;
  int finished = 0;

 private:
  void on_finished(Session& session);
  std::string text_of(const MemoryFile& file);

  bool tells_clients_ = false;
  MemoryFile log_file_;
  MemoryFile access_file_;
  Log log_;
  std::string buffer_;
  PipePool pipes_;
  std::vector<std::unique_ptr<Upstream>> upstreams_;
  std::optional<AccessPolicy> access_;
  std::optional<AddressGuard> guard_;
  std::optional<StallWatch> stalls_;
  std::optional<Tracer> tracer_;
  std::optional<PasswordChecks> password_checks_;
  std::optional<SessionContext> context_;
};

}  // namespace culvert::test
