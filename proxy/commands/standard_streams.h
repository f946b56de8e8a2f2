#pragma once

#include <cstdio>
#include <string_view>

namespace culvert {

/// Opens /dev/null for each of the descriptors 0 to 2 that is closed.  Otherwise the next socket
/// would get its number, and receive the log.  For a program that we execute it is closed.  To be
/// called first in main().
void fill_standard_descriptors();

/// Failures are ignored; see flushed().
void print(std::FILE* to, std::string_view text);

/// "culvert: TEXT" on standard error.
void complain(std::string_view text);

/// `status`, or 1 if writing to standard output failed.
int flushed(int status);

}  // namespace culvert
