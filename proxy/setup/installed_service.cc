#include "setup/installed_service.h"

#include <utility>

#include "base/text.h"
#include "setup/own_text.h"
#include "setup/quote.h"
#include "setup/root.h"
#include "setup/service_files.h"
#include "setup/service_listeners.h"

namespace culvert {
namespace {

/// A path is a value of its own, or that of an option behind '?'.
void replace_name(std::string& config, const std::string& name, const std::string& path) {
  const std::string quoted = quote_toml(path);
  const std::string alone = quoted.substr(1, quoted.size() - 2);
  const std::string in_query = as_query_value(path);
  for (std::size_t at = 1; (at = config.find(name, at)) != std::string::npos;) {
    const std::size_t end = at + name.size();
    const bool whole = end == config.size() || config[end] == '&' || config[end] == '"';
    const std::string& value = config[at - 1] == '"' ? alone : in_query;
    if (whole) config.replace(at, name.size(), value);
    at += whole ? value.size() : 1;
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
                 path);
  }
}

}  // namespace

InstalledService installed_service(const SetupFacts& facts) {
  InstalledService service;
  SocketUnit socket = read_socket_unit(find_file(facts.root, kSocketUnit).content.value_or(""));
  service.listeners = std::move(socket.listeners);
  service.bridge = std::move(socket.bridge);
  const FileEdit config = own_file(facts, "systemd", std::string(kServiceConfig), "");
  if (!config.before || config.without || !config.cannot_install.empty()) return service;
  service.config = *config.before;
  restore_paths(find_file(facts.root, kServiceUnit).content.value_or(""), service.config);
  return service;
}

}  // namespace culvert
