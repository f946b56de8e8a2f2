#pragma once

#include <termios.h>

#include <optional>
#include <string_view>

#include "base/callback.h"
#include "net/loop.h"

namespace culvert {

/// The keys of a terminal: they come one by one and are not shown, as long as this exists.  Those
/// that make signals (Ctrl-C) still do.
class TerminalKeys final : private Pollable {
 public:
  /// Empty at the end of the terminal.
  using Typed = Callback<void(std::string_view)>;

  /// If `fd` is no terminal nothing is changed, and nothing comes.
  TerminalKeys(Loop& loop, int fd, Typed typed);
  ~TerminalKeys() override;
  TerminalKeys(const TerminalKeys&) = delete;
  TerminalKeys& operator=(const TerminalKeys&) = delete;

  /// While this process is stopped its terminal is as it was.
  void give_back();
  void take();

 private:
  void on_poll(std::uint32_t events) override;

  Loop& loop_;
  int fd_;
  Typed typed_;
  bool watched_ = false;
  std::optional<termios> before_;  // nullopt: it is as it was
};

}  // namespace culvert
