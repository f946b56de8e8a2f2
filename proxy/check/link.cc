#include "check/link.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "base/redact.h"
#include "base/text.h"
#include "codec/octets.h"

namespace culvert {
namespace {

constexpr std::uint16_t kHttpsPort = 443;

Error bad_link(std::string text) {
  return {Errc::http_request_error, Side::client, 0, std::move(text)};
}

/// `text` as a request target: without fragment, each byte that may not stand there encoded.
std::string as_target(std::string_view text) {
  text = text.substr(0, text.find('#'));
  return (text.starts_with('/') ? "" : "/") +
         percent_encode(text, [](char c) { return is_octet(c, kTargetText); });
}

/// RFC 3986 section 5.2.4, of a path without its query.
std::string without_dots(std::string_view path) {
  std::vector<std::string_view> parts;
  bool folder = false;  // it ends in a '/'
  while (!path.empty()) {
    path.remove_prefix(1);
    const std::string_view part = path.substr(0, path.find('/'));
    path.remove_prefix(part.size());
    folder = part.empty() || part == "." || part == "..";
    if (part == ".." && !parts.empty()) parts.pop_back();
    if (part != "." && part != ".." && !(part.empty() && path.empty())) parts.push_back(part);
  }
  std::string out;
  for (const std::string_view part : parts) {
    out += '/';
    out += part;
  }
  if (folder || out.empty()) out += '/';
  return out;
}

}  // namespace

Result<Link> Link::parse(std::string_view url) {
  const std::size_t colon = url.find("://");
  const std::string_view scheme = url.substr(0, colon);
  Link link;
  link.tls = iequals(scheme, "https") || iequals(scheme, "wss");
  if (!link.tls && !iequals(scheme, "http") && !iequals(scheme, "ws")) {
    return bad_link("neither an http:// nor an https:// URL");
  }
  const std::string_view rest = url.substr(colon + 3);
  const std::size_t end = std::min(rest.find_first_of("/?#"), rest.size());
  std::string_view authority = rest.substr(0, end);
  if (const std::size_t at = authority.rfind('@'); at != authority.npos) {
    authority.remove_prefix(at + 1);
  }
  auto taken = link.host.assign(authority, link.tls ? kHttpsPort : kHttpPort);
  if (!taken) return std::move(taken).error();
  link.path = as_target(rest.substr(end));
  return link;
}

Result<Link> Link::resolve(std::string_view location) const {
  location = trim(location);
  if (location.starts_with("//")) {
    return parse((tls ? "https:" : "http:") + std::string(location));
  }
  // A scheme is before each of these (RFC 3986 section 4.2).
  const std::size_t colon = location.find(':');
  if (colon != location.npos && colon < location.find_first_of("/?#")) return parse(location);
  Link link = *this;
  const std::string_view ours = std::string_view(path).substr(0, path.find('?'));
  if (location.empty() || location.starts_with('#')) return link;
  if (location.starts_with('?')) {
    link.path = as_target(std::string(ours) + std::string(location));
    return link;
  }
  std::string target = as_target(location);
  if (!location.starts_with('/')) {
    target = std::string(ours.substr(0, ours.rfind('/'))) + target;
  }
  const std::size_t query = std::min(target.find('?'), target.size());
  link.path = without_dots(std::string_view(target).substr(0, query)) + target.substr(query);
  return link;
}

std::string Link::host_field() const {
  if (host.port != (tls ? kHttpsPort : kHttpPort)) return host.authority();
  const std::string text = host.authority();
  return text.substr(0, text.rfind(':'));
}

std::string Link::shown() const { return (tls ? "https://" : "http://") + host_field(); }

}  // namespace culvert
