#include "commands/setup.h"

#include "commands/standard_streams.h"

namespace culvert {

int setup(const SetupOptions&) {
  complain("setup: this command is not there yet");
  return 1;
}

}  // namespace culvert
