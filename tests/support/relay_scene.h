// A relay between two peers that the test plays.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "net/manual_clock.h"
#include "session/relay.h"
#include "support/numbered_bytes.h"
#include "support/scripted_stream.h"

namespace culvert::test {

class RelayScene {
 public:
  explicit RelayScene(Pace client_pace = {}, Pace upstream_pace = {}, RelaySettings settings = {});
  ~RelayScene();
  RelayScene(const RelayScene&) = delete;
  RelayScene& operator=(const RelayScene&) = delete;

  void start() { relay->start(); }
  /// Turns until the relay is done; then both streams have been closed.
  [[nodiscard]] bool run();
  /// Ends relay and streams, wherever they are.
  void destroy();

  ManualClock clock;
  Loop loop{&clock};
  Peer client;
  Peer upstream;
  std::unique_ptr<Relay> relay;
  int done = 0;
  RelayEnd end;  ///< what the relay reported when it was done
  std::uint64_t bytes_up = 0;
  std::uint64_t bytes_down = 0;

 private:
  void on_news(RelayNews news);

  std::string buffer_;
  PipePool pipes_;
  FlowResources resources_{buffer_, pipes_};
  std::unique_ptr<Stream> client_stream_;
  std::unique_ptr<Stream> upstream_stream_;
};

}  // namespace culvert::test
