#include "base/random_number.h"

#include <sys/random.h>
#include <unistd.h>

#include <ctime>

namespace culvert {

unsigned random_number() {
  unsigned number = 0;
  if (getrandom(&number, sizeof number, 0) == sizeof number) return number;
  // A kernel without that call, or a sandbox: different in each process at least.
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  return static_cast<unsigned>(now.tv_nsec) ^ (static_cast<unsigned>(getpid()) << 16);
}

}  // namespace culvert
