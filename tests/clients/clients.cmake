# Real clients through the whole program: the small ones, whose rows in README.md must come out again. The others are for
# tests/clients/run. Once is enough for what does not depend on how culvert is built.
if(CMAKE_BUILD_TYPE STREQUAL "Release" AND NOT CULVERT_SANITIZE)
  add_test(NAME clients.small
    COMMAND ${Python3_EXECUTABLE} ${CMAKE_CURRENT_LIST_DIR}/test_clients.py)
  set_tests_properties(clients.small PROPERTIES
    LABELS clients PROCESSORS 4 TIMEOUT 120 SKIP_RETURN_CODE 77
    ENVIRONMENT "CULVERT=$<TARGET_FILE:culvert>;CULVERT_PEERS=${CULVERT_PEERS};PYTHONDONTWRITEBYTECODE=1")
endif()
