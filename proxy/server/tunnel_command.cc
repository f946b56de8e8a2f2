#include "server/tunnel_command.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/duration.h"
#include "config/tunnel_port.h"
#include "net/free_port.h"

namespace culvert {

using std::chrono::milliseconds;

namespace {

constexpr milliseconds kFirstWait{250};
constexpr milliseconds kLongestWait{30'000};
// One that ran for so long was working; the cause of its end may be over already.
constexpr milliseconds kRanWell{10'000};
constexpr milliseconds kTimeToEnd{3'000};
constexpr unsigned kMostLinesPerSecond = 100;
constexpr std::size_t kLastWords = 10;

}  // namespace

TunnelCommand::TunnelCommand(Loop& loop, Log& log, const Secret& command, std::uint16_t port)
    : loop_(loop),
      log_(log),
      command_(port == 0 ? command : Secret(with_port(command.reveal(), port))),
      port_(port),
      name_(shown_name(command.reveal())),
      timer_(loop, Callback<void()>::to<&TunnelCommand::on_timer>(this)) {}

std::string TunnelCommand::shown_name(std::string_view command) {
  constexpr std::string_view kBetweenWords = " \t\n";
  command.remove_prefix(std::min(command.find_first_not_of(kBetweenWords), command.size()));
  std::string_view word = command.substr(0, command.find_first_of(kBetweenWords));
  // PASSWORD=... before the program, or something that only the shell understands.
  if (word.find_first_of("='\"`$(){};|&<>\\") != std::string_view::npos) return "command";
  if (const std::size_t slash = word.rfind('/'); slash != std::string_view::npos) {
    word.remove_prefix(slash + 1);
  }
  return std::string(word);
}

void TunnelCommand::start() {
  started_ = loop_.now();
  stopped_ = {};
  log_.write(Log::Level::info, fmt::format("{}: starting {}", label_, name_));
  if (port_ != 0 && is_listened_at(port_)) {
    log_.write(Log::Level::warning,
               fmt::format("{}: another process listens at 127.0.0.1:{}, the port that was free "
                           "for it",
                           label_, port_));
  }
  auto child = ChildProcess::start(loop_, std::string(command_.reveal()),
                                   ChildProcess::Line::to<&TunnelCommand::on_line>(this),
                                   ChildProcess::Exited::to<&TunnelCommand::on_exit>(this));
  if (!child) return start_later(child.error().text);
  child_ = std::move(*child);
}

void TunnelCommand::take_over(const ChildProcess::Handle& running) {
  started_ = loop_.now();
  log_.write(Log::Level::info, fmt::format("{}: {} goes on running", label_, name_));
  child_ =
      ChildProcess::take_over(loop_, running, ChildProcess::Line::to<&TunnelCommand::on_line>(this),
                              ChildProcess::Exited::to<&TunnelCommand::on_exit>(this));
}

std::optional<ChildProcess::Handle> TunnelCommand::handle() const {
  return child_ ? child_->handle() : std::nullopt;
}

void TunnelCommand::release() {
  timer_.stop();
  if (child_) child_->release();
  child_.reset();
}

void TunnelCommand::on_line(std::string_view line) {
  if (loop_.now() - second_ >= std::chrono::seconds(1)) {
    report_suppressed();
    second_ = loop_.now();
    lines_ = 0;
  }
  if (++lines_ > kMostLinesPerSecond) {
    ++suppressed_;
    return;
  }
  if (log_.enabled(Log::Level::info)) {
    return log_.write(Log::Level::info, fmt::format("{}: {}", label_, line));
  }
  if (last_words_.size() == kLastWords) last_words_.erase(last_words_.begin());
  last_words_.emplace_back(line);
}

/// What it said before it failed, if that was not logged then.
void TunnelCommand::repeat_last_words() {
  for (const std::string& line : last_words_) {
    log_.write(Log::Level::warning, fmt::format("{}: {}", label_, line));
  }
  last_words_.clear();
}

void TunnelCommand::report_suppressed() {
  if (suppressed_ == 0) return;
  log_.write(Log::Level::warning,
             fmt::format("{}: {} lines more, which were too many", label_, suppressed_));
  suppressed_ = 0;
}

void TunnelCommand::on_exit(int status, int signal) {
  report_suppressed();
  child_.reset();
  const std::string end = signal != 0  ? fmt::format("was ended by signal {}", signal)
                          : status < 0 ? std::string("has ended")
                                       : fmt::format("exited with status {}", status);
  if (stopped_) {
    timer_.stop();
    log_.write(Log::Level::info, fmt::format("{}: {} {}", label_, name_, end));
    return stopped_();
  }
  repeat_last_words();
  const auto ran = std::chrono::round<milliseconds>(loop_.now() - started_);
  if (ran >= kRanWell) wait_ = milliseconds(0);
  start_later(fmt::format("{} after {}", end, format_seconds(ran)));
}

void TunnelCommand::start_later(const std::string& what_happened) {
  wait_ = std::clamp(wait_ * 2, kFirstWait, kLongestWait);
  log_.write(Log::Level::warning, fmt::format("{}: {} {}, starting again in {}", label_, name_,
                                              what_happened, format_duration(wait_)));
  timer_.start(wait_);
}

void TunnelCommand::let_end(Callback<void()> ended) {
  timer_.stop();
  if (!child_) return ended();
  stopped_ = ended;
}

void TunnelCommand::stop(Callback<void()> stopped) {
  timer_.stop();
  if (!child_) return stopped();
  stopped_ = stopped;
  child_->terminate();
  timer_.start(kTimeToEnd);
}

void TunnelCommand::kill() {
  if (child_) child_->kill();
}

void TunnelCommand::on_timer() {
  if (stopped_) return kill();
  start();
}

}  // namespace culvert
