#include "base/rare_warnings.h"

#include <string>
#include <utility>

#include "base/text.h"

namespace culvert {

bool RareWarnings::write(Kind kind, Time now, std::string_view text) {
  Seen& seen = seen_[static_cast<std::size_t>(kind)];
  if (seen.written > 0 && now - seen.since >= kPeriod) seen.written = 0;
  if (seen.written == 0) seen.since = now;
  if (seen.written >= (kind < Kind::no_accept ? kMost : kMostOfShort)) {
    ++seen.held_back;
    return false;
  }
  ++seen.written;
  const std::uint64_t more = std::exchange(seen.held_back, 0);
  if (more == 0) {
    log_.write(Log::Level::warning, text);
  } else {
    log_.write(Log::Level::warning,
               concat({text, " (and ", std::to_string(more), " more like it before)"}));
  }
  return true;
}

}  // namespace culvert
