#include "check/target.h"

#include <cstddef>
#include <cstdint>
#include <utility>

#include "base/ip_address.h"
#include "base/redact.h"
#include "base/text.h"
#include "check/link.h"

namespace culvert {
namespace {

constexpr std::string_view kDockerScheme = "docker://";

Result<CheckTarget> image_target(std::string_view text) {
  auto image = ImageReference::parse(text);
  if (!image) return std::move(image).error();
  CheckTarget out{
      .kind = CheckTarget::Kind::image, .shown = {}, .address = {}, .path = {}, .image = {}};
  out.shown = printable(text, 300);
  out.address = image->registry;
  out.image = *std::move(image);
  return out;
}

Result<CheckTarget> url_target(std::string_view text) {
  auto link = Link::parse(text);
  if (!link) return std::move(link).error();
  CheckTarget out{
      .kind = CheckTarget::Kind::url, .shown = {}, .address = {}, .path = {}, .image = {}};
  out.shown = link->shown();
  out.address = std::move(link->host);
  out.tls = link->tls;
  out.path = std::move(link->path);
  return out;
}

Result<CheckTarget> host_target(std::string_view text) {
  CheckTarget out{
      .kind = CheckTarget::Kind::host, .shown = {}, .address = {}, .path = "/", .image = {}};
  if (auto taken = out.address.assign(text, 443); !taken) return std::move(taken).error();
  out.shown = redact_url(text);
  out.tls = out.address.port != 80;
  return out;
}

/// Whether `name`, which has no '/', is a host and no image of docker.io.
bool is_host_name(std::string_view name) {
  return name.find('.') != name.npos || name == "localhost" || name.starts_with('[');
}

/// A port is rather given than a tag: redis:7, but proxy:3128.
bool is_likely_port(std::string_view text) {
  const auto port = parse_number<std::uint16_t>(text);
  return port && (*port == 80 || *port == 443 || *port > 1023);
}

bool is_host(std::string_view text) {
  if (IpAddress::parse(text)) return true;
  if (text.starts_with('[')) return true;
  const std::size_t colon = text.rfind(':');
  if (colon == text.npos) return is_host_name(text);
  const std::string_view name = text.substr(0, colon);
  const std::string_view number = text.substr(colon + 1);
  if (is_host_name(name)) return parse_number<std::uint32_t>(number).has_value();
  return is_likely_port(number);
}

}  // namespace

Result<CheckTarget> CheckTarget::parse(std::string_view text) {
  text = trim_space(text);
  if (iequals(text.substr(0, kDockerScheme.size()), kDockerScheme)) {
    return image_target(text.substr(kDockerScheme.size()));
  }
  if (text.find("://") != text.npos) return url_target(text);
  if (text.find_first_of("/@") == text.npos && is_host(text)) return host_target(text);
  return image_target(text);
}

}  // namespace culvert
