#pragma once

#include <string>
#include <string_view>

#include "base/host_port.h"
#include "check/upstream_option.h"
#include "config/config.h"
#include "policy/router.h"

namespace culvert {

/// What to write where the options stand, for a fix that changes one value of a list: a flag
/// replaces a whole list, so each text names all values that are to stay, without their passwords.
/// In a file it is the line with its place in a comment, `route = ["a=NAME"]  # in c.toml`; else
/// flags.  A `config` that is null stands for a single value of the command line.

/// The same upstreams, of which one that has the name of `upstream` is changed.
std::string upstream_fix(const Config* config, const UpstreamConfig& upstream,
                         const OptionChange& change);

/// A rule `host`=`name` for `target`, which `host` stands for, before the rule that takes it now.
std::string route_fix(const Config* config, const HostPort& target, const std::string& host,
                      const std::string& name);

/// With `comment` at its end, behind any that is there.
std::string with_comment(std::string fix, std::string_view comment);

/// "c.toml:3: route gcr.io=deny", for a `rule` as Route has it, "--route gcr.io=deny".
std::string shown_rule(const Config& config, const std::string& rule);
/// The same with why it matched.
std::string shown_text(const Config& config, const Router::Explanation& found);

}  // namespace culvert
