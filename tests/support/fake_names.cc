#include "support/fake_names.h"

#include <dlfcn.h>
#include <netdb.h>

#include <cerrno>
#include <condition_variable>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>
#include <string_view>

#include "net/resolver.h"
#include "net/socket_address.h"

namespace culvert::test {
namespace {

[[maybe_unused]] const bool kAsksUs = ResolverOptions::defaults().libc_only = true;

struct Names {
  std::mutex mutex;
  std::map<std::string, std::vector<std::string>> known;
  std::map<std::string, int> failing;
  std::condition_variable released;
  bool hanging = false;
  int waiting = 0;
};

Names& names() {
  static Names instance;
  return instance;
}

/// As glibc makes them, for its freeaddrinfo(): the address behind the entry, in one block.
addrinfo* make_entry(const std::string& text) {
  const SocketAddress address = SocketAddress::of(*IpAddress::parse(text), 0);
  auto* entry = static_cast<addrinfo*>(std::calloc(1, sizeof(addrinfo) + address.size));
  entry->ai_family = address.storage.ss_family;
  entry->ai_socktype = SOCK_STREAM;
  entry->ai_addrlen = address.size;
  entry->ai_addr = reinterpret_cast<sockaddr*>(entry + 1);
  std::memcpy(entry->ai_addr, &address.storage, address.size);
  return entry;
}

int resolve(const std::string& name, addrinfo** found) {
  std::unique_lock lock(names().mutex);
  if (name.starts_with("hangs")) {
    ++names().waiting;
    names().released.wait(lock, [] { return !names().hanging; });
    --names().waiting;
    return EAI_AGAIN;
  }
  if (const auto failing = names().failing.find(name); failing != names().failing.end()) {
    errno = failing->second;
    return EAI_SYSTEM;
  }
  addrinfo** end = found;
  *found = nullptr;
  for (const std::string& text : names().known[name]) {
    *end = make_entry(text);
    end = &(*end)->ai_next;
  }
  return *found != nullptr ? 0 : EAI_NONAME;
}

}  // namespace

void set_addresses(const std::string& name, std::vector<std::string> addresses) {
  const std::lock_guard lock(names().mutex);
  names().known[name] = std::move(addresses);
}

void fail_lookups(const std::string& name, int sys) {
  const std::lock_guard lock(names().mutex);
  names().failing[name] = sys;
}

HangingNames::HangingNames() {
  const std::lock_guard lock(names().mutex);
  names().hanging = true;
}

HangingNames::~HangingNames() {
  const std::lock_guard lock(names().mutex);
  names().hanging = false;
  names().released.notify_all();
}

int HangingNames::waiting() const {
  const std::lock_guard lock(names().mutex);
  return names().waiting;
}

}  // namespace culvert::test

// Stands before the C library's for the whole program, its threads included.
extern "C" __attribute__((visibility("default"))) int getaddrinfo(const char* node,
                                                                  const char* service,
                                                                  const addrinfo* hints,
                                                                  addrinfo** found) {
  if (node != nullptr && std::string_view(node).ends_with(".test")) {
    return culvert::test::resolve(node, found);
  }
  using Real = int (*)(const char*, const char*, const addrinfo*, addrinfo**);
  static const auto real = reinterpret_cast<Real>(dlsym(RTLD_NEXT, "getaddrinfo"));
  return real(node, service, hints, found);
}
