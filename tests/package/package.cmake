# What scripts/package makes of this build: made once (package.make), and looked at by each test. The static program is linked for
# them, which takes 45 seconds of one processor; the rest of them together 25.
#
# What takes namespaces, dockerd or systemd says SKIP and why where it cannot run; with CI=true that is a failure. lintian belongs to
# what the tests are run with.

set(packages ${PROJECT_BINARY_DIR}/packages)
add_test(NAME package.make
  COMMAND sh -c "\"$1\" --build \"$2\" --target culvert_static && rm -rf \"$3\" && exec \"$4\" --binaries \"$2\" --to \"$3\""
  make ${CMAKE_COMMAND} ${PROJECT_BINARY_DIR} ${packages} ${PROJECT_SOURCE_DIR}/scripts/package)
set_tests_properties(package.make PROPERTIES LABELS package PROCESSORS 4 TIMEOUT 600 COST 900 FIXTURES_SETUP packages)
foreach(module artefacts image static install)
  add_test(NAME package.${module} COMMAND ${Python3_EXECUTABLE} ${CMAKE_CURRENT_LIST_DIR}/test_${module}.py)
  set_tests_properties(package.${module} PROPERTIES
    LABELS package PROCESSORS 2 TIMEOUT 240 SKIP_RETURN_CODE 77 FIXTURES_REQUIRED packages
    ENVIRONMENT "CULVERT=$<TARGET_FILE:culvert>;CULVERT_PEERS=${CULVERT_PEERS};CULVERT_PACKAGES=${packages};PYTHONDONTWRITEBYTECODE=1")
endforeach()
