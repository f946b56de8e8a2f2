#include "commands/find_program.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <string_view>

namespace culvert {
namespace {

int error_of_file(const std::string& path) {
  struct stat file {};
  if (stat(path.c_str(), &file) != 0) return errno == EACCES ? EACCES : ENOENT;
  return S_ISREG(file.st_mode) && access(path.c_str(), X_OK) == 0 ? 0 : EACCES;
}

}  // namespace

int error_of_program(const std::string& name) {
  if (name.find('/') != std::string::npos) return error_of_file(name);
  const char* const variable = std::getenv("PATH");
  std::string_view path = variable != nullptr ? variable : "/bin:/usr/bin";
  int error = ENOENT;
  while (!name.empty()) {
    const std::size_t end = path.find(':');
    const std::string_view folder = path.substr(0, end);
    const int found = error_of_file(std::string(folder.empty() ? "." : folder) + "/" + name);
    if (found == 0) return 0;
    if (found == EACCES) error = EACCES;
    if (end == std::string_view::npos) break;
    path.remove_prefix(end + 1);
  }
  return error;
}

}  // namespace culvert
