#include "admin/admin_route.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <string_view>

namespace culvert {
namespace {

using Page = AdminRoute::Page;

struct Path {
  std::string_view path;
  Page page;
};
constexpr auto kPaths = std::to_array<Path>({
    {"/", Page::status_page},
    {"/metrics", Page::metrics},
    {"/healthz", Page::healthz},
    {"/readyz", Page::readyz},
    {"/proxy.pac", Page::proxy_pac},
    {"/api/v1/status", Page::status},
    {"/api/v1/tunnels", Page::tunnels},
    {"/api/v1/upstreams", Page::upstreams},
    {"/api/v1/failures", Page::failures},
    {"/api/v1/events", Page::events},
    {"/api/v1/trace", Page::trace},
});

constexpr std::string_view kTunnels = "/api/v1/tunnels/";
constexpr std::string_view kUpstreams = "/api/v1/upstreams/";

/// "PREFIX<subject>SUFFIX", a subject being there.
bool is_about(std::string_view path, std::string_view prefix, std::string_view suffix,
              std::string& subject) {
  if (!path.starts_with(prefix) || !path.ends_with(suffix)) return false;
  if (path.size() <= prefix.size() + suffix.size()) return false;
  subject = path.substr(prefix.size(), path.size() - prefix.size() - suffix.size());
  return true;
}

AdminRoute action_of(std::string_view path) {
  AdminRoute route;
  if (is_about(path, kTunnels, "/end", route.subject)) {
    route.page = Page::end_tunnel;
  } else if (is_about(path, kUpstreams, "/down", route.subject)) {
    route.page = Page::mark_upstream;
    route.down = true;
  } else if (is_about(path, kUpstreams, "/up", route.subject)) {
    route.page = Page::mark_upstream;
  }
  return route;
}

}  // namespace

AdminRoute route_of(const AdminRequest& request) {
  AdminRoute route = action_of(request.path);
  if (route.page == Page::unknown) {
    const auto* const found = std::find_if(
        kPaths.begin(), kPaths.end(), [&](const Path& one) { return one.path == request.path; });
    if (found == kPaths.end()) return route;
    route.page = found->page;
  }
  route.wrong_method = route.acts() != request.acts();
  return route;
}

}  // namespace culvert
