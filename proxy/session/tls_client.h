#pragma once

#include "net/timer.h"
#include "net/tls_stream.h"
#include "session/client_protocol.h"
#include "session/context.h"

namespace culvert {

/// A client that speaks TLS to us: its handshake, after which another protocol goes on within.  A
/// failure has its alert, and no other answer.
class TlsClient final : public ClientProtocol {
 public:
  /// All outlive it.
  TlsClient(SessionContext& context, TlsStream& client, const ListenerTerms& listener);

  void start(ClientEvents& events) override;
  void on_ready() override;
  void next_request() override {}
  bool request_begun() const override { return false; }
  bool takes_turns() const override { return true; }
  bool handshake_begun() const override { return true; }
  RequestLine request_line() const override { return {}; }
  void begin_drain() override;
  std::string_view established() const override { return {}; }
  std::string refusal(const Error&) const override { return {}; }

 private:
  void on_complete();
  void on_failed(const Io& io);
  void on_deadline();

  SessionContext& context_;
  TlsStream& client_;
  const ListenerTerms& listener_;
  ClientEvents* events_ = nullptr;
  Timer deadline_;  // of the handshake
  bool draining_ = false;
};

}  // namespace culvert
