#pragma once

#include <string>
#include <string_view>

#include "codec/socks_server.h"
#include "net/output.h"
#include "net/stream.h"
#include "net/timer.h"
#include "session/client_protocol.h"
#include "session/context.h"

namespace culvert {

/// A client that speaks SOCKS5, SOCKS4 or SOCKS4a: one CONNECT.
class SocksClient final : public ClientProtocol {
 public:
  /// Both outlive it.
  SocksClient(SessionContext& context, Stream& client);

  void start(ClientEvents& events) override;
  void on_ready() override;
  /// There is none after a CONNECT.
  void next_request() override {}
  bool request_begun() const override { return server_.begun(); }
  bool takes_turns() const override { return true; }
  RequestLine request_line() const override;
  Result<Credentials> take_credentials() override { return server_.take_credentials(); }
  void signed_in() override;
  /// The handshake has begun, so it is answered.
  void begin_drain() override {}
  std::string_view established() const override { return server_.granted(); }
  /// Behind what is still to be sent of the handshake.
  std::string refusal(const Error& error) const override;

 private:
  bool flush();
  bool take(std::string_view bytes);
  void on_mistake(Error error);
  void on_complete();
  void on_deadline();

  SessionContext& context_;
  Stream& client_;
  ClientEvents* events_ = nullptr;
  Timer deadline_;  // of the whole handshake
  SocksServer server_;
  Output replies_;
  std::string rest_;  // received after the request, or after what is to be checked first
  ClientRequest request_;
};

}  // namespace culvert
