#include "commands/run.h"

#include "commands/standard_streams.h"

namespace culvert {

int run(const RunOptions&) {
  complain("run: this command is not there yet");
  return 1;
}

}  // namespace culvert
