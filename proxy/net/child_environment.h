#pragma once

#include <string>
#include <vector>

namespace culvert {

/// Our environment, with `name` set to `value`, for a child.
std::vector<std::string> environment_with(const std::string& name, const std::string& value);

/// As execve(2) takes them; `strings` has to outlive the pointers.
std::vector<char*> pointers_to(std::vector<std::string>& strings);

}  // namespace culvert
