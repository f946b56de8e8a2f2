#include "host/process_list.h"

#include <dirent.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
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

}  // namespace

std::optional<RunningProcess> running_process(int pid, const std::string& root) {
  auto name = file_text(place(root, pid, "comm"), kMostBytes);
  if (!name) return std::nullopt;
  while (name->ends_with('\n')) name->pop_back();
  return RunningProcess{pid, std::move(*name)};
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
    return Error{Errc::proxy_internal_error, Side::local, 0,
                 "there is no process " + std::to_string(pid)};
  }
  const auto bytes = file_text(place(root, pid, "environ"), kMostBytes);
  if (!bytes) {
    const int error = errno;
    const std::string_view why = error == EACCES || error == EPERM
                                     ? " may be read by its user and by root alone"
                                     : " cannot be read";
    return Error{Errc::proxy_internal_error, Side::local, error,
                 "the environment of " + described(*process) + std::string(why)};
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
