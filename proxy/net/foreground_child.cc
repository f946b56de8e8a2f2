#include "net/foreground_child.h"

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdint>
#include <iterator>
#include <utility>

namespace culvert {
namespace {

/// A signal does what it does by default, to this thread, while this exists.
class ByDefault {
 public:
  explicit ByDefault(int signal) : signal_(signal) {
    struct sigaction by_default {};
    by_default.sa_handler = SIG_DFL;
    sigaction(signal, &by_default, &before_);
    sigset_t one;
    sigemptyset(&one);
    sigaddset(&one, signal);
    pthread_sigmask(SIG_UNBLOCK, &one, &mask_before_);
  }
  ~ByDefault() {
    pthread_sigmask(SIG_SETMASK, &mask_before_, nullptr);
    sigaction(signal_, &before_, nullptr);
  }
  ByDefault(const ByDefault&) = delete;
  ByDefault& operator=(const ByDefault&) = delete;

 private:
  int signal_;
  struct sigaction before_ {};
  sigset_t mask_before_{};
};

/// Stops this process, as `signal` does by default.  Returns when it continues; at once, if nobody
/// could continue it: then the system does not let it stop.
void stop_ourselves(int signal) {
  // We see by the return that we continue.  A watcher would be told of it once more, and later.
  const ByDefault continued(SIGCONT);
  const ByDefault stopped(signal);
  // For this thread, so that it has happened when the call returns.
  pthread_kill(pthread_self(), signal);
}

bool is_ignored(int signal) {
  struct sigaction now {};
  return sigaction(signal, nullptr, &now) == 0 && now.sa_handler == SIG_IGN;
}

std::uint64_t bit_of(int signal) { return std::uint64_t{1} << (signal - 1); }

// At any time they are wishes that it may end.
constexpr int kEnding[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGALRM};
// What a program makes of these is its own: its children may know nothing of them.
constexpr int kForOne[] = {SIGUSR1, SIGUSR2, SIGVTALRM, SIGPROF, SIGIO, SIGPWR};
constexpr int kOfJob[] = {SIGCHLD, SIGTSTP, SIGTTIN, SIGCONT, SIGWINCH};

/// Not for its whole group.
bool is_for_one(int signal) {
  return signal == SIGALRM || signal >= SIGRTMIN ||
         std::find(std::begin(kForOne), std::end(kForOne), signal) != std::end(kForOne);
}

/// What the terminal does to a whole group, for the others in ours: a script that waits for us, the
/// rest of a pipeline.
void signal_neighbours(int signal) {
  struct sigaction ignored {};
  struct sigaction before {};
  ignored.sa_handler = SIG_IGN;
  sigaction(signal, &ignored, &before);
  kill(0, signal);
  sigaction(signal, &ignored, nullptr);  // if it is blocked, it would come later
  sigaction(signal, &before, nullptr);
}

/// No shell is there to continue us: the system would not stop us, nor a child in our place.
bool is_without_shell() {
  const pid_t parent = getppid();
  if (parent == 0) return true;  // we are the first process of a container
  return getpgid(parent) != getpgrp() && getsid(parent) != getsid(0);
}

}  // namespace

ForegroundChild::ForegroundChild(Loop& loop, std::unique_ptr<HeldChild> child,
                                 std::unique_ptr<TerminalSignals> terminal_signals, Ended ended,
                                 AskedToEnd asked_to_end)
    : loop_(loop),
      child_(std::move(child)),
      group_(child_->pid()),
      terminal_signals_(std::move(terminal_signals)),
      ended_(ended),
      asked_to_end_(asked_to_end),
      terminal_output_(loop, SIGTTOU, Callback<void(int)>::to<&ForegroundChild::on_signal>(this)) {
  for (const int signal : kEnding) watch(signal);
  for (const int signal : kForOne) watch(signal);
  for (int signal = SIGRTMIN; signal <= SIGRTMAX; ++signal) watch(signal);
  lasting_watchers_ = watchers_.size();
  // A shell without job control begins its commands in the background with SIGINT ignored, and
  // stays in the foreground itself.  To a group whose leader is outside of our PID namespace the
  // terminal could not be given back: it has no number here.
  wants_terminal_ = (ignored_ & bit_of(SIGINT)) == 0 && getpgrp() != 0;
}

void ForegroundChild::watch(int signal) {
  if (is_ignored(signal)) ignored_ |= bit_of(signal);
  watchers_.push_back(std::make_unique<SignalWatcher>(
      loop_, signal, Callback<void(int)>::to<&ForegroundChild::on_signal>(this)));
  // What was blocked for us is so for the child as well, until it asks for it.
  sigset_t one;
  sigemptyset(&one);
  sigaddset(&one, signal);
  pthread_sigmask(SIG_UNBLOCK, &one, nullptr);
}

void ForegroundChild::start(std::string_view word) {
  runs_ = true;
  for (const int signal : kOfJob) watch(signal);
  if (terminal_signals_) {
    terminal_signals_->start(
        loop_, TerminalSignals::Received::to<&ForegroundChild::on_terminal_signal>(this));
  }
  if (wants_terminal_) terminal_.move(getpgrp(), group_);
  child_->release(word);
  // It may have ended before there was a watcher.
  raise(SIGCHLD);
}

void ForegroundChild::on_signal(int signal) {
  if (!runs_) return on_signal_alone(signal);
  switch (signal) {
    case SIGCHLD:
      return on_child_changed();
    case SIGCONT:
      return resume();
    case SIGTTIN:
    case SIGTTOU:
      return on_neighbour_wants_terminal();
    default:
      return pass_on(signal);
  }
}

/// While there is no child.
void ForegroundChild::on_signal_alone(int signal) {
  const bool was_ignored = (ignored_ & bit_of(signal)) != 0;  // of nohup, say
  const bool is_ending =
      std::find(std::begin(kEnding), std::end(kEnding), signal) != std::end(kEnding);
  if (is_ending && !was_ignored) asked_to_end_(signal);
}

void ForegroundChild::on_terminal_signal(int signal) {
  by_key_ |= bit_of(signal);
  signal_neighbours(signal);
}

void ForegroundChild::pass_on(int signal) {
  if (signal == SIGTSTP) asked_to_stop_ = true;
  // The group that has the terminal got it: no shell tells a running job that it is in the
  // foreground now.
  const bool is_of_key = signal == SIGINT || signal == SIGQUIT;
  if (is_of_key && terminal_.is_of(getpgrp())) by_key_ |= bit_of(signal);
  if (is_for_one(signal)) {
    kill(group_, signal);
  } else {
    signal_group(signal);
  }
}

void ForegroundChild::signal_group(int signal) {
  kill(-group_, signal);
  // The child may have left it.
  if (getpgid(group_) != group_) kill(group_, signal);
}

/// Another program of our group, as in `culvert run -- CMD | less`, was stopped for using the
/// terminal, and with it our group.
void ForegroundChild::on_neighbour_wants_terminal() {
  if (!terminal_.move(group_, getpgrp())) return pass_on(SIGTSTP);
  wants_terminal_ = false;
  kill(0, SIGCONT);
}

void ForegroundChild::on_child_changed() {
  int status = 0;
  while (runs_ && waitpid(child_->pid(), &status, WNOHANG | WUNTRACED) > 0) {
    if (!WIFSTOPPED(status)) return on_ended(status);
    on_stopped(WSTOPSIG(status));
  }
}

void ForegroundChild::on_stopped(int signal) {
  const bool for_terminal = signal == SIGTTIN || signal == SIGTTOU;
  if (for_terminal && terminal_.is_of(getpgrp())) {
    wants_terminal_ = true;
    return resume();
  }
  const bool had_terminal = terminal_.move(group_, getpgrp());
  const bool asked_to_stop = std::exchange(asked_to_stop_, false);
  if (asked_to_stop) {
    stop_ourselves(SIGSTOP);
  } else if (had_terminal) {
    if (signal != SIGSTOP) signal_neighbours(signal);
    stop_ourselves(signal);
  } else if (for_terminal) {
    // What the system does with a group that nobody could continue.
    if (is_without_shell()) kill(-group_, SIGHUP);
    stop_ourselves(signal);
  } else {
    return;  // somebody has stopped it who knows it, and will continue it: others are served
  }
  resume();
}

/// We continue, or were told to: so does the child, with the terminal if our group has got it.
void ForegroundChild::resume() {
  if (wants_terminal_) terminal_.move(getpgrp(), group_);
  signal_group(SIGCONT);
}

void ForegroundChild::on_ended(int wait_status) {
  runs_ = false;
  watchers_.resize(lasting_watchers_);
  terminal_.move(group_, getpgrp());
  if (terminal_signals_) terminal_signals_->finish();
  End end;
  if (WIFSIGNALED(wait_status)) {
    end.signal = WTERMSIG(wait_status);
  } else {
    end.status = WEXITSTATUS(wait_status);
  }
  end.execution_error = child_->execution_error();
  end.by_key = end.signal != 0 && (by_key_ & bit_of(end.signal)) != 0;
  ended_(end);
}

}  // namespace culvert
