#include "support/relay_scene.h"

#include "support/catch.h"
#include "support/turns.h"

namespace culvert::test {

RelayScene::RelayScene(Pace client_pace, Pace upstream_pace, RelaySettings settings)
    : client(loop, client_pace),
      upstream(loop, upstream_pace),
      buffer_(64 * 1024, '\0'),
      client_stream_(client.stream()),
      upstream_stream_(upstream.stream()) {
  relay = std::make_unique<Relay>(loop, *client_stream_, *upstream_stream_, resources_, settings,
                                  Callback<void(RelayNews)>::to<&RelayScene::on_news>(this));
}

RelayScene::~RelayScene() {
  destroy();
  CHECK_FALSE(loop.busy());
}

void RelayScene::on_news(RelayNews news) {
  if (news != RelayNews::end) return;
  ++done;
  end = relay->end();
  bytes_up = relay->bytes_up();
  bytes_down = relay->bytes_down();
  destroy();
}

void RelayScene::destroy() {
  relay.reset();
  client_stream_.reset();
  upstream_stream_.reset();
}

bool RelayScene::run() {
  return turn_until(loop, [this] { return done > 0; });
}

}  // namespace culvert::test
