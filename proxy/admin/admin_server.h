#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "admin/admin_desk.h"
#include "net/listener.h"
#include "net/loop.h"
#include "net/runtime_socket.h"
#include "net/thread.h"
#include "server/server.h"

namespace culvert {

/// The admin interface beside a server, in a thread of its own, so that whatever its clients do
/// holds up no proxy client.  Without `--admin` that thread begins when somebody first asks at the
/// runtime socket.
class AdminServer final : private ServerWatcher, private Pollable {
 public:
  /// With the sockets of `--admin` that `server` has.  `socket` may be null.  In the thread of the
  /// server, as all else; `server` outlives it.
  AdminServer(Server& server, std::unique_ptr<RuntimeSocket> socket);
  /// As end().
  ~AdminServer();
  AdminServer(const AdminServer&) = delete;
  AdminServer& operator=(const AdminServer&) = delete;

  /// The server's workers run.
  void begin();
  /// Its loop turns no more, or will not for long.
  void end();

 private:
  void on_poll(std::uint32_t events) override;
  void on_adopted(const std::shared_ptr<const Ruleset>& ruleset) override;
  void on_draining(bool handed_over) override;
  void start_thread();
  void stop_watching();

  Server& server_;
  std::unique_ptr<RuntimeSocket> socket_;
  std::vector<ListenSocket> sockets_;  // until the thread has them
  Loop::Clock::time_point started_;
  bool watches_ = false;
  bool handed_over_ = false;
  // From here on the thread's.
  std::optional<Loop> loop_;
  std::optional<AdminDesk> desk_;
  std::optional<Thread> thread_;
};

}  // namespace culvert
