// A second reader of HTTP/1.1, written from the grammar of RFC 9112 alone and sharing nothing with
// the codec: it must read what we send as we meant it.  It is strict, and not fast.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace culvert::test {

using StrictFields = std::vector<std::pair<std::string, std::string>>;

struct StrictMessage {
  std::string first, second, third;  ///< the parts of the start line
  StrictFields fields;               ///< names in lower case
  std::string body;
  StrictFields trailers;
  bool ends_with_connection = false;

  std::size_t count(std::string_view name) const {
    return static_cast<std::size_t>(std::count_if(
        fields.begin(), fields.end(), [&](const auto& field) { return field.first == name; }));
  }
  std::string value(std::string_view name) const {
    for (const auto& [key, text] : fields) {
      if (key == name) return text;
    }
    return {};
  }
};

/// Reads one message from the front of `bytes` and takes it off; nullopt if it is not exactly what
/// the grammar allows, or not complete.
class StrictReader {
 public:
  explicit StrictReader(std::string_view bytes) : rest_(bytes) {}

  std::string_view rest() const { return rest_; }

  std::optional<StrictMessage> request() {
    StrictMessage message;
    const auto line = take_line();
    if (!line || !split_in_three(*line, message)) return std::nullopt;
    if (!is_token(message.first) || message.second.empty() ||
        !all(message.second, [](unsigned char c) { return c > 0x20 && c < 0x7f; }) ||
        !is_version(message.third) || !read_fields(message.fields)) {
      return std::nullopt;
    }
    if (message.count("host") != 1 && message.third == "HTTP/1.1") return std::nullopt;
    if (!read_body(message, false)) return std::nullopt;
    return message;
  }

  std::optional<StrictMessage> response(std::string_view request_method) {
    StrictMessage message;
    const auto line = take_line();
    if (!line || !split_in_three(*line, message)) return std::nullopt;
    if (!is_version(message.first) || message.second.size() != 3 ||
        !all(message.second, [](unsigned char c) { return c >= '0' && c <= '9'; }) ||
        !is_field_text(message.third) || !read_fields(message.fields)) {
      return std::nullopt;
    }
    const bool bodiless = request_method == "HEAD" || message.second[0] == '1' ||
                          message.second == "204" || message.second == "304";
    if (bodiless) return message;
    if (!read_body(message, true)) return std::nullopt;
    return message;
  }

 private:
  template <typename Test>
  static bool all(std::string_view text, Test test) {
    return std::all_of(text.begin(), text.end(),
                       [&](char c) { return test(static_cast<unsigned char>(c)); });
  }

  static bool is_token(std::string_view text) {
    return !text.empty() && all(text, [](unsigned char c) {
      constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
      return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
             (c != 0 && kMarks.find(static_cast<char>(c)) != std::string_view::npos);
    });
  }
  static bool is_field_text(std::string_view text) {
    return all(text, [](unsigned char c) { return c == '\t' || (c >= 0x20 && c != 0x7f); });
  }
  static bool is_version(std::string_view text) { return text == "HTTP/1.1" || text == "HTTP/1.0"; }

  /// A line that ends in CRLF and holds neither CR nor LF.
  std::optional<std::string_view> take_line() {
    const std::size_t end = rest_.find_first_of("\r\n");
    if (end == std::string_view::npos || rest_.substr(end, 2) != "\r\n") return std::nullopt;
    const std::string_view line = rest_.substr(0, end);
    rest_.remove_prefix(end + 2);
    return line;
  }

  static bool split_in_three(std::string_view line, StrictMessage& message) {
    const std::size_t first = line.find(' ');
    if (first == std::string_view::npos) return false;
    const std::size_t second = line.find(' ', first + 1);
    if (second == std::string_view::npos) return false;
    message.first = line.substr(0, first);
    message.second = line.substr(first + 1, second - first - 1);
    message.third = line.substr(second + 1);
    return true;
  }

  bool read_fields(StrictFields& fields) {
    for (;;) {
      const auto line = take_line();
      if (!line) return false;
      if (line->empty()) return true;
      const std::size_t colon = line->find(':');
      if (colon == std::string_view::npos || !is_token(line->substr(0, colon))) return false;
      std::string name(line->substr(0, colon));
      for (char& c : name) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
      std::string value(line->substr(colon + 1));
      value.erase(0, std::min(value.find_first_not_of(" \t"), value.size()));
      value.erase(value.find_last_not_of(" \t") + 1);
      if (!is_field_text(value)) return false;
      fields.emplace_back(std::move(name), std::move(value));
    }
  }

  bool read_body(StrictMessage& message, bool is_response) {
    const std::size_t lengths = message.count("content-length");
    const std::size_t codings = message.count("transfer-encoding");
    if (lengths + codings > 1) return false;
    if (codings == 1) {
      std::string coding = message.value("transfer-encoding");
      for (char& c : coding) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
      if (coding != "chunked") return false;
      return read_chunks(message);
    }
    if (lengths == 1) return read_length(message);
    if (!is_response) return true;
    message.ends_with_connection = true;
    message.body = rest_;
    rest_ = {};
    return true;
  }

  bool read_length(StrictMessage& message) {
    const std::string text = message.value("content-length");
    if (text.empty() || text.size() > 19 ||
        !all(text, [](unsigned char c) { return c >= '0' && c <= '9'; })) {
      return false;
    }
    const unsigned long long length = std::stoull(text);
    if (length > rest_.size()) return false;
    message.body = rest_.substr(0, length);
    rest_.remove_prefix(length);
    return true;
  }

  bool read_chunks(StrictMessage& message) {
    for (;;) {
      const auto line = take_line();
      if (!line || !is_field_text(*line)) return false;
      std::string_view digits = *line;
      if (const std::size_t semicolon = digits.find(';'); semicolon != std::string_view::npos) {
        digits = digits.substr(0, semicolon);
        digits = digits.substr(0, digits.find_last_not_of(" \t") + 1);
      }
      if (digits.empty() || digits.size() > 16 ||
          digits.find_first_not_of("0123456789abcdefABCDEF") != std::string_view::npos) {
        return false;
      }
      const unsigned long long size = std::stoull(std::string(digits), nullptr, 16);
      if (size == 0) return read_fields(message.trailers);
      if (size > rest_.size() || rest_.size() - size < 2 || rest_.substr(size, 2) != "\r\n") {
        return false;
      }
      message.body += rest_.substr(0, size);
      rest_.remove_prefix(size + 2);
    }
  }

  std::string_view rest_;
};

}  // namespace culvert::test
