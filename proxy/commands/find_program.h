#pragma once

#include <string>

namespace culvert {

/// The errno with which a shell would fail to run `name` now, ENOENT or EACCES; 0: it finds a file
/// that it may execute.
int error_of_program(const std::string& name);

}  // namespace culvert
