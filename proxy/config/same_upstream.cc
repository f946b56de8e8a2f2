#include "config/same_upstream.h"

namespace culvert {
namespace {

bool same(const std::optional<Credentials>& one, const std::optional<Credentials>& other) {
  if (!one || !other) return one.has_value() == other.has_value();
  return one->user == other->user && one->password.reveal() == other->password.reveal();
}

bool same(const Config& before, std::size_t old_index, const Config& after, std::size_t index) {
  const UpstreamConfig& one = before.upstreams[old_index];
  const UpstreamConfig& other = after.upstreams[index];
  return one.kind == other.kind && one.name == other.name && one.label == other.label &&
         one.address == other.address && same(one.credentials, other.credentials) &&
         one.resolve_local == other.resolve_local && one.ca == other.ca && one.cert == other.cert &&
         one.key == other.key && one.sni == other.sni &&
         one.connect_timeout == other.connect_timeout &&
         one.proxy_protocol == other.proxy_protocol && one.warm == other.warm &&
         one.via == other.via && one.tunnel == other.tunnel &&
         (!one.via_index || same(before, *one.via_index, after, *other.via_index));
}

}  // namespace

std::optional<std::size_t> same_upstream(const Config& before, const Config& after,
                                         std::size_t index) {
  for (std::size_t i = 0; i < before.upstreams.size(); ++i) {
    if (same(before, i, after, index)) return i;
  }
  return {};
}

}  // namespace culvert
