#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "codec/connection_options.h"
#include "codec/http_head.h"
#include "net/idle_timer.h"
#include "net/output.h"
#include "session/context.h"
#include "session/message_flow.h"
#include "session/plain_request.h"
#include "session/upstream_connection.h"

namespace culvert {

/// One plain HTTP request and its response: finds a connection (the one that is left from the
/// exchange before, if it fits), writes both heads anew, moves both bodies at the same time.  Lives
/// as long as its client connection and serves one exchange after the other, so that in the steady
/// state nothing is allocated.
class Exchange final : private StreamEvents {
 public:
  /// How it ended, as far as the client's connection is concerned.
  struct End {
    enum class Kind {
      next,      ///< answered; the next request may come
      close,     ///< answered; nothing more can follow on this connection
      abort,     ///< the answer broke off: only closing tells the client
      refused,   ///< nothing of an answer is written yet; `error` is to be told
      upgraded,  ///< answered with 101; the streams are a tunnel now
    };
    Kind kind = Kind::next;
    Side closed_by = Side::client;
    bool reset = false;  ///< with abort: a FIN would look like a complete answer
    std::optional<Error> error;
    std::string_view note;  ///< with close: what is worth a word in the log all the same
  };

  Exchange(SessionContext& context, Stream& client, Callback<void()> done);
  ~Exchange();

  /// Begins the next exchange; `request` and `route` outlive it.  `rest` is what came behind the
  /// head: body, or another request, which is put back into the client's stream.  `done` comes once
  /// for each begin() and may destroy the exchange.
  void begin(const PlainRequest& request, const Route& route, std::string_view rest);
  /// Forgets what the exchange before came to, but not its connection; begin() does so itself.
  void clear();
  /// The client is ready for something.
  void on_client_ready();

  const End& end() const { return end_; }
  /// A FIN now would look to the client like the end of a complete answer.
  bool would_look_complete() const;
  /// The client has not seen a byte of an answer.
  bool nothing_said() const { return !head_done_ && !interim_.begun(); }
  int status() const { return status_; }  ///< of the response; 0 before it has begun
  Upstream* upstream() const { return connection_.upstream; }
  std::uint64_t bytes_up() const { return up_.total(); }
  std::uint64_t bytes_down() const { return down_.total(); }
  /// The attempts that failed before the one that connected (RouteDial::failures()); nullptr if
  /// there was none.
  std::unique_ptr<std::string> take_failures() { return std::move(failures_); }
  std::int32_t connect_ms() const { return connect_ms_; }
  std::int32_t first_byte_ms() const { return first_byte_ms_; }
  /// The connection to go on with, after `upgraded`.
  std::unique_ptr<Stream> take_upstream() { return std::move(connection_.stream); }

 private:
  enum class Stage : std::uint8_t { idle, dial, active };

  bool may_reuse_connection() const;
  bool may_be_sent_twice() const;
  const Upstream* first_choice() const;
  void dial();
  void on_dialed(DialResult result);
  void begin_request();
  void append_request();
  void on_ready(Stream& upstream) override;
  void advance();
  bool pump_request();
  bool begin_late_request();
  void pump_late_request();
  bool read_response();
  bool take_response(std::span<char> bytes);
  bool take_interim(const ConnectionOptions& options, std::string_view rest);
  bool take_final(const ConnectionOptions& options, std::span<char> rest);
  bool flush_interim();
  bool pump_response();
  std::uint64_t progress() const { return up_.progress() + down_.progress(); }
  void client_gone(int sys, const char* text);
  bool response_missing(int sys);
  bool refuse_response(Error error);
  bool not_http(std::string fault);
  void on_idle();
  Error timeout_error() const;
  std::chrono::milliseconds limit() const;
  void finish_answered();
  void finish(End::Kind kind, Side closed_by, std::optional<Error> error = {});
  std::int32_t ms_since_begin() const;
  std::string where() const;

  SessionContext& context_;
  Stream& client_;
  Callback<void()> done_;
  const PlainRequest* request_ = nullptr;
  const Route* route_ = nullptr;
  std::string body_begin_;  // what came of the request's body before there was a connection
  std::unique_ptr<RouteDial> dial_;
  std::unique_ptr<std::string> failures_;
  UpstreamConnection connection_;
  MessageFlow up_;
  MessageFlow down_;
  HeadScanner scanner_;
  std::string response_bytes_;  // a response head that comes in pieces
  Output interim_;              // the head of a 1xx response that is not written yet
  unsigned interim_count_ = 0;
  ResponseHead response_;
  IdleTimer timer_;
  Loop::Clock::time_point begun_;
  End end_;
  std::int32_t connect_ms_ = -1;
  std::int32_t first_byte_ms_ = -1;
  int status_ = 0;
  Stage stage_ = Stage::idle;
  bool reused_ = false;            // the connection is left over and may be stale
  bool request_done_ = false;      // written, or given up
  bool request_given_up_ = false;  // the upstream takes no more of it, or the client sends no more
  bool client_ended_ = false;      // within its request, having seen some of the answer
  bool response_begun_ = false;    // a byte of the response has come
  bool head_done_ = false;         // the final response's head is on its way to the client
  bool answered_ = false;          // all of it is through, the request is not
  bool upgrading_ = false;         // 101 is on its way to the client
  bool timer_is_idle_ = false;     // the timer watches the response's body
  bool client_lives_on_ = false;
  bool upstream_lives_on_ = false;
};

}  // namespace culvert
