#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/callback.h"
#include "base/log.h"
#include "config/config.h"
#include "net/loop.h"
#include "net/predecessor.h"
#include "server/tunnel_command.h"
#include "server/tunnel_ports.h"
#include "server/tunnel_set.h"

namespace culvert {

/// What runs by --tunnel-command: as many as --tunnels says, each started again by itself.  Those
/// beyond that run on until they are not needed.
class TunnelCommands {
 public:
  /// `config` is of the start, as a changed command takes a restart; the ports that it needs are
  /// among `ports`, which outlive it.
  TunnelCommands(Loop& loop, Log& log, const Config& config, const TunnelPorts& ports);
  ~TunnelCommands();
  TunnelCommands(const TunnelCommands&) = delete;
  TunnelCommands& operator=(const TunnelCommands&) = delete;

  /// By which two processes find that they want the same: a secret.
  static std::string identity(std::string_view command, std::size_t count);
  std::string identity() const { return identity(command_.reveal(), count_); }
  /// Whether `config` has the command that runs.
  bool runs_by(const Config& config) const {
    return config.tunnel_command.reveal() == command_.reveal();
  }

  /// As many are wanted from now on; those that run already stay as they are.
  void set_count(std::size_t count, const std::vector<PassedCommand>& passed = {});
  std::size_t count() const { return count_; }

  /// Those that run and are not wanted any more.
  TunnelSet leaving() const;
  /// Of the leaving ones, only `needed` run on.
  void end_leaving(TunnelSet needed);

  /// Those that are wanted, for the process that takes them over.  The caller closes the `pid_fd`
  /// of each.
  std::vector<PassedCommand> to_pass_on() const;
  /// Another process looks after those from now on.
  void release();

  /// Ends all.  `stopped` is called once, perhaps within this call.
  void stop(Callback<void()> stopped);
  /// By force and now.
  void kill();

 private:
  struct One;

  void on_stopped();
  void label_all();

  Loop& loop_;
  Log& log_;
  Secret command_;
  const TunnelPorts& ports_;
  std::size_t count_ = 0;
  std::vector<std::unique_ptr<One>> all_;
  std::size_t left_ = 0;  // to be stopped
  Callback<void()> stopped_;
};

}  // namespace culvert
