#include "net/spare_descriptor.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <utility>

namespace culvert {

void SpareDescriptor::keep() {
  kept_ = true;
  regain();
}

bool SpareDescriptor::take() {
  fd_ = eventfd(0, EFD_CLOEXEC);
  return fd_ >= 0;
}

void SpareDescriptor::give() {
  if (fd_ >= 0) close(std::exchange(fd_, -1));
}

}  // namespace culvert
