#pragma once

#include <array>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace culvert {

/// A first argument that is a command.  The first one is the default.  Its own help, its section of
/// the manual page and the completions are derived from this.
struct Command {
  std::string_view name;
  std::string_view usage;        ///< after the program's name
  std::string_view help;         ///< one line
  bool takes_flags;              ///< those of the proxy
  bool takes_words;              ///< arguments that are neither flags nor their values
  std::string_view about;        ///< lines: what it does
  std::string_view proxy_flags;  ///< flags of the proxy that are needed first, with blanks between
  std::string_view examples;     ///< lines, each with two spaces before it
};

inline constexpr auto kCommands = std::to_array<Command>({
    {"serve", "[serve] [options]", "run the proxy; the default", true, false,
     "Takes requests of HTTP clients and carries them through the upstreams, until\n"
     "SIGTERM. Each option may also come from the environment or a file.\n",
     "upstream listen allow-client route tunnel-command config log-level",
     "  culvert --upstream socks5://127.0.0.1:1080\n"},
    {"run", "run [options] -- CMD...", "run CMD with a proxy of its own", true, false,
     "Starts the proxy on a free port of 127.0.0.1, and CMD with HTTP_PROXY,\n"
     "HTTPS_PROXY and their like set to it. The terminal, signals and the exit status\n"
     "are those of CMD (127: there is no such program, 126: it cannot be executed,\n"
     "125: the proxy cannot start). What stands behind CMD is for CMD. The proxy is\n"
     "quiet unless something fails. listen and access-log of a variable or a file are\n"
     "a service's: they count only as --listen and --access-log.\n",
     "upstream tunnel-command connect-timeout log-level",
     "  culvert run --upstream socks5://127.0.0.1:1080 -- curl https://gcr.io/v2/\n"
     "  culvert run --tunnel-command 'ssh -N -D 127.0.0.1:1080 user@host' \\\n"
     "      --upstream socks5://127.0.0.1:1080 -- registry serve config.yml\n"},
    {"check", "check [options] [URL|IMAGE...]", "walk the way to each, and say what fails", true,
     true,
     "Walks the way of a request to each target, hop by hop, and tells how long each\n"
     "step took; of one that fails also the cause, and what to do. IMAGE is what\n"
     "docker pull takes; HOST:PORT is a target as well. Without one, all is checked\n"
     "that needs none.\n"
     "With --route URL... it only says which rule takes each URL, and why.\n"
     "Exit status: 0 all is well, 1 something failed, 2 wrong usage.\n",
     "upstream route config",
     "  culvert check --upstream socks5://127.0.0.1:1080 gcr.io/pause:3.1\n"
     "  culvert check --pid $(pidof dockerd) nginx\n"
     "  culvert check --config /etc/culvert/culvert.toml --route https://gcr.io/v2/\n"},
    {"status", "status [options]", "watch one that runs", false, false,
     "Shows what a running culvert does: its upstreams and why one is down, each\n"
     "tunnel with how much came and who is not moving, and the last failures with a\n"
     "hint. It asks the socket that each culvert has for its own user and root; with\n"
     "--admin any other. On a terminal the table stays up to date until q or Ctrl-C,\n"
     "else it is printed once. How much is still to come no proxy knows.\n"
     "Exit status: 0 it answered, 1 it did not, 2 wrong usage, or none was found; 130\n"
     "after Ctrl-C.\n",
     "",
     "  culvert status --filter gcr.io --sort bytes\n"
     "  culvert status --watch-failures --json\n"
     "  culvert status --trace gcr.io,.gcr.io\n"
     "  culvert status --admin 127.0.0.1:9090 --json | jq .tunnels\n"},
    {"setup", "setup [options] TARGET...", "configure docker, apt and others for it", true, true,
     "Prints what makes each target use culvert, where it is written, and what must be\n"
     "restarted. With systemd, options of the proxy go into the service's file.\n",
     "",
     "  culvert setup docker --install\n"
     "  culvert setup cache 127.0.0.1:5000 --registry gcr.io --dry-run\n"},
    {"man", "man [culvert.toml]", "print a manual page, for man -l -", false, true,
     "Prints the manual page culvert(1), or that of the file, culvert.toml(5).\n", "",
     "  culvert man | man -l -\n"
     "  culvert man culvert.toml | man -l -\n"},
    {"completion", "completion bash|zsh|fish", "print completions for this shell", false, true,
     "Prints a script with which the shell completes commands, options and values.\n", "",
     "  culvert completion bash > ~/.local/share/bash-completion/completions/culvert\n"
     "  culvert completion zsh > /usr/local/share/zsh/site-functions/_culvert\n"
     "  culvert completion fish > ~/.config/fish/completions/culvert.fish\n"},
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
    {"serve", "check-config", "", false, "tell every mistake, and leave with 2, or with 0"},
    {"serve", "print-config", "", false,
     "print what is in effect, as a file for --config, and\n"
     "where each value came from; secrets are left out"},
    {"serve", "explain-config", "", false, "print the same, with the help on each option"},

    {"check", "json", "", false, "print one JSON object instead of lines"},
    {"check", "pid", "N", false,
     "read the proxy variables of process N, such as\n"
     "dockerd, instead of this shell's"},
    {"check", "timeout", "TIME", false, "for all of it, 1s to 10m (default: 30s)"},

    {"status", "admin", "ADDR:PORT", false,
     "ask the admin interface there, instead of a culvert of\n"
     "this user here; also unix:PATH or an https:// URL"},
    {"status", "pid", "N", false, "ask process N, of several that run"},
    {"status", "once", "", false, "print it once, as when it goes to a pipe"},
    {"status", "json", "", false, "print one JSON object: status, upstreams, tunnels, failures"},
    {"status", "watch-failures", "", false,
     "print each failure as it happens; with --json as one\n"
     "object a line"},
    {"status", "trace", "ID|PATTERN", false,
     "print each step of session ID from now on, or of the\n"
     "next sessions to the targets, written as in --route;\n"
     "heads without what may be a secret; with --json as\n"
     "one object a line"},
    {"status", "sessions", "N", false, "of how many, for --trace PATTERN (default: 10)"},
    {"status", "interval", "TIME", false, "between two looks, 100ms to 1h (default: 1s)"},
    {"status", "filter", "TEXT", false, "tunnels with TEXT in target, client or upstream"},
    {"status", "sort", "KEY", false,
     "tunnels by rate (the default), bytes, age or quiet, the\n"
     "largest first; by target, client, upstream, state or id;\n"
     "--sort=-KEY turns it round"},

    {"setup", "install", "", false, "write it: only files or keys of its own"},
    {"setup", "uninstall", "", false, "take it away again, to the byte"},
    {"setup", "dry-run", "", false, "show as a diff what --install would change"},
    {"setup", "check", "", false, "print who uses which proxy, and what to mend"},
    {"setup", "listen", "ADDR:PORT", true,
     "where culvert listens: clients get the one that fits\n"
     "(default: of the service or culvert that runs)"},
    {"setup", "no-proxy", "LIST", true, "targets that clients shall reach directly"},
    {"setup", "bridge", "", false, "for containers and kind nodes, too"},
    {"setup", "daemon-json", "", false, "docker: in daemon.json instead of its unit"},
    {"setup", "registry", "HOST", true, "cache: a registry whose images it holds; repeatable"},
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
    {"containerd", "containerd, for its pulls"},
    {"crio", "CRI-O, for its pulls"},
    {"podman", "podman and what it starts"},
    {"buildkit", "buildkitd, for its builds"},
    {"k3s", "k3s and its containerd"},
    {"registry", "Debian's docker-registry"},
    {"apt", "downloads of packages"},
    {"git", "http and https remotes of this user"},
    {"npm", "npm of this user"},
    {"shell", "login shells"},
    {kSystemdTarget, "culvert itself, as a service"},
    {kCacheTarget, "pulls of a registry through a cache of it"},
});

/// Names in their order.
std::vector<std::string_view> names_of_commands();
std::vector<std::string_view> names_of_targets();

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
