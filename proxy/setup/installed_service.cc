#include "setup/installed_service.h"

#include <optional>

#include "base/host_port.h"
#include "base/text.h"
#include "setup/own_text.h"
#include "setup/root.h"
#include "setup/service_files.h"

namespace culvert {
namespace {

void read_socket(std::string_view text, InstalledService& service) {
  constexpr std::string_view kStream = "ListenStream=";
  std::string last;
  bool free_bind = false;
  for (const std::string_view line : split(text, '\n')) {
    free_bind = free_bind || line == "FreeBind=yes";
    if (!line.starts_with(kStream)) continue;
    const auto address = HostPort::parse(trim_space(line.substr(kStream.size())));
    if (!address) continue;
    if (service.listen.empty()) service.listen = address->to_string();
    last = address->host;
  }
  if (free_bind) service.bridge = last;
}

/// As the value of an upstream's option.
std::string escaped(std::string_view path) {
  return percent_encode(path, [](char c) {
    return c > ' ' && c != '\x7f' &&
           std::string_view("%&?#+\"\\,").find(c) == std::string_view::npos;
  });
}

void replace_name(std::string& config, const std::string& name, const std::string& path) {
  for (std::size_t at = 0; (at = config.find(name, at)) != std::string::npos;) {
    const std::size_t end = at + name.size();
    const bool whole = end == config.size() || config[end] == '&' || config[end] == '"';
    if (whole) config.replace(at, name.size(), path);
    at += whole ? path.size() : 1;
  }
}

/// The unit tells which files systemd hands over: "LoadCredential=NAME:PATH", with "%%" for '%'.
void restore_paths(std::string_view unit, std::string& config) {
  constexpr std::string_view kLoad = "LoadCredential=";
  for (const std::string_view line : split(unit, '\n')) {
    const std::size_t colon = line.find(':');
    if (!line.starts_with(kLoad) || colon == line.npos) continue;
    std::string path;
    for (std::size_t i = colon + 1; i < line.size(); ++i) {
      path += line[i];
      if (line.substr(i).starts_with("%%")) ++i;
    }
    replace_name(config, concat({kCredentials, line.substr(kLoad.size(), colon - kLoad.size())}),
                 escaped(path));
  }
}

}  // namespace

InstalledService installed_service(const SetupFacts& facts) {
  InstalledService service;
  read_socket(find_file(facts.root, kSocketUnit).content.value_or(""), service);
  const FileEdit config = own_file(facts, "systemd", std::string(kServiceConfig), "");
  if (!config.before || config.without || !config.cannot_install.empty()) return service;
  service.config = *config.before;
  restore_paths(find_file(facts.root, kServiceUnit).content.value_or(""), service.config);
  return service;
}

}  // namespace culvert
