#include "net/passed_sockets.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>
#include <utility>

#include <fmt/format.h>

#include "base/text.h"
#include "net/unix_peer.h"

namespace culvert {
namespace {

constexpr int kFirstPassed = 3;            // sd_listen_fds(3): SD_LISTEN_FDS_START
constexpr int kMostDescriptors = 1 << 20;  // more than any limit of open files
constexpr const char* kListenPid = "LISTEN_PID";
constexpr const char* kListenFds = "LISTEN_FDS";
constexpr const char* kListenNames = "LISTEN_FDNAMES";

std::optional<int> parse_count(std::string_view text) {
  const auto number = parse_number<int>(text);
  return number && *number >= 0 ? number : std::nullopt;
}

Error not_passed(std::string text) {
  return {Errc::proxy_internal_error, Side::local, 0, std::move(text)};
}

/// Takes a number and the separator behind it off the front of `text`.
std::optional<int> take_number(std::string_view& text, char separator) {
  const std::size_t end = text.find(separator);
  if (end == std::string_view::npos) return std::nullopt;
  const auto number = parse_count(text.substr(0, end));
  text.remove_prefix(end + 1);
  return number;
}

std::optional<std::string> take_variable(const char* name) {
  const char* value = std::getenv(name);
  if (value == nullptr) return std::nullopt;
  std::string taken = value;
  unsetenv(name);
  return taken;
}

/// False: it is not open.
bool close_on_exec(int fd) { return fcntl(fd, F_SETFD, FD_CLOEXEC) == 0; }

/// One that is not open would soon be a file of our own.
std::optional<int> first_not_open(const std::vector<PassedSocket>& sockets) {
  for (const PassedSocket& socket : sockets) {
    if (!close_on_exec(socket.fd)) return socket.fd;
  }
  return std::nullopt;
}

}  // namespace

Result<std::vector<PassedSocket>> read_listen_variables(const ListenVariables& variables,
                                                        int own_pid) {
  if (!variables.fds || !variables.pid) {
    return not_passed(
        fmt::format("no socket was passed, {} is not set - systemd passes those of the .socket "
                    "unit that belongs to the service",
                    variables.fds ? kListenPid : kListenFds));
  }
  const auto count = parse_count(*variables.fds);
  const auto pid = parse_count(*variables.pid);
  if (!count || *count > kMostDescriptors || !pid) {
    return not_passed(fmt::format("{}={} is not a number", count ? kListenPid : kListenFds,
                                  printable(count ? *variables.pid : *variables.fds, 20)));
  }
  if (*pid != own_pid) {
    return not_passed(
        fmt::format("the sockets were passed to process {} ({}) and this is process {} - let what "
                    "starts culvert become it (exec)",
                    *pid, kListenPid, own_pid));
  }
  if (*count == 0) return not_passed(fmt::format("no socket was passed, {} is 0", kListenFds));
  std::vector<std::string_view> names(static_cast<std::size_t>(*count), "unknown");
  if (variables.names) names = split(*variables.names, ':');
  if (names.size() != static_cast<std::size_t>(*count)) {
    return not_passed(
        fmt::format("{} has {} names for {} sockets", kListenNames, names.size(), *count));
  }
  std::vector<PassedSocket> sockets;
  sockets.reserve(names.size());
  for (const std::string_view name : names) {
    sockets.push_back(
        {kFirstPassed + static_cast<int>(sockets.size()), fmt::format("{}{}", kFromSystemd, name)});
  }
  return sockets;
}

// "PID CONTROL " and for each socket "FD LENGTH:LABEL": a path may hold any character.
std::string HandoverVariable::to_string() const {
  std::string text = fmt::format("{} {} ", predecessor_pid, control);
  for (const PassedSocket& socket : sockets) {
    text += fmt::format("{} {}:{}", socket.fd, socket.label.size(), socket.label);
  }
  return text;
}

std::optional<HandoverVariable> HandoverVariable::parse(std::string_view text) {
  HandoverVariable out;
  const auto pid = take_number(text, ' ');
  const auto control = take_number(text, ' ');
  if (!pid || !control) return std::nullopt;
  out.predecessor_pid = *pid;
  out.control = *control;
  while (!text.empty()) {
    const auto fd = take_number(text, ' ');
    const auto length = take_number(text, ':');
    if (!fd || !length || static_cast<std::size_t>(*length) > text.size()) return std::nullopt;
    const auto size = static_cast<std::size_t>(*length);
    out.sockets.push_back({*fd, std::string(text.substr(0, size))});
    text.remove_prefix(size);
  }
  return out;
}

Inheritance take_inheritance() {
  Inheritance out;
  // One name after the other: the order in which a braced list is evaluated is fixed.
  const ListenVariables variables{take_variable(kListenPid), take_variable(kListenFds),
                                  take_variable(kListenNames)};
  auto sockets = read_listen_variables(variables, getpid());
  if (!sockets) {
    out.none_from_systemd = std::move(sockets).error().text;
  } else if (const auto missing = first_not_open(*sockets)) {
    out.none_from_systemd = fmt::format("descriptor {} is not open, and {} is {}", *missing,
                                        kListenFds, sockets->size());
  } else {
    out.sockets = std::move(*sockets);
  }
  const auto text = take_variable(HandoverVariable::kName);
  // A grandchild may have got the variable, but not the descriptors.  The predecessor need not be
  // our parent any more: it may have ended since.
  const auto handover = text ? HandoverVariable::parse(*text) : std::nullopt;
  // Of a socket pair the kernel tells who made it.
  const auto maker = handover ? unix_peer(handover->control) : std::nullopt;
  if (maker && maker->pid == handover->predecessor_pid) {
    out.control = handover->control;
    close_on_exec(out.control);
    for (const PassedSocket& socket : handover->sockets) {
      if (close_on_exec(socket.fd)) out.sockets.push_back(socket);
    }
  }
  return out;
}

}  // namespace culvert
