#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"

namespace culvert {

/// The unix socket at which processes of our own user, or root's, ask how this one goes
/// (`culvert status`): DIRECTORY/status-NETWORK-PID-RANDOM.sock, see network_prefix().  The number
/// may be one of a container's.  Removed with the object, if it is still there.
class RuntimeSocket {
 public:
  /// Listening, with nobody let in by anyone but the kernel: whoever accepts asks trusted_peer().
  /// Clears away what culverts of our user have left in `directory`.  An error, a sentence, is no
  /// reason not to start.  To be called before enter_sandbox().
  static Result<std::unique_ptr<RuntimeSocket>> make(const std::string& directory);
  ~RuntimeSocket();
  RuntimeSocket(const RuntimeSocket&) = delete;
  RuntimeSocket& operator=(const RuntimeSocket&) = delete;

  int fd() const { return fd_; }  ///< non-blocking
  const std::string& path() const { return path_; }

 private:
  explicit RuntimeSocket(int fd) : fd_(fd) {}

  int fd_;
  std::string path_;  // empty: there is none
  std::uint64_t device_ = 0;
  std::uint64_t inode_ = 0;
};

/// A socket of RuntimeSocket at which somebody listens who may be asked.
struct FoundRuntimeSocket {
  std::string path;
  int pid = 0;      ///< as seen from here; 0: it cannot be
  int own_pid = 0;  ///< as it sees itself
  bool same_network = false;
  std::int64_t made_ns = 0;  ///< since 1970

  /// By which its process is told from others.
  int number() const { return pid > 0 ? pid : own_pid; }
};

struct FoundRuntimeSockets {
  std::vector<FoundRuntimeSocket> sockets;  ///< newest first
  std::vector<std::string> foreign;         ///< paths of others' that may not be asked
};

/// All in `directories`, see runtime_directories().  Only those are taken at which a process of our
/// own user or root listens; root takes those of the user who owns the directory, too, if nobody
/// else can write to it.  What our own user has left there is cleared away.
FoundRuntimeSockets find_runtime_sockets(const std::vector<std::string>& directories);

/// If some are of our own network, those alone.
void keep_nearest(std::vector<FoundRuntimeSocket>& sockets);

}  // namespace culvert
