# The status page in Chromium. Once is enough for what does not depend on how culvert is built.
if(CMAKE_BUILD_TYPE STREQUAL "Release" AND NOT CULVERT_SANITIZE)
  add_test(NAME browser.page COMMAND ${CMAKE_CURRENT_LIST_DIR}/run)
  # It takes most of a minute: first, so that others run meanwhile.
  set_tests_properties(browser.page PROPERTIES LABELS browser PROCESSORS 6 TIMEOUT 240 SKIP_RETURN_CODE 77 COST 1000
    ENVIRONMENT "CULVERT_PAGE=${culvert_page};CULVERT_PEERS=${CULVERT_PEERS}")
endif()
