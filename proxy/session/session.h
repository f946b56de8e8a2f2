#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/host_port.h"
#include "codec/request_target.h"
#include "dial/route_dial.h"
#include "net/stream.h"
#include "session/context.h"
#include "session/relay.h"

namespace culvert {

/// One client connection, from accept to last byte.  The methods stand in the order in which a
/// CONNECT passes them; a plain request leaves that way for an Exchange and comes back for the next
/// one.
class Session final : private StreamEvents {
 public:
  /// Why the request is refused whatever it says; it is read all the same, so that the client sees
  /// the answer.
  enum class Admission : std::uint8_t { serve, draining, full };

  /// `peer` is nullopt for a unix socket.  `finished` comes once, as the last thing the session
  /// does; the receiver destroys it when no frame of it is on the stack.
  Session(SessionContext& context, std::uint64_t id, std::unique_ptr<Stream> client,
          const std::optional<HostPort>& peer, Admission admission,
          Callback<void(Session&)> finished);
  ~Session();

  void start();
  /// Takes up no further request.
  void begin_drain();
  /// Where the owner keeps this session; its own business.
  std::size_t slot = 0;
  /// Ends the session now.  Nobody is to take what is cut off for complete.
  void abort(std::string_view why);

 private:
  enum class Stage : std::uint8_t {
    head,
    route,
    dial,
    established,
    tunnel,
    exchange,
    answer,
    over,
  };
  struct Opening;  // what is needed until a tunnel stands
  struct Plain;    // what plain requests need; kept from one to the next

  void on_ready(Stream& client) override;
  void read_head();
  void route();
  AddressGuard::Client client_place() const;
  void dial(const Route& route, const HostPort& target);
  void on_dialed(DialResult result);
  void write_established();
  void begin_tunnel();
  void on_relay_done();
  bool was_false_success() const;

  void begin_exchange();
  void answer_ourselves();
  void take_over_exchange();
  void on_exchange_done();
  void next_request();

  bool owes_answer() const;
  void tell_of_abort();
  bool is_head_request() const;

  void refuse(Error error);
  void close_with(std::string answer);
  void on_answered(Result<void> taken);
  void on_deadline();
  void finish(std::string_view outcome, Side closed_by, std::string_view detail);
  std::string client_text() const;
  void log_access(Stage stage, std::string_view outcome, Side closed_by, std::string_view detail);

  SessionContext& context_;
  std::uint64_t id_;
  std::unique_ptr<Stream> client_;
  std::unique_ptr<Stream> upstream_stream_;
  std::unique_ptr<Relay> relay_;
  std::unique_ptr<Opening> opening_;
  std::unique_ptr<Plain> plain_;
  Callback<void(Session&)> finished_;
  Loop::Clock::time_point started_;
  std::string method_;
  std::string target_;
  Upstream* upstream_ = nullptr;
  std::unique_ptr<std::string> failures_;  // of the attempts before the one that connected
  std::optional<IpAddress> client_ip_;
  std::uint16_t client_port_ = 0;
  Admission admission_;
  Stage stage_ = Stage::head;
  std::int16_t status_ = 0;
  std::int32_t connect_ms_ = -1;
};

}  // namespace culvert
