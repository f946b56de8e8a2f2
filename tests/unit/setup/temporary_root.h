#pragma once

#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <string>

#include "setup/plan.h"
#include "support/catch.h"

namespace culvert {

/// A folder that stands for the root of a machine, gone at the end.
class TemporaryRoot {
 public:
  TemporaryRoot() { REQUIRE(::mkdtemp(path_.data()) != nullptr); }
  ~TemporaryRoot() { std::filesystem::remove_all(path_); }
  TemporaryRoot(const TemporaryRoot&) = delete;
  TemporaryRoot& operator=(const TemporaryRoot&) = delete;

  const std::string& path() const { return path_; }

  void write(const std::string& name, const std::string& content, mode_t mode = 0644) const {
    std::filesystem::create_directories(std::filesystem::path(path_ + name).parent_path());
    std::ofstream(path_ + name, std::ios::binary) << content;
    REQUIRE(::chmod((path_ + name).c_str(), mode) == 0);
  }
  std::optional<std::string> read(const std::string& name) const {
    std::ifstream file(path_ + name, std::ios::binary);
    if (!file) return std::nullopt;
    return std::string(std::istreambuf_iterator<char>(file), {});
  }
  void link(const std::string& name, const std::string& target) const {
    std::filesystem::create_directories(std::filesystem::path(path_ + name).parent_path());
    std::filesystem::create_symlink(target, path_ + name);
  }
  mode_t mode(const std::string& name) const {
    struct stat info {};
    REQUIRE(::lstat((path_ + name).c_str(), &info) == 0);
    return info.st_mode & 07777U;
  }
  /// All that is in it: "MODE CONTENT" of each file, "MODE/" of each folder, "-> TARGET".
  std::map<std::string, std::string> everything() const {
    std::map<std::string, std::string> found;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(path_)) {
      const std::string name = entry.path().string().substr(path_.size());
      if (entry.is_symlink()) {
        found[name] = "-> " + std::filesystem::read_symlink(entry.path()).string();
      } else {
        found[name] = std::to_string(mode(name)) +
                      (entry.is_directory() ? "/" : " " + read(name).value_or("(unreadable)"));
      }
    }
    return found;
  }

  /// Of a machine whose root this is, with /root as home folder.
  SetupFacts facts() const {
    SetupFacts facts;
    facts.root = path_;
    facts.user = {"/root", ::geteuid(), ::getegid(), "", ""};
    return facts;
  }

 private:
  std::string path_ = "/tmp/culvert-test-XXXXXX";
};

}  // namespace culvert
