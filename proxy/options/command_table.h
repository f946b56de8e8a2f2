#pragma once

#include <array>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace culvert {

/// A first argument that is a command.  The first one is the default.
struct Command {
  std::string_view name;
  std::string_view usage;  ///< after the program's name
  std::string_view help;   ///< one line
  bool takes_words;        ///< arguments that are neither flags nor their values
};

inline constexpr auto kCommands = std::to_array<Command>({
    {"serve", "[serve] [options]", "run the proxy; the default", false},
    {"run", "run [options] -- CMD...", "run CMD with a proxy of its own", false},
    {"check", "check [options] [URL|IMAGE...]", "walk the way to each, and say what fails", true},
    {"setup", "setup [options] TARGET...", "configure docker, apt and others for it", true},
    {"man", "man", "print the manual page, for man -l -", false},
    {"completion", "completion bash|zsh|fish", "print completions for this shell", true},
});

/// A flag of one command, beside those of the proxy (flags.h), or instead of the proxy's flag of
/// the same name.
struct CommandFlag {
  std::string_view command;
  std::string_view name;         ///< without dashes
  std::string_view placeholder;  ///< name of its value in help; empty for a switch
  bool repeatable;               ///< may be given several times
  std::string_view help;         ///< lines
};

/// In the order of `culvert COMMAND --help`.
inline constexpr auto kCommandFlags = std::to_array<CommandFlag>({
    {"check", "json", "", false, "print one JSON object instead of lines"},
    {"check", "pid", "N", false,
     "read the proxy variables of process N, such as\n"
     "dockerd, instead of this shell's"},
    {"check", "timeout", "TIME", false, "for all of it, 1s to 10m (default: 30s)"},

    {"setup", "install", "", false, "write it: only files or keys of its own"},
    {"setup", "uninstall", "", false, "take it away again, to the byte"},
    {"setup", "dry-run", "", false, "show as a diff what --install would change"},
    {"setup", "check", "", false, "print who uses which proxy, and what to mend"},
    {"setup", "listen", "ADDR:PORT", false,
     "the address that clients shall use (default: that of\n"
     "the culvert that is running)"},
    {"setup", "no-proxy", "LIST", true, "targets that clients shall reach directly"},
    {"setup", "bridge", "", false,
     "also for containers and kind nodes, which cannot see\n"
     "127.0.0.1 of this host"},
    {"setup", "daemon-json", "", false, "docker: in daemon.json instead of its unit"},
    {"setup", "registry", "HOST", true, "cache: the registry whose images it holds; repeatable"},
    {"setup", "root", "DIR", false, "work on the system in DIR, such as an image"},
});

/// What `culvert setup` configures.
struct SetupTarget {
  std::string_view name;
  std::string_view help;  ///< one line
};

inline constexpr std::string_view kCacheTarget = "cache";
inline constexpr std::string_view kSystemdTarget = "systemd";
inline constexpr auto kSetupTargets = std::to_array<SetupTarget>({
    {"docker", "dockerd, for pulls and pushes"},
    {"docker-rootless", "dockerd of this user"},
    {"docker-client", "builds and containers that docker starts"},
    {"containerd", "containerd"},
    {"crio", "CRI-O"},
    {"podman", "podman and what it starts"},
    {"buildkit", "buildkitd"},
    {"k3s", "k3s and its containerd"},
    {"registry", "Debian's docker-registry"},
    {"apt", "apt"},
    {"git", "git"},
    {"npm", "npm"},
    {"shell", "login shells"},
    {kSystemdTarget, "culvert itself, as a service"},
    {kCacheTarget, "pulls through a cache: cache HOST:PORT --registry gcr.io"},
});

/// nullptr if there is none of that name.
const Command* find_command(std::string_view name);

/// nullptr if `command` has no flag of its own of that name (without dashes).
const CommandFlag* find_command_flag(std::string_view command, std::string_view name);

/// How a flag is read on the command line of a command.
struct ReadFlag {
  /// The values of whom it is among: of the proxy, of the command; or it is a flag of other
  /// commands.
  enum class Owner { proxy, command, others };
  std::string_view name;
  std::string_view placeholder;
  bool repeatable;
  Owner owner;
};

/// Every flag that some command has, each name once, as `command` reads it.
std::vector<ReadFlag> flags_as_read_by(std::string_view command);

/// "check and setup": the commands that have a flag of that name.
std::string commands_with_flag(std::string_view name);

}  // namespace culvert
