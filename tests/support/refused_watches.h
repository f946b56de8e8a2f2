// A kernel that watches no more sockets.
#pragma once

#include <functional>

namespace culvert::test {

/// Runs `act` in a thread in which the kernel adds nothing to an epoll set: ENOSPC, as when
/// fs.epoll.max_user_watches is reached.  Sets and what hangs on them already work as ever.  False
/// if this kernel lets nobody filter system calls; then nothing has run.
[[nodiscard]] bool without_new_watches(const std::function<void()>& act);

}  // namespace culvert::test
