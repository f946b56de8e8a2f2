#pragma once

#include <string>
#include <utility>
#include <vector>

#include "config/given_listener.h"
#include "options/settings.h"
#include "setup/installed_service.h"

namespace culvert {

/// The options of a service, as (name, values).
using ServiceOptions = std::vector<std::pair<std::string, std::vector<std::string>>>;

/// Those of an installed service that a second installation gives anew.
struct KeptOptions {
  ServiceOptions service;         ///< all: the given ones, and what is kept
  std::vector<std::string> kept;  ///< the names of the latter
  std::string problem;            ///< why both do not go together; empty: they do
};

/// `config` is the content of the service's culvert.toml.  What is `given` counts more, each option
/// as a whole: new upstreams replace all old ones.  Files are looked for below `root`.
KeptOptions keep_options(const ServiceOptions& given, const std::string& config,
                         std::string_view root);

/// Where the installed service listens; empty: there is none.
std::vector<GivenListener> installed_listeners(const InstalledService& service);

/// Adds the value of a --listen, unless it is none.
void add_listener(const std::string& text, std::vector<GivenListener>& listeners);

/// What `serve` on the system below `root` would have to say about its options.
std::vector<std::string> service_problems(const Settings& settings, std::string_view root);

}  // namespace culvert
