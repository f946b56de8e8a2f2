#include "commands/find_culvert.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include <fmt/format.h>

#include "base/one_line.h"
#include "net/runtime_socket.h"
#include "status/facts.h"

namespace culvert {
namespace {

constexpr std::chrono::milliseconds kIntroduction{2'000};

}  // namespace

/// One that may be meant, and what it says.
struct CulvertFinder::Known {
  FoundRuntimeSocket socket;
  std::optional<ShownStatus> status;

  FoundCulvert found() const { return {{.path = socket.path}, socket.number()}; }
  bool serves() const { return status && !status->draining(); }
  std::string line() const {
    std::string text = fmt::format("  --pid {}", socket.number());
    const std::string place = fmt::format(" ({})", found().place.shown());
    if (!status) return text + "  does not answer" + place;
    std::string listeners;
    for (const std::string& url : status->listeners) {
      listeners += (listeners.empty() ? "" : ", ") + one_line(url, false);
    }
    return fmt::format("{}  {}, {}, since {}{}", text, listeners, one_line(status->state, false),
                       one_line(status->started, false), place);
  }
};

std::string FoundCulvert::shown() const {
  return pid > 0 ? fmt::format("the culvert of process {}", pid) : place.shown();
}

/// Newest first; if there are several of which some are of our own network, those alone.
std::vector<CulvertFinder::Known> CulvertFinder::candidates() {
  problems_.clear();
  FoundRuntimeSockets all = find_runtime_sockets(directories_);
  std::vector<FoundRuntimeSocket>& sockets = all.sockets;
  if (pid_) {
    std::erase_if(sockets, [&](const FoundRuntimeSocket& one) {
      return one.pid != *pid_ && one.own_pid != *pid_;
    });
  }
  keep_nearest(sockets);
  if (sockets.empty()) explain_none(all.foreign);
  std::vector<Known> out;
  for (FoundRuntimeSocket& socket : sockets) {
    Known known{std::move(socket), std::nullopt};
    if (sockets.size() > 1) {
      const auto json = client_.get({.path = known.socket.path}, "/api/v1/status", kIntroduction);
      if (json) known.status = ShownStatus::of(*json);
    }
    out.push_back(std::move(known));
  }
  return out;
}

std::optional<FoundCulvert> CulvertFinder::find() {
  const std::vector<Known> known = candidates();
  if (known.empty()) return std::nullopt;
  if (known.size() == 1) return known.front().found();
  const auto serves = [](const Known& one) { return one.serves(); };
  if (std::count_if(known.begin(), known.end(), serves) == 1) {
    return std::find_if(known.begin(), known.end(), serves)->found();
  }
  problems_ = {fmt::format("status: {} culverts run here; say which one:", known.size())};
  for (const Known& one : known) problems_.push_back(one.line());
  return std::nullopt;
}

std::optional<FoundCulvert> CulvertFinder::find_again() {
  const std::vector<Known> known = candidates();
  if (known.empty()) return std::nullopt;
  const auto serves = [](const Known& one) { return one.serves(); };
  const auto best = std::find_if(known.begin(), known.end(), serves);
  return (best == known.end() ? known.front() : *best).found();
}

void CulvertFinder::explain_none(const std::vector<std::string>& foreign) {
  const std::string which = pid_ ? fmt::format("no culvert of process {}", *pid_)
                                 : std::string("no running culvert of this user");
  problems_ = {fmt::format("status: found {}; looked for status-*.sock in {}", which,
                           fmt::join(directories_, ", "))};
  for (const std::string& path : foreign) {
    problems_.push_back(fmt::format("status: {} is another user's; try sudo culvert status", path));
  }
  if (foreign.empty()) {
    problems_.emplace_back(
        "status: is it started? One of another user or machine is asked as root (sudo), or with "
        "--admin ADDR:PORT where it has that option");
  }
}

}  // namespace culvert
