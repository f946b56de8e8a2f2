#include "commands/needed_paths.h"

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <memory>
#include <string_view>

#include "base/redact.h"
#include "commands/proxy_start.h"
#include "net/runtime_directory.h"
#include "net/tls_context.h"

namespace culvert {
namespace {

using Use = PathGrant::Use;

struct SystemPath {
  const char* path;
  Use use;
};

// resolv.conf, hosts and nsswitch.conf are replaced by renaming others, so it is all of /etc; what
// the C library's plugins for names read; and certificates.
constexpr auto kSystemPaths = std::to_array<SystemPath>({
    {"/etc", Use::read},
    {"/etc/ssl", Use::list},
    {"/etc/pki", Use::list},
    {"/usr", Use::list},
    {"/lib", Use::list},
    {"/lib64", Use::list},
    {"/nix/store", Use::list},
    {"/gnu/store", Use::list},
    {"/run", Use::read},  // resolv.conf is a link there, to folders that come and go
    {"/mnt/wsl", Use::read},
    {"/var/lib/ca-certificates", Use::list},
    {"/var/lib/sss", Use::list},
    {"/var/lib/libvirt/dnsmasq", Use::list},
    {"/proc", Use::list},
    {"/proc/self/exe", Use::read},
    {"/sys/devices/system/cpu", Use::list},
    {"/sys/fs/cgroup/cpu.max", Use::read},
    {"/dev/null", Use::device},
    {"/dev/random", Use::read},
    {"/dev/urandom", Use::read},
});

/// Without links; as it is if it is not there.
std::string real_path(const std::string& path) {
  const std::unique_ptr<char, void (*)(void*)> real(realpath(path.c_str(), nullptr), std::free);
  return real ? real.get() : path;
}

std::string folder_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

/// Also below /home, where each is of one user.
bool is_home(const std::string& folder) {
  const char* const home = std::getenv("HOME");
  if (home != nullptr && *home != '\0' && folder == real_path(home)) return true;
  return folder.starts_with("/home/") && folder.find('/', std::size("/home/") - 1) == folder.npos;
}

/// So much that has nothing to do with us is in it that no more than one file is opened.
bool is_of_others(const std::string& folder, Use use) {
  const std::string real = real_path(folder);
  constexpr auto kShared = std::to_array<std::string_view>(
      {"/", "/dev", "/home", "/proc", "/root", "/run", "/sys", "/tmp", "/var", "/var/tmp"});
  constexpr auto kNotWritten =
      std::to_array<std::string_view>({"/boot", "/etc", "/opt", "/srv", "/usr"});
  const auto is_in = [&](const auto& folders) {
    return std::find(folders.begin(), folders.end(), real) != folders.end();
  };
  return is_in(kShared) || is_home(real) || (use == Use::write && is_in(kNotWritten));
}

bool is_folder(const std::string& path) {
  struct stat info {};
  return stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

class Needs {
 public:
  NeededPaths take() { return std::move(needed_); }

  void add(const std::string& path, Use use) {
    if (path == "/") return;
    const PathGrant grant{path, use};
    std::vector<PathGrant>& grants = needed_.grants;
    if (std::find(grants.begin(), grants.end(), grant) == grants.end()) grants.push_back(grant);
  }
  /// Of the file itself, and of the one that it is a link to.
  void add_folder_of(const std::string& file, Use use) {
    add_place_of(file, use);
    if (const std::string real = real_path(file); real != file) add_place_of(real, use);
  }
  /// A file that is read again, or a directory of such.
  void add_read(const std::string& path) {
    if (path.empty()) return;
    if (is_folder(path)) add(path, Use::list);
    add_folder_of(path, Use::read);
  }
  void add_read_of_variable(const char* name) {
    if (const char* const value = std::getenv(name)) add_read(value);
  }
  /// CA certificates: a file, or a directory that may hold links to files elsewhere.
  void add_trust(const std::string& path) {
    if (!is_folder(path)) return add_read(path);
    add(path, Use::list);
    const std::unique_ptr<DIR, int (*)(DIR*)> open(opendir(path.c_str()), closedir);
    while (const dirent* const entry = open ? readdir(open.get()) : nullptr) {
      if (entry->d_type != DT_LNK) continue;
      const std::string real = real_path(path + "/" + entry->d_name);
      if (!is_below_grant(real)) add_place_of(real, Use::read);
    }
  }
  void add_listener(const ListenConfig& listen) {
    if (listen.kind == ListenConfig::Kind::unix_socket) add(folder_of(listen.path), Use::remove);
    for (const CertificateFiles& files : listen.certificates) {
      add_read(files.cert);
      add_read(files.key);
    }
    add_read(listen.client_ca);
  }
  /// A device or what descriptors are linked to is not made anew, and its folder holds others.
  void add_log(const std::string& path) {
    if (!is_access_log_file(path)) return;
    if (path.starts_with("/dev/") || path.starts_with("/proc/")) return add(path, Use::write);
    add_folder_of(path, Use::write);
  }

 private:
  bool is_below_grant(const std::string& path) const {
    return std::any_of(needed_.grants.begin(), needed_.grants.end(), [&](const PathGrant& grant) {
      return (grant.use == Use::read || grant.use == Use::list) &&
             path.starts_with(grant.path + "/");
    });
  }
  /// Its folder, in which it may be replaced, or else just itself.
  void add_place_of(const std::string& file, Use use) {
    if (!is_of_others(folder_of(file), use)) return add(folder_of(file), use);
    add(file, use);
    if (!is_folder(file)) add_once(real_path(file), needed_.alone);
  }
  static void add_once(const std::string& path, std::vector<std::string>& to) {
    if (std::find(to.begin(), to.end(), path) == to.end()) to.push_back(path);
  }

  NeededPaths needed_;
};

std::string list_of(const std::vector<PathGrant>& grants, std::initializer_list<Use> uses) {
  std::vector<std::string> paths;
  for (const PathGrant& grant : grants) {
    const bool told = std::find(paths.begin(), paths.end(), grant.path) != paths.end();
    if (std::find(uses.begin(), uses.end(), grant.use) != uses.end() && !told) {
      paths.push_back(grant.path);
    }
  }
  std::string text;
  for (const std::string& path : paths) text += (text.empty() ? "" : ", ") + redact(path);
  return text;
}

}  // namespace

NeededPaths needed_paths(const Config& config) {
  Needs needs;
  for (const SystemPath& system : kSystemPaths) {
    if (access(system.path, F_OK) == 0) needs.add(system.path, system.use);
  }
  for (const char* file : {"/etc/resolv.conf", "/etc/hosts", "/etc/nsswitch.conf"}) {
    needs.add_folder_of(file, Use::read);
  }
  for (const std::string& place : system_ca_places()) needs.add_trust(place);
  needs.add_read_of_variable("CREDENTIALS_DIRECTORY");
  needs.add_read(config.file);
  needs.add_read(config.auth_file);
  for (const UpstreamConfig& upstream : config.upstreams) {
    for (const std::string* file : {&upstream.password_file, &upstream.cert, &upstream.key}) {
      needs.add_read(*file);
    }
    if (is_folder(upstream.ca)) needs.add_trust(upstream.ca);
    needs.add_read(upstream.ca);
  }
  needs.add_log(config.access_log);
  for (const std::vector<ListenConfig>* listeners : {&config.listen, &config.admin}) {
    for (const ListenConfig& listen : *listeners) needs.add_listener(listen);
  }
  needs.add(runtime_directory(), Use::remove);
  return needs.take();
}

std::string paths_text(const std::vector<PathGrant>& grants) {
  std::string text = "reads below " + list_of(grants, {Use::read, Use::list, Use::device});
  if (const std::string paths = list_of(grants, {Use::write}); !paths.empty()) {
    text += "; writes below " + paths;
  }
  if (const std::string paths = list_of(grants, {Use::remove}); !paths.empty()) {
    text += "; removes below " + paths;
  }
  return text;
}

std::string alone_text(const std::vector<std::string>& files) {
  std::string text;
  for (const std::string& file : files) text += (text.empty() ? "" : ", ") + redact(file);
  return "sandbox: without their folders, as these hold much else: " + text +
         " - what is renamed into their place takes a restart; better give them a folder of their "
         "own";
}

}  // namespace culvert
