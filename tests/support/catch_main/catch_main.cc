// main() of every Catch2 program. Catch2 2 compiles its own code in the file that asks for main();
// Catch2 3 has that in a library.
#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_all.hpp>

int main(int argc, char** argv) { return Catch::Session().run(argc, argv); }
using Listener = Catch::EventListenerBase;
#else
#define CATCH_CONFIG_MAIN
#include <catch2/catch.hpp>
using Listener = Catch::TestEventListenerBase;
#endif

#include <cstdio>
#include <cstdlib>

namespace {

/// With CULVERT_NAME_TESTS: the name of each case before it starts, so that the last line of one
/// that crashes or hangs tells which it was.
class NamePrinter : public Listener {
 public:
  using Listener::Listener;

  void testCaseStarting(const Catch::TestCaseInfo& test) override {
    if (std::getenv("CULVERT_NAME_TESTS") == nullptr) return;
    std::printf("%s\n", test.name.c_str());
    std::fflush(stdout);
  }
};

CATCH_REGISTER_LISTENER(NamePrinter)

}  // namespace
