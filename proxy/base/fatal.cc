#include "base/fatal.h"

#include <cxxabi.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <exception>
#include <string>
#include <typeinfo>

#include "base/text.h"

namespace culvert {
namespace {

void say(const std::string& text) {
  // Nobody is left to be told that it failed.
  if (write(STDERR_FILENO, text.data(), text.size()) < 0) return;
}

}  // namespace

void fatal(std::string_view what, int sys) {
  say(concat({"culvert: cannot start: ", what, ": ", std::strerror(sys),
              " - see the limits of open files, processes and memory (ulimit -a)\n"}));
  std::_Exit(fatal_status);
}

}  // namespace culvert

/// What the C++ runtime calls for an exception that nobody catches.  Its own one demangles the
/// name of the type, with 50 KB of code for that.
void __gnu_cxx::
    __verbose_terminate_handler() {  // NOLINT(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp)
  const std::type_info* type = abi::__cxa_current_exception_type();
  const char* name = type != nullptr ? type->name() : "no exception";
  for (const char* part : {"culvert: terminated: ", name, "\n"}) {
    if (write(STDERR_FILENO, part, std::char_traits<char>::length(part)) < 0) break;
  }
  std::abort();
}
