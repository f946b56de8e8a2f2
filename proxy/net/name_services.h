#pragma once

namespace culvert {

/// Can the C library ask its name services (nsswitch.conf(5))?  They are plugins of this system's C
/// library, which a static program cannot load.
bool has_name_services();

}  // namespace culvert
