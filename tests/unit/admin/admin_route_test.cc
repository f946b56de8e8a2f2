#include "admin/admin_route.h"

#include "support/catch.h"

using namespace culvert;
using Page = AdminRoute::Page;
using Method = AdminRequest::Method;

namespace {

AdminRoute route(const std::string& path, Method method = Method::get) {
  AdminRequest request;
  request.path = path;
  request.method = method;
  return route_of(request);
}

}  // namespace

TEST_CASE("what is at each path") {
  struct Case {
    std::string path;
    Page page;
  };
  for (const auto& [path, page] : std::vector<Case>{{"/", Page::status_page},
                                                    {"/metrics", Page::metrics},
                                                    {"/healthz", Page::healthz},
                                                    {"/readyz", Page::readyz},
                                                    {"/proxy.pac", Page::proxy_pac},
                                                    {"/api/v1/status", Page::status},
                                                    {"/api/v1/tunnels", Page::tunnels},
                                                    {"/api/v1/upstreams", Page::upstreams},
                                                    {"/api/v1/failures", Page::failures},
                                                    {"/api/v1/events", Page::events},
                                                    {"/api/v1/trace", Page::trace}}) {
    CAPTURE(path);
    CHECK(route(path).page == page);
    CHECK_FALSE(route(path).acts());
    CHECK_FALSE(route(path).wrong_method);
    CHECK_FALSE(route(path, Method::head).wrong_method);
    CHECK(route(path, Method::post).page == page);
    CHECK(route(path, Method::post).wrong_method);
  }
}

TEST_CASE("paths at which there is nothing") {
  for (const char* path :
       {"", "//", "/index.html", "/Metrics", "/metrics/", "/api", "/api/v1", "/api/v2/status",
        "/api/v1/status/", "/api/v1/tunnels/", "/api/v1/tunnels//end", "/api/v1/tunnels/end",
        "/api/v1/tunnels/7", "/api/v1/tunnels/7/End", "/api/v1/upstreams//up",
        "/api/v1/upstreams/down", "/api/v1/upstreams/a/end", "/api/v1/tunnels/7/down"}) {
    CAPTURE(path);
    CHECK(route(path).page == Page::unknown);
    CHECK(route(path, Method::post).page == Page::unknown);
  }
}

TEST_CASE("actions name what they are about, and take POST") {
  const AdminRoute end = route("/api/v1/tunnels/17/end", Method::post);
  CHECK(end.page == Page::end_tunnel);
  CHECK(end.subject == "17");
  CHECK(end.acts());
  CHECK_FALSE(end.wrong_method);
  CHECK(route("/api/v1/tunnels/17/end").wrong_method);
  CHECK(route("/api/v1/tunnels/17/end", Method::head).wrong_method);

  const AdminRoute down = route("/api/v1/upstreams/socks5://a:1/down", Method::post);
  CHECK(down.page == Page::mark_upstream);
  CHECK(down.subject == "socks5://a:1");
  CHECK(down.down);
  CHECK(down.acts());
  const AdminRoute up = route("/api/v1/upstreams/a/down/up", Method::post);
  CHECK(up.page == Page::mark_upstream);
  CHECK(up.subject == "a/down");
  CHECK_FALSE(up.down);
}

TEST_CASE("what a survey has to find out for a page") {
  CHECK(route("/api/v1/tunnels").wants().sessions);
  CHECK_FALSE(route("/api/v1/tunnels").wants().failures);
  CHECK(route("/api/v1/failures").wants().failures);
  CHECK_FALSE(route("/api/v1/status").wants().sessions);
  CHECK_FALSE(route("/metrics").wants().sessions);
}
