#include "options/command_table.h"

#include <algorithm>

#include "options/flags.h"

namespace culvert {
namespace {

template <typename Rows>
std::vector<std::string_view> names_of(const Rows& rows) {
  std::vector<std::string_view> names;
  names.reserve(rows.size());
  for (const auto& row : rows) names.push_back(row.name);
  return names;
}

}  // namespace

std::vector<std::string_view> names_of_commands() { return names_of(kCommands); }
std::vector<std::string_view> names_of_targets() { return names_of(kSetupTargets); }

const Command* find_command(std::string_view name) {
  const auto found = std::find_if(kCommands.begin(), kCommands.end(),
                                  [&](const Command& known) { return known.name == name; });
  return found == kCommands.end() ? nullptr : &*found;
}

const CommandFlag* find_command_flag(std::string_view command, std::string_view name) {
  const auto found = std::find_if(
      kCommandFlags.begin(), kCommandFlags.end(),
      [&](const CommandFlag& known) { return known.command == command && known.name == name; });
  return found == kCommandFlags.end() ? nullptr : &*found;
}

std::vector<ReadFlag> flags_as_read_by(std::string_view command) {
  std::vector<ReadFlag> out;
  for (const CommandFlag& flag : kCommandFlags) {
    if (flag.command != command) continue;
    out.push_back({flag.name, flag.placeholder, flag.repeatable, ReadFlag::Owner::command});
  }
  const auto add = [&](const ReadFlag& flag) {
    const auto is_named = [&](const ReadFlag& other) { return other.name == flag.name; };
    if (std::none_of(out.begin(), out.end(), is_named)) out.push_back(flag);
  };
  for (const Flag& flag : flags()) {
    add({flag.name, flag.placeholder, flag.repeatable, ReadFlag::Owner::proxy});
  }
  for (const CommandFlag& flag : kCommandFlags) {
    add({flag.name, flag.placeholder, true, ReadFlag::Owner::others});
  }
  return out;
}

std::string commands_with_flag(std::string_view name) {
  std::string commands;
  for (const CommandFlag& flag : kCommandFlags) {
    if (flag.name != name) continue;
    commands.append(commands.empty() ? "" : " and ").append(flag.command);
  }
  return commands;
}

}  // namespace culvert
