#include "support/dialogue.h"

#include <utility>

#include <fmt/format.h>

namespace culvert::test {

Dialogue& Dialogue::expects(std::string bytes) {
  return add({Line::What::receive, std::move(bytes)});
}
Dialogue& Dialogue::expects_end() { return add({Line::What::receive_end, {}}); }
Dialogue& Dialogue::sends(std::string bytes) { return add({Line::What::send, std::move(bytes)}); }
Dialogue& Dialogue::ends() { return add({Line::What::end, {}}); }
Dialogue& Dialogue::resets(int error) { return add({Line::What::reset, {}, error}); }

Dialogue& Dialogue::add(Line line) {
  lines_.push_back(std::move(line));
  perform();
  return *this;
}

void Dialogue::take(std::string_view bytes) {
  received_ += bytes;
  perform();
}

void Dialogue::take_end() {
  received_end_ = true;
  perform();
}

void Dialogue::perform() {
  for (; !lines_.empty(); lines_.pop_front()) {
    Line& line = lines_.front();
    switch (line.what) {
      case Line::What::receive:
        if (!received_.starts_with(line.bytes)) return;
        received_.erase(0, line.bytes.size());
        break;
      case Line::What::receive_end:
        if (!received_end_ || !received_.empty()) return;
        break;
      case Line::What::send:
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
  const std::string wanted = line.what == Line::What::receive_end ? "the end" : shown(line.bytes);
  return "waits for " + wanted + " and heard " + shown(received_) +
         (received_end_ ? " and the end" : "");
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
