// main() of every Catch2 program. Catch2 2 compiles its own code in the file that asks for main();
// Catch2 3 has that in a library.
#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_session.hpp>

int main(int argc, char** argv) { return Catch::Session().run(argc, argv); }
#else
#define CATCH_CONFIG_MAIN
#include <catch2/catch.hpp>
#endif
