#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"

namespace culvert {

/// A process of this machine, as /proc has it.
struct RunningProcess {
  int pid = 0;
  std::string name;  ///< its program's, in up to 15 bytes: "dockerd"
};

/// All processes, by their number.  `root` is where proc/ is found: "/" but in tests.
std::vector<RunningProcess> running_processes(const std::string& root = "/");

/// nullopt: there is none of that number.
std::optional<RunningProcess> running_process(int pid, const std::string& root = "/");

/// What started a process, as far as its cgroup tells.
struct ProcessOrigin {
  std::string unit;      ///< of systemd, without ".service": "docker"; empty: none
  bool of_user = false;  ///< the unit is one of a user's own systemd
  bool is_main = false;  ///< systemd started the process itself
};

ProcessOrigin origin_of(int pid, const std::string& root = "/");

/// The environment with which a process was started, NAME=VALUE each.  The error's text is a
/// sentence: "there is no process 4711", "the environment of process 1 (systemd) may be read by its
/// user and by root alone"; sys is EACCES for that one.
Result<std::vector<std::string>> environment_of(int pid, const std::string& root = "/");

/// That of this process.
std::vector<std::string> own_environment();

}  // namespace culvert
