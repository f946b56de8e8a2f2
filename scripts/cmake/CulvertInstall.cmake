# What `cmake --install` writes: the program, and beside it what InstallTexts.cmake makes then, as it depends on the prefix.
include(GNUInstallDirs)
install(TARGETS culvert)
install(CODE "set(CULVERT [[$<TARGET_FILE:culvert>]])")
install(SCRIPT ${CMAKE_CURRENT_LIST_DIR}/InstallTexts.cmake)
