#include "net/ready_set.h"

#include <sys/epoll.h>
#include <unistd.h>

#include <array>
#include <cstddef>

namespace culvert {

// An epoll set may be a member of another one (epoll(7)), and epoll_ctl() may be called from any
// thread: so the descriptors hang on a set of their own, of which the loop watches one descriptor.
ReadySet::ReadySet(Loop& loop, Callback<void()> ready)
    : loop_(loop), ready_(ready), epoll_(epoll_create1(EPOLL_CLOEXEC)) {
  if (epoll_ >= 0 && loop_.watch(epoll_, *this, EPOLLIN) != 0) {
    close(epoll_);
    epoll_ = -1;
  }
}

ReadySet::~ReadySet() {
  if (epoll_ < 0) return;
  loop_.unwatch(epoll_, *this);
  close(epoll_);
}

void ReadySet::add(int fd, std::uint64_t id) {
  if (epoll_ < 0 || fd < 0) return;
  epoll_event event{};
  event.events = EPOLLIN | EPOLLRDHUP;
  event.data.u64 = id;
  epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event);
}

void ReadySet::remove(int fd) {
  if (epoll_ >= 0 && fd >= 0) epoll_ctl(epoll_, EPOLL_CTL_DEL, fd, nullptr);
}

std::vector<std::uint64_t> ReadySet::ready() {
  std::array<epoll_event, 64> events;
  const int count = epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), 0);
  std::vector<std::uint64_t> ids;
  ids.reserve(events.size());
  for (int i = 0; i < count; ++i) {
    // Copied: the kernel's structure is packed, and push_back() takes a reference.
    const std::uint64_t id = events[static_cast<std::size_t>(i)].data.u64;
    ids.push_back(id);
  }
  return ids;
}

void ReadySet::on_poll(std::uint32_t) { ready_(); }

}  // namespace culvert
