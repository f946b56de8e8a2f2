#include "net/thread.h"

#include <cerrno>
#include <memory>
#include <utility>

namespace culvert {
namespace {

using Work = std::function<void()>;

void* run_work(void* given) {
  const std::unique_ptr<Work> work(static_cast<Work*>(given));
  (*work)();
  return nullptr;
}

}  // namespace

std::optional<Thread> Thread::start(Work work) {
  auto given = std::make_unique<Work>(std::move(work));
  pthread_t id{};
  errno = pthread_create(&id, nullptr, run_work, given.get());
  if (errno != 0) return std::nullopt;
  static_cast<void>(given.release());
  return Thread(id);
}

bool Thread::start_detached(Work work) {
  const auto thread = start(std::move(work));
  if (thread) pthread_detach(thread->id_);
  return thread.has_value();
}

}  // namespace culvert
