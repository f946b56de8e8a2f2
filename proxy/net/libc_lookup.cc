#include "net/libc_lookup.h"

#include <netdb.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

#include "net/socket_address.h"
#include "net/thread.h"

namespace culvert {
namespace {

constexpr int kMostThreads = 16;  // for names of targets, and for those of upstreams

std::atomic<int>& threads_for(Side side) {
  static std::array<std::atomic<int>, 2> counts{};
  return counts[side == Side::target ? 0 : 1];
}

Error no_room(int sys, const std::string& why) {
  return {Errc::connection_limit_reached, Side::local, sys, "cannot be looked up: " + why};
}

/// `sys` is the errno behind EAI_SYSTEM.
Error libc_error(int status, int sys, Side side) {
  switch (status) {
    case EAI_NONAME:
    case EAI_NODATA:
      return {Errc::dns_error, side, 0, "does not resolve here"};
    case EAI_AGAIN:
      return {Errc::dns_error, Side::local, 0, "does not resolve: the DNS server gave no answer"};
    case EAI_MEMORY:
      return no_room(ENOMEM, "out of memory");
    case EAI_SYSTEM:
      if (sys == EMFILE || sys == ENFILE || sys == ENOBUFS || sys == ENOMEM) {
        return no_room(sys, std::generic_category().message(sys));
      }
      if (sys == ENOENT) return {Errc::dns_error, side, 0, "does not resolve here"};
      return {Errc::dns_error, Side::local, 0,
              "does not resolve: " + std::generic_category().message(sys)};
    default:
      return {Errc::dns_error, Side::local, 0,
              std::string("does not resolve: ") + gai_strerror(status)};
  }
}

LibcLookup::Found addresses_of(const addrinfo* list, Side side) {
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
  if (found.empty()) return libc_error(EAI_NONAME, 0, side);
  return found;
}

LibcLookup::Found look_up(const std::string& name, Side side) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  const int status = getaddrinfo(name.c_str(), nullptr, &hints, &list);
  if (status != 0) return libc_error(status, errno, side);
  LibcLookup::Found found = addresses_of(list, side);
  freeaddrinfo(list);
  return found;
}

}  // namespace

struct LibcLookup::Request {
  std::string name;
  Side side;
  std::shared_ptr<Loop::Mailbox> mailbox;
  LibcLookup* owner;  // of the loop's thread; nullptr: nobody waits any more
};

bool LibcLookup::has_room(Side side) { return threads_for(side) < kMostThreads; }

LibcLookup::LibcLookup(Loop& loop, const std::string& name, Side side, Callback<void(Found)> done)
    : request_(std::make_shared<Request>(Request{name, side, loop.mailbox(), this})), done_(done) {
  ++threads_for(side);
  if (Thread::start_detached([request = request_] { run(request); })) {
    loop.expect_post();
    return;
  }
  --threads_for(side);
  loop.defer([request = request_] {
    if (request->owner == nullptr) return;
    request->owner->done_(no_room(EAGAIN, "no thread can be started (see ulimit -u, TasksMax=)"));
  });
}

/// In the thread.
void LibcLookup::run(const std::shared_ptr<Request>& request) {
  auto found = std::make_shared<Found>(look_up(request->name, request->side));
  --threads_for(request->side);
  request->mailbox->post_expected([request, found] {
    if (request->owner != nullptr) request->owner->done_(std::move(*found));
  });
}

LibcLookup::~LibcLookup() { request_->owner = nullptr; }

}  // namespace culvert
