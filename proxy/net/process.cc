#include "net/process.h"

#include <sys/epoll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <vector>

#include <uv.h>

#include "net/child_environment.h"

namespace culvert {
namespace {

constexpr std::size_t kLongestLine = 2048;
constexpr std::size_t kMostOfRest = 64 * 1024;  // what a pipe holds

// The first process of the group waits for the end of its input, whose other end we hold: it comes
// also if we are killed, and then the group is ended.  The last line is the command.  It is not an
// argument, which everybody on the machine could read.
constexpr const char* kVariable = "CULVERT_TUNNEL_COMMAND";
constexpr const char* kScript =
    "exec 3<&0 </dev/null >&2\n"
    "(trap '' TERM; read -r _ <&3; kill -TERM -$$; sleep 5; kill -KILL -$$) >/dev/null 2>&1 &\n"
    "exec 3<&-\n"
    "eval \"unset CULVERT_TUNNEL_COMMAND; $CULVERT_TUNNEL_COMMAND\"\n";

}  // namespace

struct ChildProcess::Process {
  uv_process_t uv{};
  ChildProcess* owner;
};

struct ChildProcess::Output {
  uv_pipe_t uv{};
  ChildProcess* owner;
  std::array<char, 4096> buffer{};
};

struct ChildProcess::Lifeline {
  uv_pipe_t uv{};
};

/// Of a process that is not our child, so that there is no signal.
class ChildProcess::ExitWatcher final : private Pollable {
 public:
  ExitWatcher(Loop& loop, int pid_fd, ChildProcess& owner)
      : loop_(loop), pid_fd_(pid_fd), owner_(owner) {
    // If the system refuses, the end is not noticed, and nobody is harmed.
    static_cast<void>(loop_.watch(pid_fd_, *this, EPOLLIN));
  }
  ~ExitWatcher() {
    loop_.unwatch(pid_fd_, *this);
    close(pid_fd_);
  }
  ExitWatcher(const ExitWatcher&) = delete;
  ExitWatcher& operator=(const ExitWatcher&) = delete;

 private:
  void on_poll(std::uint32_t) override {
    loop_.unwatch(pid_fd_, *this);
    owner_.on_exit(-1, 0);
  }

