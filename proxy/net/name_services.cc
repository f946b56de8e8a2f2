#include "net/name_services.h"

#include <link.h>

#include <algorithm>
#include <cstddef>
#include <span>

namespace culvert {
namespace {

/// The first object is the program itself, and only one that is linked dynamically names a loader.
int find_loader(dl_phdr_info* object, std::size_t, void* found) {
  const std::span<const ElfW(Phdr)> headers(object->dlpi_phdr, object->dlpi_phnum);
  *static_cast<bool*>(found) =
      std::any_of(headers.begin(), headers.end(),
                  [](const ElfW(Phdr) & header) { return header.p_type == PT_INTERP; });
  return 1;
}

}  // namespace

bool has_name_services() {
  bool found = false;
  dl_iterate_phdr(find_loader, &found);
  return found;
}

}  // namespace culvert
