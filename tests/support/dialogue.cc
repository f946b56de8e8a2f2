#include "support/dialogue.h"

#include <utility>

#include <fmt/format.h>

namespace culvert::test {

Dialogue& Dialogue::hears(std::string bytes) { return add({Line::What::hear, std::move(bytes)}); }
Dialogue& Dialogue::hears_end() { return add({Line::What::hear_end, {}}); }
Dialogue& Dialogue::says(std::string bytes) { return add({Line::What::say, std::move(bytes)}); }
Dialogue& Dialogue::ends() { return add({Line::What::end, {}}); }
Dialogue& Dialogue::resets(int error) { return add({Line::What::reset, {}, error}); }

Dialogue& Dialogue::add(Line line) {
  lines_.push_back(std::move(line));
  perform();
  return *this;
}

void Dialogue::take(std::string_view bytes) {
  heard_ += bytes;
  perform();
}

void Dialogue::take_end() {
  heard_end_ = true;
  perform();
}

void Dialogue::perform() {
  for (; !lines_.empty(); lines_.pop_front()) {
    Line& line = lines_.front();
    switch (line.what) {
      case Line::What::hear:
        if (!heard_.starts_with(line.bytes)) return;
        heard_.erase(0, line.bytes.size());
        break;
      case Line::What::hear_end:
        if (!heard_end_ || !heard_.empty()) return;
        break;
      case Line::What::say:
        output += line.bytes;
        break;
      case Line::What::end:
        ended = true;
        break;
      case Line::What::reset:
        broken = line.error;
        break;
    }
  }
}

std::string Dialogue::verdict() const {
  if (lines_.empty()) return {};
  const Line& line = lines_.front();
  const std::string wanted = line.what == Line::What::hear_end ? "the end" : shown(line.bytes);
  return "waits for " + wanted + " and heard " + shown(heard_) + (heard_end_ ? " and the end" : "");
}

std::string shown(std::string_view bytes) {
  std::string out = "\"";
  for (const char c : bytes.substr(0, 200)) {
    if (c == '\r') {
      out += "\\r";
    } else if (c == '\n') {
      out += "\\n";
    } else if (c < ' ' || c > '~') {
      out += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    } else {
      out += c;
    }
  }
  return out + (bytes.size() > 200 ? "\"..." : "\"");
}

}  // namespace culvert::test
