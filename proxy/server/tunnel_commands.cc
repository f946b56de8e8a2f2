#include "server/tunnel_commands.h"

#include <utility>

#include <fmt/format.h>

namespace culvert {

/// The command of one tunnel.  One that has ended, and is not wanted, stays here without a process.
struct TunnelCommands::One {
  One(TunnelCommands& all, std::uint16_t port)
      : owner(all), command(all.loop_, all.log_, all.command_, port) {}

  void want() {
    if (std::exchange(wanted, true)) return;
    if (ending) return;  // it is started again once it has ended
    if (!command.running()) return command.start();
    command.stay();
  }

  void want_no_more() {
    if (!std::exchange(wanted, false)) return;
    if (!ending) command.let_end(Callback<void()>::to<&One::on_ended>(this));
  }

  void end() {
    if (!std::exchange(ending, true)) command.stop(Callback<void()>::to<&One::on_ended>(this));
  }

  void on_ended() {
    ending = false;
    if (owner.stopped_) return owner.on_stopped();
    if (wanted) command.start();
  }

  TunnelCommands& owner;
  TunnelCommand command;
  bool wanted = false;
  bool ending = false;
};

TunnelCommands::TunnelCommands(Loop& loop, Log& log, const Config& config, const TunnelPorts& ports)
    : loop_(loop), log_(log), command_(config.tunnel_command), ports_(ports) {}

TunnelCommands::~TunnelCommands() = default;

std::string TunnelCommands::identity(std::string_view command, std::size_t count) {
  std::string text(command);
  if (count > 1) text += fmt::format("\n--tunnels {}", count);
  return text;
}

void TunnelCommands::set_count(std::size_t count, const std::vector<PassedCommand>& passed) {
  count_ = count;
  while (all_.size() < count) {
    const std::size_t tunnel = all_.size() + 1;
    all_.push_back(std::make_unique<One>(*this, ports_.of(tunnel)));
  }
  label_all();
  for (std::size_t i = 0; i < all_.size(); ++i) {
    One& one = *all_[i];
    if (i >= count) {
      one.want_no_more();
    } else if (i < passed.size() && passed[i].running) {
      one.wanted = true;
      one.command.take_over(*passed[i].running);
    } else {
      one.want();
    }
  }
}

/// One that was one of several keeps its number.
void TunnelCommands::label_all() {
  for (std::size_t i = 0; i < all_.size(); ++i) {
    all_[i]->command.set_label(all_.size() > 1 ? fmt::format("tunnel {}", i + 1) : "tunnel");
  }
}

TunnelSet TunnelCommands::leaving() const {
  TunnelSet set = 0;
  for (std::size_t i = count_; i < all_.size(); ++i) {
    if (all_[i]->command.running() && !all_[i]->ending) set |= tunnel_bit(i + 1);
  }
  return set;
}

void TunnelCommands::end_leaving(TunnelSet needed) {
  const TunnelSet ending = leaving() & ~needed;
  for (std::size_t i = 0; i < all_.size(); ++i) {
    if ((ending & tunnel_bit(i + 1)) != 0) all_[i]->end();
  }
}

std::vector<PassedCommand> TunnelCommands::to_pass_on() const {
  std::vector<PassedCommand> out;
  for (std::size_t i = 0; i < count_; ++i) {
    out.push_back({ports_.of(i + 1), all_[i]->command.handle()});
  }
  return out;
}

void TunnelCommands::release() {
  for (std::size_t i = 0; i < count_; ++i) {
    all_[i]->wanted = false;
    all_[i]->command.release();
  }
}

void TunnelCommands::stop(Callback<void()> stopped) {
  stopped_ = stopped;
  left_ = all_.size() + 1;
  for (const auto& one : all_) {
    one->ending = false;  // it is to tell us
    one->end();
  }
  on_stopped();
}

void TunnelCommands::on_stopped() {
  if (--left_ == 0) stopped_();
}

void TunnelCommands::kill() {
  for (const auto& one : all_) one->command.kill();
}

}  // namespace culvert
