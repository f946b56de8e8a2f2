#include "check/given_check.h"

#include <initializer_list>

namespace culvert {
namespace {

std::string check_with(std::initializer_list<std::string_view> parts) {
  std::string command = "culvert check";
  for (const std::string_view part : parts) {
    if (!part.empty()) command.append(" ").append(part);
  }
  return command;
}

}  // namespace

std::string GivenCheck::command(std::string_view others) const {
  return check_with({timeout, options, others});
}

std::string GivenCheck::with_timeout(std::string_view other) const {
  return check_with({"--timeout", other, options, targets});
}

}  // namespace culvert
