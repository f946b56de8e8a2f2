#pragma once

#include <string>
#include <utility>
#include <vector>

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
/// as a whole: new upstreams replace all old ones.
KeptOptions keep_options(const ServiceOptions& given, const std::string& config);

}  // namespace culvert
