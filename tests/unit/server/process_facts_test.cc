#include "server/process_facts.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <iterator>
#include <vector>

#include "support/catch.h"

using namespace culvert;
using namespace std::chrono_literals;

namespace {

/// By listing them, the descriptor of the list itself left out.
std::uint64_t listed() {
  const std::filesystem::directory_iterator all("/proc/self/fd");
  return static_cast<std::uint64_t>(std::distance(all, std::filesystem::directory_iterator())) - 1;
}

}  // namespace

TEST_CASE("a process knows how many descriptors it has, wherever they are") {
  const ProcessMeter meter;
  CHECK(meter.facts().descriptors == listed());
  const int first = open("/dev/null", O_RDONLY | O_CLOEXEC);
  REQUIRE(first >= 0);
  rlimit limit{};
  REQUIRE(getrlimit(RLIMIT_NOFILE, &limit) == 0);
  CHECK(meter.facts().most_descriptors == limit.rlim_cur);
  const int far = fcntl(first, F_DUPFD_CLOEXEC, static_cast<int>(limit.rlim_cur - 1));
  REQUIRE(far >= 0);
  const auto with_both = meter.facts().descriptors;
  CHECK(with_both == listed());
  close(far);
  CHECK(meter.facts().descriptors == *with_both - 1);
  close(first);
}

TEST_CASE("a process knows its memory, its age and its time on the processor") {
  const ProcessMeter meter;
  const ProcessFacts before = meter.facts();
  const std::vector<char> memory(std::size_t{32} << 20, 'x');
  const ProcessFacts facts = meter.facts();
  REQUIRE(before.resident_bytes);
  CHECK(*facts.resident_bytes >= *before.resident_bytes + memory.size() / 2);
  CHECK(facts.cpu >= before.cpu);
  CHECK(facts.cpu > 0us);
  const auto now = std::chrono::duration_cast<std::chrono::milliseconds>(
      std::chrono::system_clock::now().time_since_epoch());
  REQUIRE(facts.started);
  CHECK(*facts.started <= now + 1s);
  CHECK(*facts.started > now - 1h);
}
