#include "server/serve_signals.h"

#include <csignal>

namespace culvert {

ServeSignals::ServeSignals(Server& server)
    : server_(server),
      terminate_(server.loop(), SIGTERM, Callback<void(int)>::to<&ServeSignals::on_end>(this)),
      interrupt_(server.loop(), SIGINT, Callback<void(int)>::to<&ServeSignals::on_end>(this)),
      hang_up_(server.loop(), SIGHUP, Callback<void(int)>::to<&ServeSignals::on_reload>(this)),
      upgrade_(server.loop(), SIGUSR2, Callback<void(int)>::to<&ServeSignals::on_hand_over>(this)) {
}

}  // namespace culvert
