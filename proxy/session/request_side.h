#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "session/message_flow.h"
#include "session/plain_request.h"
#include "session/upstream_connection.h"

namespace culvert {

/// The half of an exchange towards the upstream: the request's rewritten head and its body.  It may
/// take longer than the response.
class RequestSide {
 public:
  enum class State : std::uint8_t {
    held,              ///< there is no connection yet
    sending,           ///< head and body are being sent
    sent,              ///< the upstream has all of it
    upstream_stopped,  ///< abandoned: the upstream accepts no more of it
    client_stopped,    ///< abandoned: the client sends no more of it
  };

  explicit RequestSide(Stream& client) : client_(client), flow_(HeadScanner::Kind::request) {}
  ~RequestSide();

  /// Makes the bodies wait for their turn, see Pacer.
  void pace(Pacer* pacer) { flow_.pace(pacer); }
  bool waits_for_turn() const { return flow_.waits_for_turn(); }
  /// Takes the next request, which outlives it.  `rest` is what was received after its head.
  void hold(const PlainRequest& request, std::string_view rest);
  /// Starts to send it.  The part of `rest` that belongs to another request is put back into the
  /// client's stream.  Fails, with the client's side, if the body is malformed.
  Result<void> begin(const UpstreamConnection& connection, std::string_view pseudonym);
  /// Sends what is available of a request that is `sending`.  `incomplete` and `malformed` do not
  /// change the state: what they mean depends on the response.
  MessageFlow::Outcome pump(const FlowResources& resources);
  /// The client sends no more of it.
  void stop() { state_ = State::client_stopped; }

  const PlainRequest& request() const { return *request_; }
  State state() const { return state_; }
  /// Nothing more of it will be sent.
  bool over() const { return state_ > State::sending; }
  bool sent() const { return state_ == State::sent; }
  /// More bytes of the client are awaited.
  bool starved() const { return flow_.starved(); }
  /// Bytes that were read and are not written.
  std::size_t held() const { return flow_.held(); }
  /// Bytes of the body that the client has sent, without framing.
  std::uint64_t body_bytes() const { return flow_.total(); }
  /// Grows as long as anything moves.
  std::uint64_t progress() const { return flow_.progress(); }

  /// Returns what a request borrows while it moves; the counters stay.
  void release(const FlowResources& resources) { flow_.release(resources); }
  /// Discards the request.
  void clear(const FlowResources& resources);

 private:
  void append_head(const UpstreamConnection& connection, std::string_view pseudonym);
  [[gnu::cold]] void tell_head(const UpstreamConnection& connection);

  Stream& client_;
  Stream* upstream_ = nullptr;
  const PlainRequest* request_ = nullptr;
  std::string held_;  // body bytes that were received before there was a connection
  MessageFlow flow_;
  State state_ = State::held;
};

}  // namespace culvert
