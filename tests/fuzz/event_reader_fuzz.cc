// A stream of events is read alike wherever it is cut, and what an event holds is bounded.
#include "status/event_reader.h"

#include <string>
#include <vector>

#include "fuzz/fuzz.h"
#include "support/cuts.h"

using namespace culvert;

namespace {

std::string read(const std::vector<std::string_view>& pieces) {
  EventReader reader;
  std::string out;
  for (const std::string_view piece : pieces) {
    for (const StreamEvent& event : reader.take(piece)) {
      FUZZ_CHECK(event.data.size() <= EventReader::kMostData);
      FUZZ_CHECK(event.name.find('\n') == std::string::npos);
      out += event.name + '\0' + event.data + '\0';
    }
  }
  return out;
}

}  // namespace

FUZZ_TARGET(event_reader) {
  const std::string_view text = test::as_text(data, size);
  FUZZ_CHECK(read({text}) == read(test::cut_at_random(text, static_cast<unsigned>(size))));
}
