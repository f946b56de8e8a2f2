#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "config/config.h"
#include "dial/dial.h"
#include "dial/transport.h"
#include "dial/upstream_protocol.h"
#include "net/output.h"
#include "net/stream.h"
#include "net/timer.h"

namespace culvert {

/// Finds out what else a proxy speaks that does not seem to speak the protocol of its URL: sends it
/// the openings of others, each on a connection of its own, with neither target nor credentials,
/// until it replies to one.
class ProtocolLook final : private StreamEvents {
 public:
  /// What the proxy speaks, as guess_protocol() names it; empty if that is not known, or the URL's.
  /// Called once, as the last thing; may destroy the look.  Destruction cancels.
  using Done = Callback<void(std::string_view)>;

  /// `transport` and `upstream` outlive the look.
  ProtocolLook(Loop& loop, Transport& transport, const UpstreamConfig& upstream, Done done);

  /// Takes `limit` at most, and a second.  `connection` to the proxy, on which nothing was sent, is
  /// used first if there is one.
  void start(std::chrono::milliseconds limit, std::unique_ptr<Stream> connection = nullptr);

 private:
  void connect();
  void on_connected(DialResult result);
  void ask(std::unique_ptr<Stream> connection);
  void on_ready(Stream&) override;
  void judge();
  void ask_next();
  void finish(std::string_view protocol);

  Transport& transport_;
  const UpstreamConfig& upstream_;
  Done done_;
  Timer timer_;     // for the reply to one opening
  Timer deadline_;  // for all
  std::span<const ProxyOpening> openings_;
  std::size_t current_ = 0;
  std::unique_ptr<Dial> dial_;
  std::unique_ptr<Stream> stream_;
  Output output_;
  std::string reply_;
};

}  // namespace culvert
