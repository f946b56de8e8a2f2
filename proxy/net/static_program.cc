// For the static program alone, in place of the C library's functions, which would load plugins of
// whatever C library this system has, or modules.  Users and groups are those of /etc/passwd and
// /etc/group.

#include <dlfcn.h>
#include <grp.h>
#include <netdb.h>
#include <pwd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <vector>

#include "net/name_services.h"

namespace {

/// The first entry that `wanted` likes; nullptr if there is none.  Valid until the next call.
template <typename Entry, typename Wanted>
Entry* find_entry(const char* path, Entry* (*next)(std::FILE*), Wanted wanted) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path, "re"), std::fclose);
  while (Entry* const entry = file ? next(file.get()) : nullptr) {
    if (wanted(*entry)) return entry;
  }
  return nullptr;
}

constexpr const char* kUsers = "/etc/passwd";
constexpr const char* kGroups = "/etc/group";

}  // namespace

extern "C" {

passwd* getpwnam(const char* name) {
  return find_entry(kUsers, fgetpwent,
                    [&](const passwd& user) { return std::strcmp(user.pw_name, name) == 0; });
}

passwd* getpwuid(uid_t id) {
  return find_entry(kUsers, fgetpwent, [&](const passwd& user) { return user.pw_uid == id; });
}

group* getgrnam(const char* name) {
  return find_entry(kGroups, fgetgrent,
                    [&](const group& one) { return std::strcmp(one.gr_name, name) == 0; });
}

int initgroups(const char* user, gid_t own) {
  std::vector<gid_t> groups = {own};
  find_entry(kGroups, fgetgrent, [&](const group& one) {
    for (char** member = one.gr_mem; *member != nullptr; ++member) {
      if (std::strcmp(*member, user) == 0 && one.gr_gid != own) groups.push_back(one.gr_gid);
    }
    return false;
  });
  return setgroups(groups.size(), groups.data());
}

// Nobody calls these: culvert looks names up itself, and libraries have them for what it does not
// use.

int getaddrinfo(const char*, const char*, const addrinfo*, addrinfo**) {
  errno = ENOSYS;
  return EAI_SYSTEM;
}

void freeaddrinfo(addrinfo*) noexcept {}

int getnameinfo(const sockaddr*, socklen_t, char*, socklen_t, char*, socklen_t, int) {
  errno = ENOSYS;
  return EAI_SYSTEM;
}

hostent* gethostbyname(const char*) { return nullptr; }

servent* getservbyname(const char*, const char*) { return nullptr; }

int getservbyname_r(const char*, const char*, servent*, char*, std::size_t, servent** found) {
  *found = nullptr;
  return ENOENT;
}

int getservbyport_r(int, const char*, servent*, char*, std::size_t, servent** found) {
  *found = nullptr;
  return ENOENT;
}

int getpwuid_r(uid_t, passwd*, char*, std::size_t, passwd** found) {
  *found = nullptr;
  return ENOENT;
}

void* dlopen(const char*, int) noexcept { return nullptr; }
void* dlsym(void*, const char*) noexcept { return nullptr; }
int dlclose(void*) noexcept { return -1; }
char* dlerror() noexcept {
  static char text[] = "a static program loads no modules";
  return text;
}
int dladdr(const void*, Dl_info*) noexcept { return 0; }

// In place of what CulvertStatic.cmake leaves out of libraries.
long culvert_left_out() { return 0; }
extern const void* const kCulvertNoFunctions[4];
const void* const kCulvertNoFunctions[4] = {};
}
