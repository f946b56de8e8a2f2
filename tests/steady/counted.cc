// The allocator and write(2) stand in for the C library's, for every library of the program.  The
// linker hands the calls of Timer::start(), Log::write() and AccessLine's constructor to the
// functions here (--wrap, see CMakeLists.txt); their names are the ones that such a call has in an
// object file.
#include "steady/counted.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <chrono>

#include "base/log.h"
#include "net/timer.h"

namespace {

culvert::test::Counts counts;

}  // namespace

culvert::test::Counts culvert::test::counted() { return counts; }

// NOLINTBEGIN(bugprone-reserved-identifier)
extern "C" {

void* __libc_malloc(std::size_t size);
void* __libc_calloc(std::size_t count, std::size_t size);
void* __libc_realloc(void* memory, std::size_t size);
void* __libc_memalign(std::size_t alignment, std::size_t size);

#define INSTEAD_OF_LIBC __attribute__((visibility("default")))

INSTEAD_OF_LIBC void* malloc(std::size_t size) {
  ++counts.allocations;
  return __libc_malloc(size);
}

INSTEAD_OF_LIBC void* calloc(std::size_t count, std::size_t size) {
  ++counts.allocations;
  return __libc_calloc(count, size);
}

INSTEAD_OF_LIBC void* realloc(void* memory, std::size_t size) {
  ++counts.allocations;
  return __libc_realloc(memory, size);
}

INSTEAD_OF_LIBC void* aligned_alloc(std::size_t alignment, std::size_t size) {
  ++counts.allocations;
  return __libc_memalign(alignment, size);
}

INSTEAD_OF_LIBC ssize_t write(int fd, const void* bytes, std::size_t size) {
  ++counts.writes;
  return syscall(SYS_write, fd, bytes, size);
}

using culvert::Log;
using culvert::Timer;

void __real__ZN7culvert5Timer5startENSt6chrono8durationIlSt5ratioILl1ELl1000EEEE(
    Timer*, std::chrono::milliseconds);
void __wrap__ZN7culvert5Timer5startENSt6chrono8durationIlSt5ratioILl1ELl1000EEEE(
    Timer* timer, std::chrono::milliseconds delay) {
  ++counts.timer_starts;
  __real__ZN7culvert5Timer5startENSt6chrono8durationIlSt5ratioILl1ELl1000EEEE(timer, delay);
}

void __real__ZN7culvert3Log10AccessLineC1ERS0_(Log::AccessLine*, Log*);
void __wrap__ZN7culvert3Log10AccessLineC1ERS0_(Log::AccessLine* line, Log* log) {
  ++counts.log_lines;
  __real__ZN7culvert3Log10AccessLineC1ERS0_(line, log);
}

void __real__ZN7culvert3Log5writeENS0_5LevelESt17basic_string_viewIcSt11char_traitsIcEE(
    Log*, Log::Level, std::string_view);
void __wrap__ZN7culvert3Log5writeENS0_5LevelESt17basic_string_viewIcSt11char_traitsIcEE(
    Log* log, Log::Level level, std::string_view message) {
  ++counts.log_lines;
  __real__ZN7culvert3Log5writeENS0_5LevelESt17basic_string_viewIcSt11char_traitsIcEE(log, level,
                                                                                     message);
}

}  // extern "C"
// NOLINTEND(bugprone-reserved-identifier)
