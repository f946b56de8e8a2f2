#include "server/process_facts.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <string>
#include <string_view>

#include "base/file_text.h"
#include "base/text.h"

namespace culvert {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

milliseconds time_of(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return std::chrono::seconds(now.tv_sec) + milliseconds(now.tv_nsec / 1'000'000);
}

/// proc(5): field 22 of /proc/self/stat is the time after boot, in ticks.  Field 2 is a name that
/// may hold anything.
std::optional<milliseconds> time_of_start() {
  constexpr int kBehindName = 22 - 3;
  const std::string stat = file_text("/proc/self/stat");
  const std::size_t name_end = stat.rfind(") ");
  if (name_end == std::string::npos) return std::nullopt;
  const auto fields = split(std::string_view(stat).substr(name_end + 2), ' ');
  const long ticks_a_second = sysconf(_SC_CLK_TCK);
  if (fields.size() <= kBehindName || ticks_a_second <= 0) return std::nullopt;
  const auto ticks = parse_number<std::int64_t>(fields[kBehindName]);
  if (!ticks) return std::nullopt;
  const milliseconds after_boot(*ticks * 1000 / ticks_a_second);
  return time_of(CLOCK_REALTIME) - time_of(CLOCK_BOOTTIME) + after_boot;
}

/// The number behind `name` in /proc/self/status: "VmRSS:     1234 kB".
std::optional<std::uint64_t> status_number(std::string_view status, std::string_view name) {
  const std::size_t at = status.find(name);
  if (at == std::string_view::npos) return std::nullopt;
  std::string_view rest = status.substr(at + name.size());
  rest = trim(rest.substr(0, rest.find('\n')));
  return parse_number<std::uint64_t>(rest.substr(0, rest.find(' ')));
}

/// Among the first `table`.  To list /proc/self/fd costs far more where there are thousands.
/// poll(2) takes no more at once than may be open.
std::uint64_t count_descriptors(std::uint64_t table, std::uint64_t most) {
  constexpr std::uint64_t kAtOnce = 512;
  std::array<pollfd, kAtOnce> asked;
  const std::uint64_t step = std::clamp<std::uint64_t>(most, 1, kAtOnce);
  std::uint64_t open = 0;
  for (std::uint64_t first = 0; first < table; first += step) {
    const std::uint64_t count = std::min(step, table - first);
    for (std::uint64_t i = 0; i < count; ++i) asked[i] = {static_cast<int>(first + i), 0, 0};
    if (poll(asked.data(), count, 0) < 0) continue;
    open += static_cast<std::uint64_t>(
        std::count_if(asked.begin(), asked.begin() + static_cast<std::ptrdiff_t>(count),
                      [](const pollfd& one) { return (one.revents & POLLNVAL) == 0; }));
  }
  return open;
}

}  // namespace

ProcessMeter::ProcessMeter()
    : status_(open("/proc/self/status", O_RDONLY | O_CLOEXEC)), started_(time_of_start()) {}

ProcessMeter::~ProcessMeter() {
  if (status_ >= 0) close(status_);
}

ProcessFacts ProcessMeter::facts() const {
  ProcessFacts facts;
  facts.started = started_;
  rusage usage{};
  if (getrusage(RUSAGE_SELF, &usage) == 0) {
    for (const timeval& part : {usage.ru_utime, usage.ru_stime}) {
      facts.cpu += std::chrono::seconds(part.tv_sec) + microseconds(part.tv_usec);
    }
  }
  rlimit limit{};
  const bool limited = getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY;
  if (limited) facts.most_descriptors = limit.rlim_cur;
  std::array<char, 4096> buffer;
  const ssize_t got = status_ < 0 ? -1 : pread(status_, buffer.data(), buffer.size(), 0);
  if (got <= 0) return facts;
  const std::string_view status(buffer.data(), static_cast<std::size_t>(got));
  if (const auto kib = status_number(status, "\nVmRSS:")) facts.resident_bytes = *kib * 1024;
  if (const auto table = status_number(status, "\nFDSize:")) {
    facts.descriptors = count_descriptors(*table, limited ? limit.rlim_cur : *table);
  }
  return facts;
}

}  // namespace culvert
