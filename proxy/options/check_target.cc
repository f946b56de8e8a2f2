#include "options/check_target.h"

#include <cstdint>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "base/redact.h"
#include "base/text.h"

namespace culvert {
namespace {

/// 0 for a scheme that no request through us can have.
std::uint16_t default_port(std::string_view scheme) {
  if (iequals(scheme, "https") || iequals(scheme, "wss")) return 443;
  if (iequals(scheme, "http") || iequals(scheme, "ws")) return kHttpPort;
  return 0;
}

std::string_view authority_of(std::string_view rest) {
  std::string_view authority = rest.substr(0, rest.find_first_of("/?#"));
  const std::size_t at = authority.rfind('@');
  if (at != std::string_view::npos) authority.remove_prefix(at + 1);
  return authority;
}

}  // namespace

std::vector<HostPort> parse_check_targets(const std::vector<std::string>& texts,
                                          std::vector<std::string>& problems) {
  std::vector<HostPort> targets;
  for (const std::string& text : texts) {
    std::string_view rest = trim_space(text);
    std::uint16_t port = 443;
    if (const std::size_t colon = rest.find("://"); colon != std::string_view::npos) {
      port = default_port(rest.substr(0, colon));
      rest.remove_prefix(colon + 3);
    }
    if (port == 0) {
      problems.push_back(
          fmt::format("--route {}: neither an http:// nor an https:// URL", redact(text)));
      continue;
    }
    auto target = HostPort::parse(authority_of(rest), port);
    if (target) {
      targets.push_back(*std::move(target));
    } else {
      problems.push_back(fmt::format("--route {}: {}", redact(text), target.error().text));
    }
  }
  return targets;
}

}  // namespace culvert
