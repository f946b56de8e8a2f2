// What a forwarded message may not carry, written independently of the code that ensures it.
#pragma once

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <set>
#include <string>

#include "codec/http_head.h"
#include "fuzz/fuzz.h"
#include "support/strict_http.h"

namespace culvert::test {

inline std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return out;
}

/// The fields that have to arrive: all but the hop-by-hop ones and those that are written anew.
inline StrictFields end_to_end(const StrictFields& fields) {
  std::set<std::string> gone = {
      "connection",
      "keep-alive",
      "proxy-connection",
      "te",
      "transfer-encoding",
      "proxy-authenticate",
      "upgrade",
      "proxy-authorization",
      "proxy-authentication-info",
      "http2-settings",
      "content-length",
      "host",
      "trailer",
      "expect",
  };
  const std::set<std::string> kept = {"cache-control",
                                      "content-encoding",
                                      "content-range",
                                      "content-type",
                                      "date",
                                      "max-forwards",
                                      "via"};
  for (const auto& [name, value] : fields) {
    if (name != "connection") continue;
    std::string option;
    for (const char c : value + ",") {
      if (c == ',') {
        while (!option.empty() && (option.back() == ' ' || option.back() == '\t')) {
          option.pop_back();
        }
        if (kept.count(lower(option)) == 0) gone.insert(lower(option));
        option.clear();
      } else if (!option.empty() || (c != ' ' && c != '\t')) {
        option += c;
      }
    }
  }
  StrictFields left;
  for (const auto& field : fields) {
    if (gone.count(field.first) == 0) left.push_back(field);
  }
  return left;
}

/// The same, as it should look behind us.
inline StrictFields with_via(StrictFields fields, std::string_view version) {
  fields.emplace_back("via",
                      (version == "HTTP/1.0" ? "1.0 " : "1.1 ") + std::string("culvert-test"));
  return fields;
}

/// Whether a start line's version is one of HTTP/1.2 to HTTP/1.9.
inline bool is_later_minor(std::string_view version) {
  return version.size() == 8 && version.starts_with("HTTP/1.") && version[7] >= '2' &&
         version[7] <= '9';
}

/// A request as a strict reader would have got it from a careful client, of which two things are
/// not asked: a later minor version is taken as HTTP/1.1 (RFC 9110 section 2.5), and bytes beyond
/// ASCII behind the authority as percent-encoded (RFC 3986 section 2.1).
inline std::string as_careful_request(std::string_view bytes) {
  const std::size_t line_end = std::min(bytes.find("\r\n"), bytes.size());
  std::string line(bytes.substr(0, line_end));
  const std::size_t version = line.rfind(' ') + 1;
  if (is_later_minor(std::string_view(line).substr(version))) line.back() = '1';
  const std::size_t scheme = line.find("://");
  const std::size_t path =
      scheme == std::string::npos ? scheme : line.find_first_of("/?", scheme + 3);
  std::string careful;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const auto byte = static_cast<unsigned char>(line[i]);
    if (byte < 0x80 || i < path || i >= version) {
      careful += line[i];
    } else {
      char encoded[4];
      std::snprintf(encoded, sizeof encoded, "%%%02X", static_cast<unsigned>(byte));
      careful += encoded;
    }
  }
  return careful.append(bytes.substr(line_end));
}

/// Takes a line off `bytes`, without its CRLF; nullopt if there is none.
inline std::optional<std::string> take_line(std::string_view& bytes) {
  const std::size_t end = bytes.find("\r\n");
  if (end == std::string_view::npos) return std::nullopt;
  std::string line(bytes.substr(0, end));
  bytes.remove_prefix(end + 2);
  return line;
}

/// Takes field lines and the empty line behind them off `bytes`, without blanks before colons.
inline std::string take_careful_fields(std::string_view& bytes) {
  std::string careful;
  while (auto line = take_line(bytes)) {
    std::size_t colon = line->find(':');
    while (colon != std::string::npos && colon > 0 &&
           (line->at(colon - 1) == ' ' || line->at(colon - 1) == '\t')) {
      line->erase(--colon, 1);
    }
    careful += *line + "\r\n";
    if (line->empty()) break;
  }
  return careful;
}

/// Takes chunks and their trailers off `bytes`, without blanks behind sizes.
inline std::string take_careful_chunks(std::string_view& bytes) {
  std::string careful;
  while (auto line = take_line(bytes)) {
    line->erase(line->find_last_not_of(" \t") + 1);
    careful += *line + "\r\n";
    const std::size_t size = std::strtoull(line->c_str(), nullptr, 16);
    if (size == 0) return careful + take_careful_fields(bytes);
    if (bytes.size() < 2 || size > bytes.size() - 2) break;
    careful += bytes.substr(0, size + 2);
    bytes.remove_prefix(size + 2);
  }
  return careful;
}

/// The same for a response: a later minor version is taken as HTTP/1.1, a status line may end with
/// its code, without the space that belongs behind it, and blanks before colons and behind chunk
/// sizes are removed.
inline std::string as_careful_response(std::string_view bytes) {
  std::string careful = take_line(bytes).value_or("") + "\r\n";
  if (is_later_minor(std::string_view(careful).substr(0, 8))) careful[7] = '1';
  if (careful.find("\r\n") == 12) careful.insert(12, " ");
  careful += take_careful_fields(bytes);
  if (lower(careful).find("\r\ntransfer-encoding:") != std::string::npos) {
    careful += take_careful_chunks(bytes);
  }
  return careful.append(bytes);
}

inline void check_hop_by_hop(const StrictMessage& sent) {
  for (const auto& [name, value] : sent.fields) {
    FUZZ_CHECK(name != "keep-alive" && name != "proxy-connection" && name != "http2-settings");
    FUZZ_CHECK(name != "proxy-authenticate" && name != "proxy-authentication-info");
    if (name == "te") FUZZ_CHECK(value == "trailers");
    if (name == "transfer-encoding") FUZZ_CHECK(value == "chunked");
    if (name == "connection") {
      FUZZ_CHECK(value == "TE" || value == "upgrade" || value == "close" ||
                 value == "TE, upgrade" || value == "upgrade, close");
    }
  }
  FUZZ_CHECK(sent.count("connection") <= 1 && sent.count("te") <= 1);
  FUZZ_CHECK(sent.count("content-length") + sent.count("transfer-encoding") <= 1);
  for (const auto& [name, value] : sent.trailers) {
    FUZZ_CHECK(name != "content-length" && name != "transfer-encoding" && name != "host" &&
               name != "connection" && name != "trailer" && name != "authorization");
  }
}

}  // namespace culvert::test
