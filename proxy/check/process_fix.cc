#include "check/process_fix.h"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "base/host_port.h"
#include "base/shell_text.h"
#include "base/text.h"
#include "base/unit_text.h"

namespace culvert {
namespace {

constexpr std::string_view kHttp = "http://";

/// A program that `culvert setup` knows.
struct SetupProgram {
  std::string_view process;
  std::string_view unit;
  std::string_view target;
};
constexpr auto kPrograms = std::to_array<SetupProgram>({
    {"dockerd", "docker", "docker"},
    {"containerd", "containerd", "containerd"},
    {"crio", "crio", "crio"},
    {"buildkitd", "buildkit", "buildkit"},
    {"docker-registry", "docker-registry", "registry"},
    {"k3s-server", "k3s", "k3s"},
    {"k3s-agent", "k3s-agent", "k3s"},
    {"containerd", "k3s", "k3s"},
    {"containerd", "k3s-agent", "k3s"},
    {"podman", "podman", "podman"},
});

/// nullptr: it is another one, or is started by another unit.
const SetupProgram* find_program_of(const RunningProcess& process, const ProcessOrigin& origin) {
  const auto* const found =
      std::find_if(kPrograms.begin(), kPrograms.end(), [&](const SetupProgram& program) {
        return process.name == program.process &&
               (origin.unit.empty() || origin.unit == program.unit);
      });
  return found == kPrograms.end() ? nullptr : &*found;
}

bool is_no_proxy(const ProxyMistake& mistake) { return iequals(mistake.variable, "no_proxy"); }

/// The URL that they ask for; `otherwise` if they ask for none.
std::string wanted_url(std::span<const ProxyMistake> mistakes, std::string_view otherwise) {
  for (const ProxyMistake& mistake : mistakes) {
    if (!is_no_proxy(mistake) && !mistake.right.empty()) return mistake.right;
  }
  return std::string(otherwise);
}

/// `culvert setup` writes an address for http://, and lists; it takes nothing out.
bool setup_can(std::span<const ProxyMistake> mistakes, std::string_view url) {
  const auto is_known = [](const ProxyMistake& mistake) {
    return is_no_proxy(mistake) || !mistake.right.empty();
  };
  return std::all_of(mistakes.begin(), mistakes.end(), is_known) && url.starts_with(kHttp) &&
         HostPort::parse(url.substr(kHttp.size())).ok();
}

/// `culvert setup` knows units of the system; of a user's own, docker's, and podman's settings are
/// no unit.
bool setup_knows(const SetupProgram& program, const ProcessOrigin& origin) {
  return !origin.of_user || program.target == "docker" || program.target == "podman";
}

std::string no_proxy_option(std::span<const ProxyMistake> mistakes) {
  const auto found = std::find_if(mistakes.begin(), mistakes.end(), is_no_proxy);
  if (found == mistakes.end()) return {};
  // What `culvert setup` takes.
  const auto is_odd = [](char c) { return c <= ' ' || c > '~' || c == '"' || c == '\''; };
  const std::string& list = found->right;
  const bool is_taken = !list.empty() && std::none_of(list.begin(), list.end(), is_odd);
  return " --no-proxy " + shell_quoted(is_taken ? list : "localhost,127.0.0.1");
}

/// "systemctl daemon-reload && systemctl restart docker"
std::string restart_line(std::string_view unit, bool of_user) {
  const std::string_view tool = of_user ? "systemctl --user" : "systemctl";
  return concat({tool, " daemon-reload && ", tool, " restart ", unit});
}

/// A comment behind a line for the shell, or alone.
std::string with_remark(std::string line, std::string_view remark) {
  const bool has_one = line.find("  # ") != std::string::npos;
  if (!line.empty()) line += has_one ? "; " : "  # ";
  return line.empty() ? concat({"# ", remark}) : line.append(remark);
}

std::string setup_line(const SetupProgram& program, const ProcessOrigin& origin,
                       std::span<const ProxyMistake> mistakes, std::string_view url,
                       std::string_view default_url) {
  const bool rootless = origin.of_user && program.target == "docker";
  std::string line = concat({"culvert setup ", program.target, rootless ? "-rootless" : ""});
  if (url != default_url) line.append(" --listen ").append(url.substr(kHttp.size()));
  line += no_proxy_option(mistakes) + " --install";
  // podman is mostly no service.
  if (program.target == "podman" && origin.unit.empty()) return line + "  # and start it again";
  return line + " && " + restart_line(program.unit, origin.of_user);
}

std::string unit_line(const ProxyMistake& mistake) {
  if (mistake.right.empty()) return "UnsetEnvironment=" + mistake.variable;
  return "Environment=" + quote_unit_environment(mistake.variable, mistake.right);
}

/// A drop-in that is read after others, that of `culvert setup` too.
std::string drop_in_line(const ProcessOrigin& origin, std::span<const ProxyMistake> mistakes) {
  const std::string folder =
      concat({origin.of_user ? "~/.config" : "/etc", "/systemd/",
              origin.of_user ? "user/" : "system/", origin.unit, ".service.d"});
  std::string text;
  std::string hint;
  for (const ProxyMistake& mistake : mistakes) {
    text += " " + shell_quoted(unit_line(mistake));
    if (!mistake.hint.empty()) hint = "  # " + mistake.hint;
  }
  return concat({"mkdir -p ", folder, " && printf '%s\\n' '[Service]'", text, " > ", folder,
                 "/zzz-culvert.conf && ", restart_line(origin.unit, origin.of_user), hint});
}

std::string fix_of_environment(const RunningProcess& process, const ProcessOrigin& origin,
                               std::span<const ProxyMistake> mistakes,
                               std::string_view default_url) {
  const std::string url = wanted_url(mistakes, default_url);
  const SetupProgram* const program = find_program_of(process, origin);
  if (program != nullptr && setup_knows(*program, origin) && setup_can(mistakes, url)) {
    return setup_line(*program, origin, mistakes, url, default_url);
  }
  // What a unit's process has started may have its variables from elsewhere.
  if (!origin.unit.empty() && (origin.is_main || program != nullptr)) {
    return drop_in_line(origin, mistakes);
  }
  return with_remark(shell_lines(mistakes),
                     concat({"and start ", process.name.empty() ? "it" : printable(process.name),
                             " again from this shell"}));
}

/// For JSON, with nothing that a shell runs within it: zsh knows no comments in what is typed.
std::string inert_json(std::string_view text) {
  std::string inert;
  for (const char c : json_escape(text)) {
    if (c == '$' || c == '`') {
      inert += c == '$' ? "\\u0024" : "\\u0060";
    } else {
      inert += c;
    }
  }
  return inert;
}

/// `"no-proxy": "a.example"`
std::string daemon_json_member(const ProxyMistake& mistake) {
  std::string name = to_lower(mistake.variable);
  std::replace(name.begin(), name.end(), '_', '-');
  if (mistake.right.empty()) return concat({"no \"", name, "\""});
  return concat({"\"", name, "\": \"", inert_json(mistake.right), "\""});
}

}  // namespace

std::string process_fix(const RunningProcess& process, const ProcessOrigin& origin,
                        std::span<const ProxyMistake> mistakes, std::string_view default_url,
                        std::span<const std::string> of_daemon_json) {
  std::vector<ProxyMistake> others;
  std::string members;
  for (const ProxyMistake& mistake : mistakes) {
    if (std::find(of_daemon_json.begin(), of_daemon_json.end(), mistake.variable) ==
        of_daemon_json.end()) {
      others.push_back(mistake);
    } else {
      members += (members.empty() ? "" : ", ") + daemon_json_member(mistake);
    }
  }
  std::string fix;
  if (!others.empty()) fix = fix_of_environment(process, origin, others, default_url);
  if (members.empty()) return fix;
  return with_remark(std::move(fix), concat({"in \"proxies\" of /etc/docker/daemon.json: ", members,
                                             "; then: systemctl restart docker"}));
}

}  // namespace culvert
