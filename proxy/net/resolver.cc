#include "net/resolver.h"

#include <netdb.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <mutex>

#include <uv.h>

#include "net/socket_address.h"

namespace culvert {

struct Lookup::Request {
  uv_getaddrinfo_t uv;
  Lookup* owner;
  Side side;
  Callback<void(Found)> done;
  int failed_at_once = 0;
};

namespace {

// libuv gives look-ups half of its threads, two by default.  They start with the first look-up, and
// cost some 15 kB each.
constexpr const char* kPoolThreads = "32";
constexpr const char* kPoolVariable = "UV_THREADPOOL_SIZE";

Error lookup_error(int status, Side side) {
  switch (status) {
    case UV_EAI_NONAME:
    case UV_EAI_NODATA:
    case UV_ENOENT:
      return {Errc::dns_error, side, 0, "does not resolve here"};
    case UV_EAI_AGAIN:
      return {Errc::dns_error, Side::local, 0, "does not resolve: the DNS server gave no answer"};
    case UV_EMFILE:
    case UV_ENFILE:
    case UV_ENOBUFS:
    case UV_ENOMEM:
    case UV_EAGAIN:
    case UV_EAI_MEMORY:
      return {Errc::connection_limit_reached, Side::local,
              status == UV_EAI_MEMORY ? ENOMEM : -status,
              std::string("cannot be looked up: ") +
                  (status == UV_EAI_MEMORY ? "out of memory"
                   : status == UV_EAGAIN   ? "no thread can be started (see ulimit -u, TasksMax=)"
                                           : uv_strerror(status))};
    default:
      return {Errc::dns_error, Side::local, 0,
              std::string("does not resolve: ") + uv_strerror(status)};
  }
}

Lookup::Found addresses_of(const addrinfo* list, Side side) {
  std::vector<IpAddress> found;
  for (const addrinfo* entry = list; entry != nullptr; entry = entry->ai_next) {
    sockaddr_storage storage{};
    std::memcpy(&storage, entry->ai_addr, std::min<std::size_t>(entry->ai_addrlen, sizeof storage));
    const auto address = host_port_of(storage);
    if (!address) continue;
    if (std::find(found.begin(), found.end(), *address->ip) == found.end()) {
      found.push_back(*address->ip);
    }
  }
  if (found.empty()) return lookup_error(UV_EAI_NONAME, side);
  return found;
}

}  // namespace

void widen_lookup_pool() { setenv(kPoolVariable, kPoolThreads, 0); }

namespace {

/// How many of `wanted` threads the system can start now.
unsigned startable_threads(unsigned wanted) {
  std::mutex gate;
  std::unique_lock closed(gate);
  std::vector<uv_thread_t> threads;
  const auto wait = [](void* arg) { const std::lock_guard passed(*static_cast<std::mutex*>(arg)); };
  for (uv_thread_t id; threads.size() < wanted && uv_thread_create(&id, wait, &gate) == 0;) {
    threads.push_back(id);
  }
  closed.unlock();
  for (uv_thread_t& id : threads) uv_thread_join(&id);
  return static_cast<unsigned>(threads.size());
}

/// libuv starts its threads with the first look-up, and ends the process if it cannot.  So we try
/// it before, and leave some room if there are not as many as we want.
bool may_look_up() {
  static std::mutex mutex;
  static bool tried = false;
  const std::lock_guard lock(mutex);
  if (tried) return true;
  const char* const given = std::getenv(kPoolVariable);
  const auto wanted =
      static_cast<unsigned>(given == nullptr ? 4 : std::clamp(std::atoi(given), 1, 1024));
  const unsigned startable = startable_threads(wanted);
  if (startable < wanted) {
    if (startable < 2) return false;
    setenv(kPoolVariable, std::to_string(startable / 2).c_str(), 1);
  }
  tried = true;
  return true;
}

}  // namespace

Lookup::Lookup(Loop& loop, const std::string& name, Side side, Callback<void(Found)> done)
    : request_(new Request{{}, this, side, done}) {
  (side == Side::target ? loop.lookups().targets : loop.lookups().upstreams) += 1;
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  request_->uv.data = request_;
  const auto finished = [](uv_getaddrinfo_t* uv, int status, addrinfo* list) {
    const std::unique_ptr<Request> request(static_cast<Request*>(uv->data));
    Found found = status == 0 ? addresses_of(list, request->side)
                              : Found(lookup_error(status, request->side));
    uv_freeaddrinfo(list);
    if (request->owner == nullptr) return;
    request->owner->request_ = nullptr;
    request->done(std::move(found));
  };
  const int failed = may_look_up() ? uv_getaddrinfo(loop.uv(), &request_->uv, finished,
                                                    name.c_str(), nullptr, &hints)
                                   : UV_EAGAIN;
  if (failed == 0) return;
  // An immediate failure is reported as any other: in a later turn.
  request_->failed_at_once = failed;
  loop.defer([request = request_] {
    const std::unique_ptr<Request> owned(request);
    if (owned->owner == nullptr) return;
    owned->owner->request_ = nullptr;
    owned->done(lookup_error(owned->failed_at_once, owned->side));
  });
}

Lookup::~Lookup() {
  if (request_ == nullptr) return;
  request_->owner = nullptr;
  if (request_->failed_at_once == 0) uv_cancel(reinterpret_cast<uv_req_t*>(&request_->uv));
}

}  // namespace culvert
