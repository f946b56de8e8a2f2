#pragma once

#include <cstddef>
#include <memory>
#include <string_view>

#include "dial/route_dial.h"
#include "net/stream.h"
#include "net/timer.h"
#include "session/context.h"
#include "session/session_record.h"

namespace culvert {

/// Opens a tunnel for an admitted CONNECT: dials along the route, then writes the success response.
/// Fills in the record meanwhile.
class TunnelOpening {
 public:
  /// All of these outlive it.  `established` is the complete success response.  `done` is called
  /// once, and may destroy this: with the connection to the target; with Errc::canceled if the
  /// client is gone; with any other error if the client is to get an error response.
  TunnelOpening(SessionContext& context, Stream& client, SessionRecord& record,
                std::string_view established, DialDone done);

  void begin(const Route& route, const HostPort& target, const AddressCheck& check);
  void on_client_ready();
  /// Nothing of a response was written to the client.
  bool nothing_sent() const { return record_.stage == SessionStage::dial; }
  /// See RouteDial.
  bool is_held() const { return nothing_sent() && dial_ && dial_->holds(); }

 private:
  void on_dialed(DialResult result);
  void write_established();
  void on_deadline();
  void client_gone(std::string_view detail);

  SessionContext& context_;
  Stream& client_;
  SessionRecord& record_;
  std::string_view established_;
  std::size_t written_ = 0;  // of it
  DialDone done_;
  Loop::Clock::time_point dial_begun_;
  std::unique_ptr<RouteDial> dial_;
  std::unique_ptr<Stream> upstream_;
  Timer deadline_;  // of writing
};

}  // namespace culvert
