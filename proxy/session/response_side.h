#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/error.h"
#include "codec/connection_options.h"
#include "codec/http_head.h"
#include "net/loop.h"
#include "net/output.h"
#include "session/context.h"
#include "session/message_flow.h"
#include "session/request_side.h"
#include "session/upstream_connection.h"

namespace culvert {

/// The half of an exchange towards the client: interim responses (1xx) as they arrive, then the
/// final response's rewritten head and its body.
class ResponseSide {
 public:
  enum class State : std::uint8_t {
    waiting,    ///< not a byte of it has arrived
    head,       ///< some of it has arrived, but not the complete final head
    switching,  ///< 101 is being written to the client
    body,       ///< the final head and the body are being written to the client
    complete,   ///< the client has all of it
  };

  /// `request` and `connection` are those of the exchange.
  ResponseSide(SessionContext& context, Stream& client, const RequestSide& request,
               const UpstreamConnection& connection)
      : context_(context),
        client_(client),
        request_(request),
        connection_(connection),
        scanner_(HeadScanner::Kind::response),
        flow_(HeadScanner::Kind::response) {}

  /// Makes the responses wait for their turn, see Pacer.
  void pace(Pacer* pacer) { flow_.pace(pacer); }
  bool waits_for_turn() const { return flow_.waits_for_turn(); }
  /// The request is about to be sent.
  void begin();

  struct Outcome {
    enum class Kind {
      waiting,       ///< nothing more can move now
      switched,      ///< the client has the 101: the streams are a tunnel
      complete,      ///< the client has all of it
      no_head,       ///< the upstream closed (sys 0), or failed, before a complete final head
      failed,        ///< it is invalid or was cut off: see `error`
      write_failed,  ///< the client's connection failed
    };
    Kind kind = Kind::waiting;
    int sys = 0;                 ///< errno, with no_head and write_failed
    std::optional<Error> error;  ///< with failed
  };
  /// Moves what is available.
  Outcome advance();

  State state() const { return state_; }
  /// The final head is being written to the client, or is written.
  bool has_final_head() const { return state_ >= State::body; }
  bool complete() const { return state_ == State::complete; }
  /// The client has half of an interim head, so no other response may be written.
  bool within_interim() const { return interim_.begun(); }
  /// The client would take a FIN now for the end of a complete response.
  bool would_look_complete() const { return state_ == State::body && !flow_.self_delimited(); }
  /// 0 before the final head or 101.
  int status() const { return status_; }
  /// The client's connection stays open for another request, and the response's head said so.
  bool client_persists() const { return client_persists_; }
  /// The upstream's connection may be used for another request once this one is sent.
  bool upstream_persists() const { return upstream_persists_; }
  /// More bytes of the upstream are awaited.
  bool starved() const { return flow_.starved(); }
  /// Bytes that were read and are not written.
  std::size_t held() const { return flow_.held(); }
  /// 100 (Continue) was received.
  bool has_continue() const { return has_continue_; }
  /// Bytes of the body that the upstream has sent, without framing.
  std::uint64_t body_bytes() const { return flow_.total(); }
  /// Grows as long as anything moves; a head counts once it is complete.
  std::uint64_t progress() const {
    return flow_.progress() + interim_count_ + (has_final_head() ? 1 : 0);
  }

  /// Returns what a response borrows while it moves; the counters stay.
  void release(const FlowResources& resources);
  /// Discards the response.
  void clear(const FlowResources& resources);

 private:
  Outcome flush_interim();
  Io read_head(std::span<char> buffer);
  Outcome take(std::span<char> bytes);
  [[gnu::cold]] void tell_head() const;
  bool interim_floods(std::size_t bytes);
  Outcome take_interim(const ConnectionOptions& options, std::string_view rest);
  Outcome take_final(const ConnectionOptions& options, std::span<char> rest);
  Outcome pump_body();
  const char* fault_of_switch() const;
  Outcome bad_answer(Error error) const;
  Outcome bad_answer(const char* fault) const;
  Outcome fail(Errc code, int sys, std::string_view fault) const;

  SessionContext& context_;
  Stream& client_;
  const RequestSide& request_;
  const UpstreamConnection& connection_;
  HeadScanner scanner_;
  std::string begun_head_;  // a head that arrives in pieces
  ResponseHead head_;
  Output interim_;  // the head of a 1xx response that is not written yet
  MessageFlow flow_;
  std::uint64_t interim_count_ = 0;
  std::size_t interim_bytes_ = 0;
  Loop::Clock::time_point last_interim_;
  int status_ = 0;
  State state_ = State::waiting;
  bool has_continue_ = false;
  bool client_persists_ = false;
  bool upstream_persists_ = false;
};

}  // namespace culvert
