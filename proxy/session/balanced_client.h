#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/connection_ends.h"
#include "base/host_port.h"
#include "net/stream.h"
#include "net/timer.h"
#include "session/client_protocol.h"
#include "session/context.h"

namespace culvert {

/// A client behind a load balancer (`?proxy-protocol=on`): the balancer's PROXY header comes first,
/// and then what the client speaks.
///
/// The header is believed only if a --load-balancer has connected, and is required then.  Who fails
/// in that and speaks HTTP gets an HTTP response, anything else is closed without a word.
class BalancedClient final : public ClientProtocol {
 public:
  /// `context` and `client` outlive it.  `peer` has connected; nullopt for a unix socket.  `next`
  /// reads from `client` after the header.
  BalancedClient(SessionContext& context, Stream& client, const std::optional<HostPort>& peer,
                 std::unique_ptr<ClientProtocol> next);

  void start(ClientEvents& events) override;
  void on_ready() override;
  /// There is none before the header.
  void next_request() override {}
  bool request_begun() const override { return false; }
  bool handshake_begun() const override { return !received_.empty(); }
  RequestLine request_line() const override { return {}; }
  void begin_drain() override;
  [[gnu::cold]] std::unique_ptr<ClientProtocol> renewed(SessionContext& context) override;
  std::string_view established() const override { return {}; }
  std::string refusal(const Error& error) const override;

 private:
  void hand_on(ConnectionEnds ends, std::size_t header_bytes);
  void refuse(Error error);
  void on_end();
  void on_deadline();

  SessionContext& context_;
  Stream& client_;
  std::optional<IpAddress> peer_;
  std::unique_ptr<ClientProtocol> next_;
  ClientEvents* events_ = nullptr;
  Timer deadline_;  // of the header
  std::string received_;
};

}  // namespace culvert