  Loop& loop_;
  int pid_fd_;
  ChildProcess& owner_;
};

ChildProcess::ChildProcess(Loop& loop, Line line, Exited exited)
    : loop_(loop),
      line_(line),
      exited_(exited),
      output_(new Output{{}, this}),
      lifeline_(new Lifeline) {
  uv_pipe_init(loop.uv(), &output_->uv, 0);
  uv_pipe_init(loop.uv(), &lifeline_->uv, 0);
  output_->uv.data = output_;
  lifeline_->uv.data = lifeline_;
}

Result<std::unique_ptr<ChildProcess>> ChildProcess::start(Loop& loop, const std::string& command,
                                                          Line line, Exited exited) {
  std::unique_ptr<ChildProcess> child(new ChildProcess(loop, line, exited));
  std::vector<std::string> strings = {"/bin/sh", "-c", kScript};
  std::vector<std::string> variables = environment_with(kVariable, command);
  std::vector<char*> arguments = pointers_to(strings);
  std::vector<char*> environment = pointers_to(variables);
  std::array<uv_stdio_container_t, 3> stdio{};
  stdio[0].flags = static_cast<uv_stdio_flags>(UV_CREATE_PIPE | UV_READABLE_PIPE);
  stdio[0].data.stream = reinterpret_cast<uv_stream_t*>(&child->lifeline_->uv);
  stdio[1].flags = UV_IGNORE;
  stdio[2].flags = static_cast<uv_stdio_flags>(UV_CREATE_PIPE | UV_WRITABLE_PIPE);
  stdio[2].data.stream = reinterpret_cast<uv_stream_t*>(&child->output_->uv);
  uv_process_options_t options{};
  options.file = arguments[0];
  options.args = arguments.data();
  options.env = environment.data();
  options.flags = UV_PROCESS_DETACHED;
  options.stdio_count = static_cast<int>(stdio.size());
  options.stdio = stdio.data();
  options.exit_cb = [](uv_process_t* uv, std::int64_t status, int signal) {
    auto* process = static_cast<Process*>(uv->data);
    if (process->owner != nullptr) process->owner->on_exit(static_cast<int>(status), signal);
  };
  child->process_ = new Process{{}, child.get()};
  child->process_->uv.data = child->process_;
  if (const int failed = uv_spawn(loop.uv(), &child->process_->uv, &options)) {
    return Error{Errc::proxy_internal_error, Side::local, -failed,
                 std::string("cannot be started: ") + uv_strerror(failed)};
  }
  child->group_ = child->process_->uv.pid;
  child->start_reading();
  return child;
}

std::unique_ptr<ChildProcess> ChildProcess::take_over(Loop& loop, const Handle& handle, Line line,
                                                      Exited exited) {
  std::unique_ptr<ChildProcess> child(new ChildProcess(loop, line, exited));
  uv_pipe_open(&child->lifeline_->uv, handle.lifeline);
  uv_pipe_open(&child->output_->uv, handle.output);
  child->group_ = handle.group;
  child->exit_watcher_ = std::make_unique<ExitWatcher>(loop, handle.pid_fd, *child);
  child->start_reading();
  return child;
}

std::optional<ChildProcess::Handle> ChildProcess::handle() const {
  Handle out{.group = group_};
  uv_fileno(reinterpret_cast<const uv_handle_t*>(&lifeline_->uv), &out.lifeline);
  uv_fileno(reinterpret_cast<const uv_handle_t*>(&output_->uv), &out.output);
  out.pid_fd = static_cast<int>(syscall(SYS_pidfd_open, group_, 0));
  if (out.pid_fd < 0) return std::nullopt;
  return out;
}

void ChildProcess::start_reading() {
  uv_read_start(
      reinterpret_cast<uv_stream_t*>(&output_->uv),
      [](uv_handle_t* uv, std::size_t, uv_buf_t* buffer) {
        auto& storage = static_cast<Output*>(uv->data)->buffer;
        *buffer = uv_buf_init(storage.data(), static_cast<unsigned>(storage.size()));
      },
      [](uv_stream_t* uv, ssize_t count, const uv_buf_t* buffer) {
        auto* output = static_cast<Output*>(uv->data);
        if (count < 0) {
          uv_read_stop(uv);
        } else if (output->owner != nullptr) {
          output->owner->on_output({buffer->base, static_cast<std::size_t>(count)});
        }
      });
}

ChildProcess::~ChildProcess() {
  kill();
  output_->owner = nullptr;
  loop_.uv();  // requests the turn in which the handles are closed
  if (process_ != nullptr) {
    process_->owner = nullptr;
    uv_close(reinterpret_cast<uv_handle_t*>(&process_->uv),
             [](uv_handle_t* uv) { delete static_cast<Process*>(uv->data); });
  }
  uv_close(reinterpret_cast<uv_handle_t*>(&output_->uv),
           [](uv_handle_t* uv) { delete static_cast<Output*>(uv->data); });
  uv_close(reinterpret_cast<uv_handle_t*>(&lifeline_->uv),
           [](uv_handle_t* uv) { delete static_cast<Lifeline*>(uv->data); });
}

void ChildProcess::terminate() { signal_group(SIGTERM); }

void ChildProcess::kill() { signal_group(SIGKILL); }

void ChildProcess::signal_group(int signal) {
  if (group_ > 0) ::kill(-group_, signal);
}

void ChildProcess::on_output(std::string_view bytes) {
  for (std::size_t end = 0; (end = bytes.find('\n')) != std::string_view::npos;) {
    unfinished_ += bytes.substr(0, end);
    bytes.remove_prefix(end + 1);
    if (!unfinished_.empty() && unfinished_.back() == '\r') unfinished_.pop_back();  // ssh does
    line_(unfinished_);
    unfinished_.clear();
  }
  unfinished_ += bytes;
  if (unfinished_.size() > kLongestLine) {
    line_(unfinished_);
    unfinished_.clear();
  }
}

void ChildProcess::on_exit(int status, int signal) {
  // The watcher of our end is left, and perhaps what the command began; the group's number cannot
  // have been used again as long as they live.
  kill();
  group_ = 0;
  read_rest();
  if (!unfinished_.empty()) line_(unfinished_);
  unfinished_.clear();
  exited_(status, signal);
}

/// The exit overtakes what was written before it.
void ChildProcess::read_rest() {
  uv_os_fd_t fd = -1;
  if (uv_fileno(reinterpret_cast<uv_handle_t*>(&output_->uv), &fd) != 0) return;
  // A process that has left the group may still write.
  for (std::size_t left = kMostOfRest; left > 0;) {
    const ssize_t count = read(fd, output_->buffer.data(), output_->buffer.size());
    if (count <= 0) return;
    on_output({output_->buffer.data(), static_cast<std::size_t>(count)});
    left -= std::min(left, static_cast<std::size_t>(count));
  }
}

}  // namespace culvert
