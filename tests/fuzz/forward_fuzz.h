// What a forwarded message may not carry, said independently of the code that sees to it.
#pragma once

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
