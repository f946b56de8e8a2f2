#pragma once

#include <cstdint>
#include <string>

#include "admin/admin_request.h"
#include "admin/survey.h"

namespace culvert {

/// What a request to the admin interface is about.
struct AdminRoute {
  enum class Page : std::uint8_t {
    unknown,
    status_page,
    metrics,
    healthz,
    readyz,
    proxy_pac,
    status,
    tunnels,
    upstreams,
    failures,
    events,
    trace,          ///< a stream of events, too
    end_tunnel,     ///< `subject`: the id of a session
    mark_upstream,  ///< `subject`: its name, which is to be `down` or not
  };
  Page page = Page::unknown;
  std::string subject{};
  bool down = false;
  bool wrong_method = false;  ///< of a page that there is

  bool acts() const { return page == Page::end_tunnel || page == Page::mark_upstream; }
  SurveyWants wants() const {
    return {.sessions = page == Page::tunnels, .failures = page == Page::failures};
  }
};

AdminRoute route_of(const AdminRequest& request);

}  // namespace culvert
