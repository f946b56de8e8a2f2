#include "net/spare_descriptor.h"

#include <sys/eventfd.h>
#include <unistd.h>

namespace culvert {

bool SpareDescriptor::take() {
  const int fd = eventfd(0, EFD_CLOEXEC);
  if (fd < 0) return held();
  int none = -1;
  // Another thread may have been quicker.
  if (!fd_.compare_exchange_strong(none, fd)) close(fd);
  return true;
}

bool SpareDescriptor::give() {
  const int fd = fd_.exchange(-1);
  if (fd < 0) return false;
  close(fd);
  return true;
}

}  // namespace culvert
