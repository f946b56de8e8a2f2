#include "dial/upstream_memory.h"

#include <utility>

namespace culvert {

void UpstreamMemory::worked(bool in_protocol) {
  // Mostly there is nothing to change, and then no lock is taken.
  if (in_protocol && doubts_protocol()) doubts_protocol_ = false;
  if (!has_cause_.load(std::memory_order_relaxed)) return;
  const std::lock_guard lock(mutex_);
  has_cause_ = false;
  last_cause_.clear();
}

void UpstreamMemory::failed(std::string cause) {
  const std::lock_guard lock(mutex_);
  has_cause_ = true;
  last_cause_ = std::move(cause);
}

std::string UpstreamMemory::last_cause() const {
  const std::lock_guard lock(mutex_);
  return last_cause_;
}

void UpstreamMemory::went_down(std::string why) {
  const std::lock_guard lock(mutex_);
  why_down_.failure = std::move(why);
}

void UpstreamMemory::probe_failed(std::string why, Time now) {
  const std::lock_guard lock(mutex_);
  why_down_.probe = std::move(why);
  if (!why_down_.probes_fail_since) why_down_.probes_fail_since = now;
}

void UpstreamMemory::probe_passed() {
  const std::lock_guard lock(mutex_);
  why_down_.probe.clear();
  why_down_.probes_fail_since.reset();
}

UpstreamMemory::WhyDown UpstreamMemory::why_down() const {
  const std::lock_guard lock(mutex_);
  return why_down_;
}

bool UpstreamMemory::begin_look(Time now) {
  const std::lock_guard lock(mutex_);
  if (last_look_ && now - *last_look_ < kLookPause) return false;
  last_look_ = now;
  return true;
}

void UpstreamMemory::found(std::string_view protocol) {
  const std::lock_guard lock(mutex_);
  other_protocol_ = protocol;
}

std::string_view UpstreamMemory::other_protocol() const {
  const std::lock_guard lock(mutex_);
  return other_protocol_;
}

}  // namespace culvert
