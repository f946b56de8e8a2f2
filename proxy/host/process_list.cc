#include "host/process_list.h"

#include <dirent.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "base/file_text.h"
#include "base/text.h"

// NOLINTNEXTLINE(readability-redundant-declaration)
extern char** environ;

namespace culvert {
namespace {

/// More than an environment may have: the system's limit of arguments and environment together.
constexpr std::size_t kMostBytes = 8 << 20;

std::string place(const std::string& root, int pid, std::string_view file) {
  return (root.ends_with('/') ? root : root + "/") + "proc/" + std::to_string(pid) + "/" +
         std::string(file);
}

std::string described(const RunningProcess& process) {
  return "process " + std::to_string(process.pid) + " (" + printable(process.name) + ")";
}

/// What belongs to systemd itself, in a path of cgroup.
constexpr std::string_view kUserManager = "user@";
constexpr std::string_view kService = ".service";

/// The path of a process in the hierarchy that systemd keeps (cgroups(7)).
std::string_view systemd_path(std::string_view cgroup) {
  for (const std::string_view line : split(cgroup, '\n')) {
    for (const std::string_view mark : {"0::/", ":name=systemd:/"}) {
      const std::size_t at = line.find(mark);
      if (at != std::string_view::npos) return line.substr(at + mark.size());
    }
  }
  return {};
}

bool is_unit_char(char c) {
  constexpr std::string_view kMarks = ":_.@-";
  return is_digit(c) || (to_lower(c) >= 'a' && to_lower(c) <= 'z') ||
         kMarks.find(c) != std::string_view::npos;
}

/// A session or a container is a scope; what stands behind it is its own affair.
void read_units(std::string_view path, ProcessOrigin& origin) {
  for (const std::string_view part : split(path, '/')) {
    if (part.ends_with(".scope")) return origin.unit.clear();
    if (!part.ends_with(kService)) continue;
    if (part.starts_with(kUserManager)) {
      origin.of_user = true;
    } else if (std::all_of(part.begin(), part.end(), is_unit_char)) {
      origin.unit = part.substr(0, part.size() - kService.size());
    }
  }
}

/// 0 if it is not known.
int parent_of(int pid, const std::string& root) {
  const std::string stat = file_text(place(root, pid, "stat"));
  // A name may hold anything: "12 (a) b) S 1 ..." (proc(5)).
  const auto columns = split(std::string_view(stat).substr(stat.rfind(')') + 1), ' ');
  constexpr std::size_t kParent = 2;
  return columns.size() > kParent ? parse_number<int>(columns[kParent]).value_or(0) : 0;
}

Error no_environment(std::string text, int error) {
  return {Errc::proxy_internal_error, Side::local, error, std::move(text)};
}

}  // namespace

std::optional<RunningProcess> running_process(int pid, const std::string& root) {
  auto name = file_text(place(root, pid, "comm"), kMostBytes);
  if (!name) return std::nullopt;
  while (name->ends_with('\n')) name->pop_back();
  return RunningProcess{pid, std::move(*name)};
}

ProcessOrigin origin_of(int pid, const std::string& root) {
  ProcessOrigin origin;
  read_units(systemd_path(file_text(place(root, pid, "cgroup"))), origin);
  const int parent = parent_of(pid, root);
  const auto by = running_process(parent, root);
  origin.is_main = parent == 1 || (origin.of_user && by && by->name == "systemd");
  return origin;
}

std::vector<RunningProcess> running_processes(const std::string& root) {
  std::vector<RunningProcess> found;
  const std::string folder = (root.ends_with('/') ? root : root + "/") + "proc";
  const std::unique_ptr<DIR, int (*)(DIR*)> open_folder(opendir(folder.c_str()), &closedir);
  if (!open_folder) return found;
  while (const dirent* entry = readdir(open_folder.get())) {
    const auto pid = parse_number<int>(entry->d_name);
    if (!pid || *pid <= 0) continue;
    // It may have ended meanwhile.
    if (auto process = running_process(*pid, root)) found.push_back(std::move(*process));
  }
  std::sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.pid < b.pid; });
  return found;
}

Result<std::vector<std::string>> environment_of(int pid, const std::string& root) {
  const auto process = running_process(pid, root);
  if (!process) {
    const int error = errno;
    const std::string number = std::to_string(pid);
    if (error == ENOENT || error == ESRCH) {
      return no_environment("there is no process " + number, error);
    }
    return no_environment("process " + number + " cannot be looked at: " + std::strerror(error),
                          error);
  }
  const auto bytes = file_text(place(root, pid, "environ"), kMostBytes);
  const int error = bytes ? 0 : errno;
  // Not even a program's name.
  const bool is_none =
      bytes && bytes->empty() && file_text(place(root, pid, "cmdline"), kMostBytes) == "";
  if (is_none || error == ESRCH) {
    return no_environment(
        described(*process) + " has no environment: it has ended, or is a part of the kernel", 0);
  }
  const std::string of_process = "the environment of " + described(*process);
  if (error == EACCES || error == EPERM) {
    return no_environment(of_process + " may be read by its user and by root alone", EACCES);
  }
  if (error != 0) {
    return no_environment(of_process + " cannot be read: " + std::strerror(error), error);
  }
  std::vector<std::string> variables;
  for (std::size_t at = 0; at < bytes->size();) {
    const std::size_t end = std::min(bytes->find('\0', at), bytes->size());
    if (end > at) variables.push_back(bytes->substr(at, end - at));
    at = end + 1;
  }
  return variables;
}

std::vector<std::string> own_environment() {
  std::vector<std::string> variables;
  for (char** entry = environ; *entry != nullptr; ++entry) variables.emplace_back(*entry);
  return variables;
}

}  // namespace culvert
