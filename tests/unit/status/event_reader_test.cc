#include "status/event_reader.h"

#include <string>
#include <vector>

#include "support/catch.h"

using namespace culvert;

namespace {

/// Each as "name=data".
std::vector<std::string> read(const std::string& text, std::size_t piece) {
  EventReader reader;
  std::vector<std::string> out;
  for (std::size_t at = 0; at < text.size(); at += piece) {
    for (const StreamEvent& event : reader.take(std::string_view(text).substr(at, piece))) {
      out.push_back(event.name + "=" + event.data);
    }
  }
  return out;
}

}  // namespace

TEST_CASE("events of a stream, cut anywhere") {
  const std::string text =
      "retry: 1000\n\n: a comment\n\nid: 1\nevent: step\ndata: {\"a\": 1}\n\n"
      "event: two\r\ndata: one\r\ndata:two\r\ndata:  three\r\n\r\ndata\n\nevent: none\n\n"
      "event: late\ndata: x";
  for (std::size_t piece = 1; piece <= text.size(); ++piece) {
    CAPTURE(piece);
    CHECK(read(text, piece) ==
          std::vector<std::string>{"step={\"a\": 1}", "two=one\ntwo\n three", "="});
  }
}

TEST_CASE("an event that is too long is cut, and the next one is whole") {
  const std::string text =
      "data: " + std::string(2 * EventReader::kMostData, 'x') + "\n\nevent: a\ndata: b\n\n";
  const auto events = read(text, 1000);
  REQUIRE(events.size() == 2);
  CHECK(events[0].size() <= EventReader::kMostData + 1);
  CHECK(events[1] == "a=b");
}
