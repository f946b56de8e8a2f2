#include "setup/docker_engine.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <memory>
#include <string_view>

#include "base/text.h"
#include "setup/root.h"

namespace culvert {
namespace {

using Stream = std::unique_ptr<std::FILE, int (*)(std::FILE*)>;

/// Of an image that may hold anything: a pipe would be waited for.
Stream open_regular(const std::string& path) {
  const auto close_file = [](std::FILE* file) { return std::fclose(file); };
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  struct stat info {};
  if (fd < 0) return {nullptr, close_file};
  std::FILE* const file =
      fstat(fd, &info) == 0 && S_ISREG(info.st_mode) ? fdopen(fd, "r") : nullptr;
  if (file == nullptr) close(fd);
  return {file, close_file};
}

/// The next line, without its end; false behind the last.
bool read_line(std::FILE* from, std::string& line) {
  std::array<char, 512> part;
  line.clear();
  while (std::fgets(part.data(), static_cast<int>(part.size()), from) != nullptr) {
    line += part.data();
    if (!line.ends_with('\n')) continue;
    line.pop_back();
    return true;
  }
  return !line.empty();
}

bool is_engine(std::string_view package) {
  return package == "docker.io" || package == "docker-ce" || package == "moby-engine";
}

/// From "5:24.0.7-1~debian.12~bookworm": without epoch and revision.
std::string without_epoch(std::string_view version) {
  version.remove_prefix(version.find(':') + 1);
  return std::string(version.substr(0, version.find('-')));
}

/// dpkg's list may be of several MiB.
std::string packaged_version(const std::string& root) {
  const Stream status = open_regular(below_root(root, "/var/lib/dpkg/status"));
  if (!status) return {};
  std::string line;
  bool wanted = false;
  bool installed = false;
  while (read_line(status.get(), line)) {
    const std::string_view text = line;
    if (text.starts_with("Package: ")) {
      wanted = is_engine(text.substr(9));
      installed = false;
    }
    if (text.starts_with("Status: ")) installed = text.ends_with(" installed");
    if (wanted && installed && text.starts_with("Version: ")) return without_epoch(text.substr(9));
  }
  return {};
}

/// From "Docker version 24.0.7, build 311b9ff".
std::string told_version(const std::string& root) {
  if (find_program(root, "dockerd").empty()) return {};
  const Stream output(popen("timeout 5 dockerd --version 2>/dev/null", "re"), pclose);
  std::string line;
  constexpr std::string_view kBegin = "Docker version ";
  if (!output || !read_line(output.get(), line) || !line.starts_with(kBegin)) return {};
  line.erase(0, kBegin.size());
  return line.substr(0, line.find(','));
}

}  // namespace

std::string docker_engine_version(const SetupFacts& facts) {
  std::string told = facts.is_live() ? told_version(facts.root) : std::string();
  return told.empty() ? packaged_version(facts.root) : told;
}

int major_version(const std::string& version) {
  return parse_number<int>(std::string_view(version).substr(0, version.find('.'))).value_or(0);
}

}  // namespace culvert
