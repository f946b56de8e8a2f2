#include "commands/seen_failures.h"

#include <unistd.h>

#include <algorithm>
#include <utility>

#include "base/host_port.h"
#include "base/shell_text.h"
#include "base/text.h"
#include "base/utc_text.h"
#include "commands/find_culvert.h"
#include "host/listening.h"
#include "net/runtime_directory.h"
#include "net/runtime_socket.h"
#include "status/facts.h"

namespace culvert {
namespace {

constexpr std::chrono::milliseconds kAnswerTime{2'000};
constexpr std::size_t kMostOfSentence = 400;  // as a sentence with its URLs is

std::string check_through(const ShownUpstream& upstream) {
  if (upstream.label.empty()) return "culvert check";
  return "culvert check --upstream " + shell_quoted(printable(upstream.label));
}

/// "culvert check --upstream socks5://127.0.0.1:1080 gcr.io:443": the way that was taken.
std::string check_of(const ShownFailure& failure, const std::vector<ShownUpstream>& upstreams) {
  const auto upstream =
      std::find_if(upstreams.begin(), upstreams.end(),
                   [&](const ShownUpstream& one) { return one.name == failure.upstream; });
  std::string command = upstream == upstreams.end() ? "culvert check" : check_through(*upstream);
  const auto target = HostPort::parse(failure.target);
  if (target) command += " " + shell_quoted(target->to_string());
  return failure.hint.empty() ? command : command + "  # " + printable(failure.hint);
}

}  // namespace

SeenFailures seen_failures(std::string who, const Json& failures, const Json& upstreams,
                           std::string_view begun) {
  SeenFailures out{.who = std::move(who)};
  const std::vector<ShownUpstream> all = ShownUpstream::of(upstreams);
  for (const ShownFailure& failure : ShownFailure::list(failures)) {
    if (failure.time < begun) continue;
    const std::string& cause = failure.explanation.empty() ? failure.outcome : failure.explanation;
    out.failures.push_back(
        {printable(failure.target), printable(cause, kMostOfSentence), check_of(failure, all)});
  }
  for (const ShownUpstream& upstream : all) {
    if (!upstream.down()) continue;
    out.down.push_back({printable(upstream.name), printable(upstream.reason, kMostOfSentence),
                        check_through(upstream)});
  }
  return out;
}

std::optional<SeenFailures> RunningCulvertFailures::failures_since(
    std::chrono::system_clock::time_point begun) {
  const auto end = std::chrono::steady_clock::now() + kAnswerTime;
  const auto ask = [&](const FoundCulvert& culvert, const char* what) {
    const auto left = end - std::chrono::steady_clock::now();
    return client_.get(culvert.place, what, std::chrono::ceil<std::chrono::milliseconds>(left));
  };
  std::optional<SeenFailures> last;
  std::vector<FoundRuntimeSocket> sockets = find_runtime_sockets(runtime_directories()).sockets;
  keep_nearest(sockets);
  for (const FoundRuntimeSocket& socket : sockets) {
    const FoundCulvert culvert{{.path = socket.path}, socket.number()};
    if (std::chrono::steady_clock::now() >= end) break;
    const auto failures = ask(culvert, "/api/v1/failures?limit=20");
    const auto upstreams = failures ? ask(culvert, "/api/v1/upstreams") : failures;
    if (upstreams) {
      last = seen_failures(culvert.shown(), *failures, *upstreams, rfc3339_text(begun));
      if (!last->failures.empty()) return last;
    } else if (!last) {
      last = SeenFailures{.who = culvert.shown(), .is_silent = true};
    }
  }
  // Root may ask all but those of containers.
  if (last || geteuid() == 0) return last;
  const auto running = running_culverts();
  if (running.empty()) return std::nullopt;
  const FoundCulvert other{{}, running.front().pid};
  return SeenFailures{.who = other.shown(), .may_not_be_asked = true};
}

}  // namespace culvert
