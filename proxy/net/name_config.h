#pragma once

#include <cstdint>
#include <string>

#include "net/name_files.h"

namespace culvert {

/// Where this machine says how names are looked up.
struct NameConfigFiles {
  std::string resolv_conf = "/etc/resolv.conf";
  std::string nsswitch = "/etc/nsswitch.conf";
  std::string hosts = "/etc/hosts";
  std::string gai_conf = "/etc/gai.conf";
};

/// The text of a file that may change while we run.
class WatchedFile {
 public:
  explicit WatchedFile(std::string path) : path_(std::move(path)) {}
  /// Reads it again if it is another than before; true if it was.  One that cannot be read is
  /// empty.
  bool refresh();
  const std::string& text() const { return text_; }
  void make_lower_case();

 private:
  struct Identity {
    std::uint64_t device = 0;
    std::uint64_t inode = 0;
    std::int64_t size = -1;
    std::int64_t changed_s = 0;
    std::int64_t changed_ns = 0;
    friend bool operator==(const Identity&, const Identity&) = default;
  };

  std::string path_;
  std::string text_;
  Identity read_;
  bool known_ = false;
};

/// How this machine looks names up, as its files say at the moment.
class NameConfig {
 public:
  explicit NameConfig(const NameConfigFiles& files);

  /// Reads again what has changed, as glibc does before each look-up; true if the DNS servers may
  /// be others.
  bool refresh();

  NameServices::Route route(const std::string& name) const;
  std::vector<std::string> candidates(const std::string& name) const {
    return resolv_conf_.candidates(name);
  }
  /// What needs no server: the hosts file, localhost.
  std::vector<IpAddress> known_here(const std::string& name) const;
  bool ipv4_first() const { return ipv4_first_; }

 private:
  WatchedFile resolv_conf_file_;
  WatchedFile nsswitch_file_;
  WatchedFile hosts_file_;
  WatchedFile gai_conf_file_;
  std::string host_name_;
  ResolvConf resolv_conf_;
  NameServices services_;
  bool ipv4_first_ = false;
};

}  // namespace culvert
