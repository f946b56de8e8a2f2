#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "net/idle_timer.h"
#include "policy/stall_rule.h"
#include "session/context.h"
#include "session/plain_request.h"
#include "session/request_side.h"
#include "session/response_side.h"
#include "session/session_record.h"
#include "session/upstream_connection.h"

namespace culvert {

struct Pacers;

/// One plain HTTP request and its response: finds a connection (that of the previous exchange, if
/// it fits), drives a RequestSide and a ResponseSide at the same time, and decides how it ends.
/// Lives as long as its client connection and serves one exchange after the other, so that in the
/// steady state nothing is allocated.
class Exchange final : private StreamEvents {
 public:
  /// How it ended, for the client's connection.
  struct End {
    enum class Kind {
      next,      ///< answered; the connection is open for the next request
      close,     ///< answered; nothing more can follow on this connection
      abort,     ///< the response was cut off: the connection must be closed
      refused,   ///< nothing of a response is written yet: the client gets `error`
      upgraded,  ///< answered with 101; the streams are a tunnel now
    };
    Kind kind = Kind::next;
    Side closed_by = Side::client;
    bool reset = false;  ///< with abort: a FIN would look like a complete answer
    std::optional<Error> error;
    std::string_view note;  ///< with close: for the access log; may be empty
  };

  Exchange(SessionContext& context, Stream& client, Callback<void()> done);
  ~Exchange();

  /// Both directions wait for their turns, see Pacer; resume() is to be called when one is
  /// ready.
  void pace(Pacers& pacers);
  void resume() {
    if (stage_ == Stage::active) advance();
  }
  /// Begins the next exchange; `request` and `route` outlive it.  `rest` is what was received after
  /// the head: body, or another request, which is put back into the client's stream.  `done` is
  /// called once for each begin() and may destroy the exchange.
  void begin(const PlainRequest& request, const Route& route, std::string_view rest);
  /// Discards the state of the previous exchange, but keeps its connection; begin() does so itself.
  void clear();
  /// The client's stream is ready.
  void on_client_ready();

  const End& end() const { return end_; }
  /// The client would take a FIN now for the end of a complete response.
  bool would_look_complete() const {
    return stage_ == Stage::active && response_.would_look_complete();
  }
  /// An error response can still replace the upstream's response.
  bool nothing_sent() const { return !response_.has_final_head() && !response_.within_interim(); }
  int status() const { return response_.status(); }  ///< of the response; 0 before it has begun
  Upstream* upstream() const { return connection_.upstream; }
  /// Why that one.
  ChosenBy chosen_by() const { return connection_.chosen_by; }
  std::uint64_t bytes_up() const { return request_.body_bytes(); }
  std::uint64_t bytes_down() const { return response_.body_bytes(); }
  /// The attempts that failed before the one that connected (RouteDial::failures()); nullptr if
  /// none did.
  std::unique_ptr<std::string> take_failures() { return std::move(failures_); }
  std::int32_t connect_ms() const { return connect_ms_; }
  std::int32_t first_byte_ms() const { return first_byte_ms_; }
  /// Its dial holds the request, see RouteDial.
  bool is_held() const { return stage_ == Stage::dial && dial_ && dial_->holds(); }
  bool is_connected() const { return stage_ == Stage::active; }
  /// When something moved last, from activate() on.
  Loop::Clock::time_point last_moved() const { return timer_.last_progress(); }
  /// Bytes for that side that it has not acknowledged, here and in the kernel.
  std::uint64_t waiting_for_client() const { return response_.held() + client_.unsent(); }
  std::uint64_t waiting_for_upstream() const {
    return is_connected() ? request_.held() + connection_.stream->unsent() : 0;
  }
  const Stream* upstream_stream() const { return connection_.stream.get(); }
  /// Whether something should move in it.  Only if it is connected.
  [[gnu::cold]] StallSigns stall_signs() const;
  /// The upstream's connection, after `upgraded`.
  std::unique_ptr<Stream> take_upstream() { return std::move(connection_.stream); }

 private:
  enum class Stage : std::uint8_t { idle, dial, active };

  bool may_reuse_connection() const;
  bool is_on_route() const;
  void begin_dial();
  void dial(DialPurpose purpose);
  bool may_forward_upgrade(const Error& refusal) const;
  void note_failures(std::string failures);
  void on_dialed(DialResult result);
  void activate();
  void on_ready(Stream& upstream) override;
  void advance();
  bool send_request();
  bool receive_response();
  bool client_awaits_100() const;
  std::optional<Side> owes() const;
  void on_complete();
  void send_rest();
  void on_no_head(int sys);
  bool may_be_early_grant() const;
  void on_early_grant(int sys);
  bool may_look_again() const;
  void client_gone(int sys, const char* text);
  std::chrono::milliseconds limit() const;
  void on_idle();
  std::string early_grants() const;
  Error timeout_error() const;
  void finish_answered();
  void fail_without_memory(int sys);
  void fail(Side closed_by, Error error);
  void finish(End::Kind kind, Side closed_by, std::optional<Error> error = {});
  std::uint64_t progress() const { return request_.progress() + response_.progress(); }
  /// The side that responds, for errors.
  std::string upstream_name() const { return connection_.name_for(target()); }
  const HostPort& target() const { return request_.request().target.authority; }

  SessionContext& context_;
  Stream& client_;
  Callback<void()> done_;
  const Route* route_ = nullptr;
  std::unique_ptr<RouteDial> dial_;
  std::unique_ptr<std::string> failures_;
  UpstreamConnection connection_;
  LoadShare load_;  // while it is connected
  RequestSide request_;
  ResponseSide response_;
  IdleTimer timer_;
  Loop::Clock::time_point begun_;
  End end_;
  // This request's attempts that ended after they had connected: upstreams that granted a
  // connection and ended it unanswered, and whether a proxy did so that takes absolute-form.
  std::vector<Upstream*> ended_early_;
  bool looks_again_ = false;
  std::int32_t connect_ms_ = -1;
  std::int32_t first_byte_ms_ = -1;
  Stage stage_ = Stage::idle;
  DialPurpose purpose_ = DialPurpose::forward;  // of the dial
};

}  // namespace culvert
