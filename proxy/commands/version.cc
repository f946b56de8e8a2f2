#include "commands/version.h"

#include <string_view>

#include <CLI/Version.hpp>
#include <fmt/core.h>

#include "base/json.h"
#include "codec/llhttp_version.h"
#include "net/library_versions.h"

namespace culvert {

std::string library_versions() {
  std::string text;
  const auto add = [&](std::string_view name, std::string_view version) {
    text.append(name).append(" ").append(version).append("\n");
  };
  add("libuv", libuv_version());
  add("llhttp", llhttp_version());
  add("OpenSSL", openssl_version());
  add("c-ares", c_ares_version());
  add("jansson", jansson_version());
  add("fmt",
      fmt::format("{}.{}.{}", FMT_VERSION / 10000, FMT_VERSION / 100 % 100, FMT_VERSION % 100));
  add("CLI11", CLI11_VERSION);
  return text;
}

}  // namespace culvert
