#include "check/upstream_option.h"

#include "base/duration.h"
#include "base/port_mark.h"
#include "base/shell_text.h"
#include "base/text.h"

namespace culvert {
namespace {

/// The part of an upstream's URL behind the '?'.
class Parameters {
 public:
  /// `changed` replaces what else is added of its name.
  explicit Parameters(const std::string& changed) : changed_(changed) {}

  void add(std::string_view name, std::string_view value) {
    const bool is_changed =
        ("&" + changed_).find("&" + std::string(name) + "=") != std::string_view::npos;
    if (value.empty() || is_changed) return;
    text_.append(text_.empty() ? "?" : "&").append(name).append("=");
    text_ += percent_encode(value, is_plain);
  }
  std::string text() const {
    return changed_.empty() ? text_ : text_ + (text_.empty() ? "?" : "&") + changed_;
  }

 private:
  static bool is_plain(char c) {
    return is_letter_or_digit(c) || std::string_view("-._~/:,").find(c) != std::string_view::npos;
  }

  std::string changed_;
  std::string text_;
};

std::string place_of(const UpstreamConfig& upstream) {
  std::string place = upstream.address.to_string();
  if (upstream.tunnel > 0) place.replace(place.rfind(':') + 1, std::string::npos, kPortMark);
  return place;
}

std::string parameters(const UpstreamConfig& upstream, std::string_view scheme,
                       const OptionChange& change) {
  Parameters all(change.parameter);
  if (scheme == "https") {
    all.add("ca", upstream.ca);
    all.add("cert", upstream.cert);
    if (upstream.key != upstream.cert) all.add("key", upstream.key);
    all.add("sni", upstream.sni);
  }
  if (upstream.resolve_local && !change.resolve_remote) all.add("resolve", "local");
  if (upstream.connect_timeout) {
    all.add("connect-timeout", format_duration(*upstream.connect_timeout));
  }
  if (upstream.warm > 0) all.add("warm", std::to_string(upstream.warm));
  if (upstream.weight != 1) all.add("weight", std::to_string(upstream.weight));
  if (!change.no_via) all.add("via", upstream.via);
  return all.text();
}

}  // namespace

std::string upstream_value(const UpstreamConfig& upstream, const OptionChange& change) {
  const std::string_view scheme = change.scheme.empty() ? scheme_of(upstream.kind) : change.scheme;
  const bool is_direct = upstream.kind == UpstreamConfig::Kind::direct;
  const std::string& name = upstream.group.empty() ? upstream.name : upstream.group;
  const bool is_named = !name.empty() && name != upstream.label;
  std::string text = is_named && !(is_direct && name == scheme) ? name + "=" : "";
  text += scheme;
  if (!is_direct) {
    text.append(change.login ? "://USER:PASSWORD@" : "://");
    text += change.place.empty() ? place_of(upstream) : std::string(change.place);
  }
  return text + parameters(upstream, scheme, change);
}

std::string upstream_option(const UpstreamConfig& upstream, const OptionChange& change) {
  return "--upstream " + shell_quoted(upstream_value(upstream, change));
}

}  // namespace culvert
