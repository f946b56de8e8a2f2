#pragma once

#include <string>

#include "check/report.h"
#include "check/target.h"
#include "check/way.h"

namespace culvert {

/// The steps beyond the proxy, appended to `report`: `tls` and `http`, for an image also
/// `registry`, `token`, `manifest`, `blob` and `clock`.  It ends at the first step that fails, or
/// when the time is over.  To be called once `request` has passed.  A host with a port that is
/// neither 443 nor 80 has none of them.
void walk_beyond(Way& way, const CheckTarget& target, TargetReport& report);
/// The same with docker's settings in another folder.
void walk_beyond(Way& way, const CheckTarget& target, TargetReport& report,
                 const std::string& docker_folder);

}  // namespace culvert
