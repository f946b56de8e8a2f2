#include "net/child_environment.h"

#include <unistd.h>

#include <string_view>

namespace culvert {

std::vector<std::string> environment_with(const std::string& name, const std::string& value) {
  const std::string assignment = name + "=";
  std::vector<std::string> out;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    if (!std::string_view(*entry).starts_with(assignment)) out.emplace_back(*entry);
  }
  out.push_back(assignment + value);
  return out;
}

std::vector<char*> pointers_to(std::vector<std::string>& strings) {
  std::vector<char*> out;
  out.reserve(strings.size() + 1);
  for (std::string& argument : strings) out.push_back(argument.data());
  out.push_back(nullptr);
  return out;
}

}  // namespace culvert
