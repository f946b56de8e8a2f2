# How everything is compiled and linked. The warnings are for our own files: those of the targets
# that link culvert_flags; and for who works on them.

# ccache, when it is there. It refuses precompiled headers unless told that they are fine. The compiler says what a source
# depends on, so ccache need not have it preprocessed first.
find_program(CCACHE ccache)
mark_as_advanced(CCACHE)
if(CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER
    ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros CCACHE_DEPEND=1 ${CCACHE})
  set(CMAKE_C_COMPILER_LAUNCHER ${CCACHE})
endif()

# Every object ends in a program, so -fPIE does for the libraries too.
add_compile_options(-fPIE)
if(CULVERT_SANITIZE)
  # 800,000 addresses less to be adjusted at each start, which is a third of it; tests start it thousands of times.
  add_link_options(-no-pie)
else()
  add_link_options(-pie)
endif()
set(CMAKE_CXX_VISIBILITY_PRESET hidden)
set(CMAKE_VISIBILITY_INLINES_HIDDEN ON)

# From 128 MB on g++ collects garbage in its memory, again and again: about a tenth of its time. Without that it takes 700 MB at most
# instead of 570.
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  add_compile_options(--param=ggc-min-heapsize=500000)
endif()

# Elsewhere char has no sign, and the code was never tried so.
if(NOT CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|amd64")
  add_compile_options(-fsigned-char)
endif()

# Sanitizers are for every object, llhttp's too, or they would miss what happens there.
if(CULVERT_SANITIZE)
  add_compile_options(-fsanitize=${CULVERT_SANITIZE} -fno-sanitize-recover=all
    -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${CULVERT_SANITIZE})
  # They make fifty large programs. This linker takes a third of the time.
  find_program(LLD ld.lld)
  mark_as_advanced(LLD)
  if(LLD AND CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    add_link_options(-fuse-ld=lld)
  endif()
endif()

# For what libFuzzer has to see on an input's way: culvert, llhttp and the targets.
if(CULVERT_FUZZ)
  set(culvert_fuzz_coverage -fsanitize=fuzzer-no-link -fsanitize-coverage-allowlist=${CMAKE_CURRENT_LIST_DIR}/fuzz_coverage.txt)
endif()

# Standard containers check their bounds in every build. All input is hostile.
add_compile_definitions(_GLIBCXX_ASSERTIONS)

# Hardening, and the means to leave out what nobody calls.
if(NOT CMAKE_BUILD_TYPE STREQUAL "Debug")
  # Undefined first: some distributions' compilers define it already.
  add_compile_options(-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2 -fstack-protector-strong
    -ffunction-sections -fdata-sections)
  add_link_options(-Wl,--gc-sections -Wl,--as-needed -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack)
  # The addresses that the loader adds to at the start, in a twelfth of the room (DT_RELR). The C library must know
  # that form, so a program is tried: glibc does since 2.36.
  include(CheckCXXSourceRuns)
  set(CMAKE_REQUIRED_FLAGS -fPIE)
  set(CMAKE_REQUIRED_LINK_OPTIONS -pie -Wl,-z,pack-relative-relocs)
  check_cxx_source_runs(
    "int one; int* volatile where[] = {&one, &one}; int main() { return where[0] == &one && *where[1] == 0 ? 0 : 1; }"
    culvert_packed_relocations)
  unset(CMAKE_REQUIRED_FLAGS)
  unset(CMAKE_REQUIRED_LINK_OPTIONS)
  if(culvert_packed_relocations)
    add_link_options(-Wl,-z,pack-relative-relocs)
  endif()
endif()

add_library(culvert_flags INTERFACE)
target_compile_options(culvert_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wold-style-cast -Wcast-qual
  -Wformat=2 -Wundef -Wnon-virtual-dtor -Woverloaded-virtual -Wextra-semi
  $<$<BOOL:${CULVERT_WERROR}>:-Werror>)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  target_compile_options(culvert_flags INTERFACE -Wduplicated-cond -Wlogical-op)
  if(CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
    # g++ 12 takes std::string's operator+ for an overrun (its bug 105651 and the like).
    target_compile_options(culvert_flags INTERFACE -Wno-restrict
      -Wno-array-bounds -Wno-stringop-overflow)
  endif()
  if(CULVERT_SANITIZE)
    # The checks that sanitizers add confuse this warning; the release build keeps it.
    target_compile_options(culvert_flags INTERFACE -Wno-maybe-uninitialized)
  endif()
endif()
if(NOT CULVERT_WERROR AND NOT CULVERT_TESTS)
  # A build that nobody works on: to look for them is some 7 % of the compiler's work, and the program is the same without.
  target_compile_options(culvert_flags INTERFACE -w)
endif()

# Link-time optimisation is for the program that is shipped, and g++ only: where there are tests, it keeps ordinary code
# beside, with which they link much faster.
if(CMAKE_BUILD_TYPE STREQUAL "Release" AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  include(CheckIPOSupported)
  check_ipo_supported(RESULT culvert_lto OUTPUT why_not LANGUAGES CXX)
endif()

function(culvert_link_time_optimise target)
  if(culvert_lto)
    set_target_properties(${target} PROPERTIES INTERPROCEDURAL_OPTIMIZATION ON)
    if(CULVERT_TESTS)
      target_compile_options(${target} PRIVATE -ffat-lto-objects)
    else()
      # Else each compilation puts names by chance into its objects; packages are to be the same each time.
      target_compile_options(${target} PRIVATE -frandom-seed=${target})
    endif()
  endif()
endfunction()
