#include "check/beyond.h"

#include <cstdint>
#include <string>

#include "check/docker_trust.h"
#include "check/hide_echoes.h"
#include "check/registry_walk.h"
#include "check/visits.h"

namespace culvert {
namespace {

void walk_url(Visits& visits, const CheckTarget& target) {
  FetchRequest request{.link = {.tls = target.tls, .host = target.address, .path = target.path},
                       .authorization = {},
                       .most_body = 1024};
  const std::size_t first = visits.steps().size();
  visits.first(request);
  // A query may hold a token.
  const std::size_t query = target.path.find('?');
  if (query != target.path.npos) hide_echoes(visits.steps(), first, target.path.substr(query + 1));
}

}  // namespace

void walk_beyond(Way& way, const CheckTarget& target, TargetReport& report) {
  walk_beyond(way, target, report, std::string(kDockerFolder));
}

void walk_beyond(Way& way, const CheckTarget& target, TargetReport& report,
                 const std::string& docker_folder) {
  const bool is_image = target.kind == CheckTarget::Kind::image;
  const std::uint16_t port = target.address.port;
  if (target.kind == CheckTarget::Kind::host && port != 443 && port != 80) return;
  Visits visits(way, report, is_image ? AskedAs::image : AskedAs::url, docker_folder);
  if (is_image) {
    RegistryWalk(visits, target.image).run();
  } else {
    walk_url(visits, target);
  }
}

}  // namespace culvert
