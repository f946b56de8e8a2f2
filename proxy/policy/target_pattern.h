#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/host_port.h"
#include "base/ip_address.h"

namespace culvert {

/// One pattern of a route.  Each may end in :PORT, without one every port matches.
///
///   gcr.io             that host alone, not its subdomains
///   .gcr.io, *.gcr.io  its subdomains at any depth, not gcr.io itself
///   10.0.0.0/8         targets that the client named by an address in the block; names are never
///                      looked up to answer a question of policy
///   192.0.2.7          that address; IPv6 with a port goes in brackets: [2001:db8::]/32:443
///   *                  every target
///
/// Case does not matter, nor does the dot that may end a fully qualified name.
class TargetPattern {
 public:
  enum class Kind : std::uint8_t { any, host, suffix, block };

  /// nullopt if malformed; then `problem` describes the mistake without repeating `text`.
  static std::optional<TargetPattern> parse(std::string_view text, std::string& problem);

  bool matches(const HostPort& target) const;
  /// Whether it names this target in particular; a block wider than /8 does not.
  bool names(const HostPort& target) const {
    const bool particular = kind_ == Kind::block ? block_prefix_ >= 8 : kind_ != Kind::any;
    return particular && matches(target);
  }
  /// A single address, not a block of several.
  bool is_one_address() const {
    return kind_ == Kind::block && block_prefix_ == 8 * block_base_->size();
  }
  Kind kind() const { return kind_; }
  /// Kind host: the name; kind suffix: with its leading dot.
  const std::string& name() const { return name_; }
  /// Kind block.
  const std::optional<IpAddress>& block_base() const { return block_base_; }
  unsigned block_prefix() const { return block_prefix_; }
  const std::optional<std::uint16_t>& port() const { return port_; }
  bool has_port() const { return port_.has_value(); }
  bool matches_everything() const { return kind_ == Kind::any && !port_; }
  /// Whether everything that `other` matches matches here, too.
  bool covers(const TargetPattern& other) const;

  const std::string& text() const { return text_; }
  /// Its meaning as a text: "subdomains of gcr.io at port 443".
  std::string meaning() const;

 private:
  bool covers_host(const TargetPattern& other) const;

  Kind kind_ = Kind::any;
  std::string text_;
  std::string name_;           ///< kind host: the name; kind suffix: with its leading dot
  std::optional<Cidr> block_;  ///< kind block
  std::optional<IpAddress> block_base_;
  unsigned block_prefix_ = 0;
  std::optional<std::uint16_t> port_;
};

/// The patterns of a comma-separated list, presets ("preset:gcr") replaced by what they stand for.
/// Each problem is appended to `problems` as "PATTERN: what is wrong".
std::vector<TargetPattern> parse_target_patterns(std::string_view list,
                                                 std::vector<std::string>& problems);

}  // namespace culvert
