#include "setup/root.h"

#include <dirent.h>
#include <unistd.h>

#include <algorithm>

namespace culvert {

std::vector<std::string> names_in(std::string_view root, std::string_view path) {
  std::vector<std::string> names;
  DIR* const folder = opendir(below_root(root, path).c_str());
  if (folder == nullptr) return names;
  while (const dirent* const entry = readdir(folder)) names.emplace_back(entry->d_name);
  closedir(folder);
  std::sort(names.begin(), names.end());
  return names;
}

bool exists(std::string_view root, std::string_view path) {
  const std::string real = below_root(root, path);
  return !real.empty() && access(real.c_str(), F_OK) == 0;
}

std::string find_program(std::string_view root, std::string_view name) {
  for (const std::string_view folder :
       {"/usr/local/bin/", "/usr/bin/", "/usr/sbin/", "/usr/local/sbin/", "/bin/", "/sbin/"}) {
    std::string path = std::string(folder) + std::string(name);
    if (exists(root, path)) return path;
  }
  return {};
}

}  // namespace culvert
