#include "net/orphans.h"

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <utility>

#include <uv.h>

namespace culvert {
namespace {

// Until one that others wait for is out of the way.
constexpr std::chrono::milliseconds kAgain{100};

bool gets_orphans() {
  int is_subreaper = 0;
  prctl(PR_GET_CHILD_SUBREAPER, &is_subreaper);
  return getpid() == 1 || is_subreaper != 0;
}

/// The processes that libuv waits for.
std::vector<int> pids_of_processes(uv_loop_t* loop) {
  std::vector<int> pids;
  uv_walk(
      loop,
      [](uv_handle_t* handle, void* found) {
        if (handle->type != UV_PROCESS || uv_is_active(handle) == 0) return;
        static_cast<std::vector<int>*>(found)->push_back(
            uv_process_get_pid(reinterpret_cast<uv_process_t*>(handle)));
      },
      &pids);
  return pids;
}

/// A child that has ended and that nobody has waited for yet; 0: there is none.
int ended_child() {
  siginfo_t info{};
  return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 ? info.si_pid : 0;
}

}  // namespace

Orphans::Orphans(Loop& loop, std::vector<int> awaited)
    : loop_(loop),
      awaited_(std::move(awaited)),
      again_(loop, Callback<void()>::to<&Orphans::reap>(this)) {
  if (!gets_orphans()) return;
  ended_.emplace(loop, SIGCHLD, Callback<void(int)>::to<&Orphans::on_child_ended>(this));
}

void Orphans::forget(int pid) {
  awaited_.erase(std::remove(awaited_.begin(), awaited_.end(), pid), awaited_.end());
}

void Orphans::reap() {
  while (const int pid = ended_child()) {
    // It hides those behind it.
    if (is_awaited(pid)) return again_.start(kAgain);
    waitpid(pid, nullptr, WNOHANG);
  }
}

bool Orphans::is_awaited(int pid) const {
  const auto has = [&](const std::vector<int>& pids) {
    return std::find(pids.begin(), pids.end(), pid) != pids.end();
  };
  return has(awaited_) || has(pids_of_processes(loop_.uv()));
}

}  // namespace culvert
