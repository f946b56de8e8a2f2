#include "policy/target_pattern.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "base/redact.h"
#include "base/text.h"
#include "policy/impossible_host.h"
#include "policy/presets.h"

namespace culvert {
namespace {

/// A fully qualified name may end in a dot; without this, "evil.example." would slip past a rule
/// for evil.example.
std::string_view without_final_dot(std::string_view name) {
  if (name.size() > 1 && name.back() == '.') name.remove_suffix(1);
  return name;
}

bool is_host_char(char c) {
  return (c >= 'a' && c <= 'z') || is_digit(c) || c == '-' || c == '_' || c == '.';
}

/// `text` in its parts.  A colon separates a port only if it is the sole one or follows a bracket,
/// so that bare IPv6 needs no brackets; brackets are taken off.
struct Parts {
  std::string host;
  std::optional<std::string> port;
  bool closed = true;  ///< false: an opening bracket without a closing one
};

Parts split_port(std::string_view text) {
  Parts parts;
  if (!text.empty() && text.front() == '[') {
    const std::size_t close = text.find(']');
    if (close == std::string_view::npos) {
      parts.closed = false;
      return parts;
    }
    // "[2001:db8::]/32:443": the prefix length follows the bracket.
    const std::size_t colon = text.find(':', close);
    parts.host = text.substr(1, close - 1);
    if (colon == std::string_view::npos) {
      parts.host += text.substr(close + 1);
    } else {
      parts.host += text.substr(close + 1, colon - close - 1);
      parts.port = text.substr(colon + 1);
    }
    return parts;
  }
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos || text.find(':', colon + 1) != std::string_view::npos) {
    parts.host = text;
  } else {
    parts.host = text.substr(0, colon);
    parts.port = text.substr(colon + 1);
  }
  return parts;
}

/// "172.17" or "10.0.0": meant as a block, but neither a name nor an address.
bool looks_like_part_of_an_address(std::string_view name) {
  return std::all_of(name.begin(), name.end(), [](char c) { return is_digit(c) || c == '.'; });
}

std::string name_problem(std::string_view name) {
  if (name.empty()) return "the host is missing";
  if (name.find('*') != std::string_view::npos) {
    return "a '*' stands alone or first, as in *.example.com; addresses are written as a block, "
           "as in 172.17.0.0/16";
  }
  if (!std::all_of(name.begin(), name.end(), is_host_char)) {
    return "a host has letters, digits, '-', '_' and '.' only (international names in their xn-- "
           "form)";
  }
  if (name.front() == '.' || name.find("..") != std::string_view::npos) {
    return "a part between two dots is empty";
  }
  if (name.size() > kMostNameBytes) return "the host is longer than 253 bytes";
  if (looks_like_part_of_an_address(name)) {
    return "neither a name nor an address; a block is written as in 172.17.0.0/16";
  }
  if (!may_be_target(name)) return "no name of a host ends in a number";
  return {};
}

}  // namespace

std::optional<TargetPattern> TargetPattern::parse(std::string_view text, std::string& problem) {
  TargetPattern pattern;
  pattern.text_ = text;
  const std::string lower = to_lower(text);
  if (lower.find("://") != std::string::npos) {
    problem = "a pattern is a host, not a URL";
    return std::nullopt;
  }
  problem = impossible_host(text);
  if (!problem.empty()) return std::nullopt;
  const Parts parts = split_port(lower);
  if (!parts.closed) {
    problem = "the closing ']' is missing";
    return std::nullopt;
  }
  if (parts.port) {
    pattern.port_ = parse_port(*parts.port);
    if (!pattern.port_) {
      problem = "a port is a number from 1 to 65535";
      return std::nullopt;
    }
  }

  if (parts.host == "*") return pattern;

  const std::size_t slash = parts.host.find('/');
  const std::string base = parts.host.substr(0, slash);
  if (slash != std::string::npos || IpAddress::parse(base)) {
    pattern.kind_ = Kind::block;
    pattern.block_ = Cidr::parse(parts.host);
    if (!pattern.block_) {
      problem = IpAddress::parse(base) ? "not a block: the prefix length is wrong, or address bits "
                                         "behind it are set (10.0.0.0/8 is right, 10.1.0.0/8 not)"
                                       : "what stands before the '/' is not an IP address";
      return std::nullopt;
    }
    pattern.block_base_ = IpAddress::parse(base);
    pattern.block_prefix_ = static_cast<unsigned>(8 * pattern.block_base_->size());
    if (slash != std::string::npos) {
      const std::string_view digits = std::string_view(parts.host).substr(slash + 1);
      std::from_chars(digits.data(), digits.data() + digits.size(), pattern.block_prefix_);
    }
    // ::ffff:10.0.0.0/104 is 10.0.0.0/8, as Cidr has it.
    const IpAddress unmapped = pattern.block_base_->unmapped();
    if (unmapped.family() != pattern.block_base_->family() && pattern.block_prefix_ >= 96) {
      pattern.block_base_ = unmapped;
      pattern.block_prefix_ -= 96;
    }
    return pattern;
  }

  std::string_view name = parts.host;
  if (name.starts_with("*.")) name.remove_prefix(1);
  const bool suffix = name.starts_with('.');
  if (suffix) name.remove_prefix(1);
  name = without_final_dot(name);
  problem = name_problem(name);
  if (!problem.empty()) return std::nullopt;
  pattern.kind_ = suffix ? Kind::suffix : Kind::host;
  pattern.name_ = suffix ? "." + std::string(name) : std::string(name);
  return pattern;
}

