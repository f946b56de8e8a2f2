#include "setup/containers_conf.h"

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "setup/toml_scanner.h"

namespace culvert {
namespace {

/// "{append = true}" without its braces.
std::optional<bool> read_append(const std::vector<std::string>& tables) {
  std::optional<bool> append;
  for (const std::string& table : tables) {
    const std::size_t equals = table.find('=');
    if (trim(std::string_view(table).substr(0, equals)) != "append") continue;
    append = trim(std::string_view(table).substr(equals + 1)) == "true";
  }
  return append;
}

bool is_proxy_entry(std::string_view entry) {
  return is_proxy_variable(entry.substr(0, entry.find('=')));
}

/// Calls `visit(file, env, appends)` for each file that has a list.
template <typename Visit>
void for_each_list(std::span<const ConfigFile> files, Visit visit) {
  bool appends = false;
  for (const ConfigFile& file : files) {
    auto env = engine_env(file.text);
    if (!env) continue;
    // Once said, it is so for later files, too.
    appends = env->append.value_or(appends);
    visit(file, std::move(env->entries), appends);
  }
}

}  // namespace

std::optional<EngineEnv> engine_env(std::string_view text) {
  TomlScanner scanner(text);
  while (const auto key = scanner.next_key()) {
    if (*key == "engine") scanner.enter_inline_table(*key);
    if (*key != "engine.env") continue;
    auto array = scanner.read_array();
    if (!array) return std::nullopt;
    return EngineEnv{std::move(array->strings), read_append(array->tables)};
  }
  return std::nullopt;
}

void read_podman(std::span<const ConfigFile> files, ConfiguredProxy& configured) {
  bool lost = false;
  for_each_list(files, [&](const ConfigFile& file, std::vector<std::string> entries, bool appends) {
    std::erase_if(entries, [](const std::string& entry) { return !is_proxy_entry(entry); });
    if (!appends && !configured.environment.empty()) {
      configured.environment.clear();
      configured.path = file.path;
      lost = true;
    }
    configured.put(file, std::move(entries));
  });
  if (lost && configured.environment.empty()) {
    configured.mistake =
        "its list `env` takes the place of those of other files, and names no proxy";
  }
}

std::vector<std::string> other_engine_env(std::span<const ConfigFile> files) {
  std::vector<std::string> others;
  for_each_list(files, [&](const ConfigFile&, std::vector<std::string> entries, bool appends) {
    std::erase_if(entries, is_proxy_entry);
    if (!appends) others.clear();
    others.insert(others.end(), entries.begin(), entries.end());
  });
  return others;
}

}  // namespace culvert
