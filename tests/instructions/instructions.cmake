# How many instructions a CONNECT, an echo and a GET take: the same figure on any machine that has the baseline's
# compiler, so a change that costs more than 1 % does not slip in. For the program that is shipped only.

set(instructions ${Python3_EXECUTABLE} ${CMAKE_CURRENT_LIST_DIR}/instructions.py)
add_test(NAME instructions.can_fail COMMAND ${instructions} --self-test)
set_tests_properties(instructions.can_fail PROPERTIES
  LABELS instructions ENVIRONMENT "PYTHONDONTWRITEBYTECODE=1")

if(CMAKE_BUILD_TYPE STREQUAL "Release" AND NOT CULVERT_SANITIZE)
  set(flags "${CMAKE_CXX_FLAGS} ${CMAKE_CXX_FLAGS_RELEASE}")
  string(STRIP "${flags}" flags)
  # What decides how the same source counts. fmt and llhttp are compiled in.
  set(measured $<TARGET_FILE:culvert> ${CMAKE_CURRENT_LIST_DIR}/baseline.json
    "architecture=${CMAKE_SYSTEM_PROCESSOR}"
    "compiler=${CMAKE_CXX_COMPILER_ID} ${CMAKE_CXX_COMPILER_VERSION}"
    "flags=${flags}" "lto=$<BOOL:${culvert_lto}>" "unity=$<BOOL:${CULVERT_UNITY}>" "static_runtime=$<BOOL:${CULVERT_STATIC_RUNTIME}>"
    "fmt=${fmt_VERSION}" "llhttp=${Llhttp_VERSION}")
  add_test(NAME instructions.rounds COMMAND ${instructions} ${measured})
  set_tests_properties(instructions.rounds PROPERTIES
    LABELS instructions PROCESSORS 4 TIMEOUT 240 SKIP_RETURN_CODE 77 ENVIRONMENT "PYTHONDONTWRITEBYTECODE=1")
  add_custom_target(update_instructions
    COMMAND ${CMAKE_COMMAND} -E env PYTHONDONTWRITEBYTECODE=1 ${instructions} --update ${measured}
    DEPENDS culvert VERBATIM)
endif()