bool TargetPattern::matches(const HostPort& target) const {
  if (port_ && *port_ != target.port) return false;
  if (kind_ == Kind::any) return true;
  if (kind_ == Kind::block) return target.ip && block_->contains(*target.ip);
  if (target.ip) return false;
  const std::string_view host = without_final_dot(target.host);
  if (kind_ == Kind::host) return iequals(host, name_);
  return host.size() > name_.size() && iequals(host.substr(host.size() - name_.size()), name_);
}

bool TargetPattern::covers(const TargetPattern& other) const {
  if (port_ && port_ != other.port_) return false;
  return kind_ == Kind::any || covers_host(other);
}

bool TargetPattern::covers_host(const TargetPattern& other) const {
  if (other.kind_ == Kind::any) return false;
  if ((kind_ == Kind::block) != (other.kind_ == Kind::block)) return false;
  if (kind_ == Kind::block) {
    return block_prefix_ <= other.block_prefix_ && block_->contains(*other.block_base_);
  }
  if (kind_ == Kind::host) return other.kind_ == Kind::host && other.name_ == name_;
  // A suffix holds every longer name that ends in it, and every suffix that ends in it.
  const std::string& longer = other.name_;
  return longer.size() >= name_.size() && longer.ends_with(name_) &&
         (other.kind_ == Kind::suffix || longer.size() > name_.size());
}

std::string TargetPattern::meaning() const {
  std::string text;
  switch (kind_) {
    case Kind::any:
      text = "every target";
      break;
    case Kind::host:
      text = "the host " + name_;
      break;
    case Kind::suffix:
      text = "subdomains of " + name_.substr(1);
      break;
    case Kind::block:
      text = "addresses in " + block_->to_string();
      break;
  }
  if (port_) text += " at port " + std::to_string(*port_);
  return text;
}

namespace {

std::string known_presets() {
  std::string names;
  for (const Preset& preset : presets()) {
    if (!names.empty()) names += ", ";
    names += preset.name;
  }
  return names;
}

void append_preset(std::string_view name, std::vector<TargetPattern>& patterns,
                   std::vector<std::string>& problems) {
  const Preset* preset = find_preset(to_lower(name));
  if (preset == nullptr) {
    problems.push_back("preset:" + redact(name) + ": no such preset (" + known_presets() + ")");
    return;
  }
  for (const std::string_view text : preset->patterns) {
    std::string problem;
    if (auto pattern = TargetPattern::parse(text, problem)) patterns.push_back(*pattern);
  }
}

}  // namespace

std::vector<TargetPattern> parse_target_patterns(std::string_view list,
                                                 std::vector<std::string>& problems) {
  std::vector<TargetPattern> patterns;
  for (const std::string_view text : split(list, ',')) {
    if (const auto preset = preset_name(text)) {
      append_preset(*preset, patterns, problems);
      continue;
    }
    std::string problem;
    if (text.empty()) {
      problems.push_back("an empty pattern in '" + redact(list) + "'");
    } else if (auto pattern = TargetPattern::parse(text, problem)) {
      patterns.push_back(std::move(*pattern));
    } else {
      problems.push_back(redact(text) + ": " + problem);
    }
  }
  return patterns;
}

}  // namespace culvert
