# Writes what belongs to the program below $DESTDIR and CMAKE_INSTALL_PREFIX: the units of systemd, the configuration file, manual
# pages, completions, documents and examples. Run by `cmake --install`, or as
#
#   cmake -DCULVERT=PROGRAM -DCMAKE_INSTALL_PREFIX=/usr -P scripts/cmake/InstallTexts.cmake
#
# CULVERT is the program, which prints some of it; before it there may be another that runs it.

cmake_path(GET CMAKE_CURRENT_LIST_DIR PARENT_PATH scripts)
cmake_path(GET scripts PARENT_PATH source)
set(share ${CMAKE_INSTALL_PREFIX}/share)
# The configuration of the whole system is in /etc.
set(etc ${CMAKE_INSTALL_PREFIX}/etc)
if(CMAKE_INSTALL_PREFIX MATCHES "^/usr(/local)?$")
  set(etc /etc)
endif()

# culvert_write(FILE TEXT)
function(culvert_write file text)
  message(STATUS "Installing: $ENV{DESTDIR}${file}")
  file(WRITE $ENV{DESTDIR}${file} "${text}")
  file(CHMOD $ENV{DESTDIR}${file} PERMISSIONS OWNER_READ OWNER_WRITE GROUP_READ WORLD_READ)
endfunction()

# culvert_print(VARIABLE ARGUMENT...): what the program prints, whatever the variables of this shell.
function(culvert_print variable)
  execute_process(COMMAND env -i ${CULVERT} ${ARGN} OUTPUT_VARIABLE text COMMAND_ERROR_IS_FATAL ANY)
  set(${variable} "${text}" PARENT_SCOPE)
endfunction()

# culvert_install_printed(FILE ARGUMENT...)
function(culvert_install_printed file)
  culvert_print(text ${ARGN})
  culvert_write(${file} "${text}")
endfunction()

culvert_install_printed(${share}/man/man1/culvert.1 man)
culvert_install_printed(${share}/man/man5/culvert.toml.5 man culvert.toml)
culvert_install_printed(${share}/bash-completion/completions/culvert completion bash)
culvert_install_printed(${share}/zsh/site-functions/_culvert completion zsh)
culvert_install_printed(${share}/fish/vendor_completions.d/culvert.fish completion fish)

foreach(unit culvert.service culvert.socket)
  file(READ ${scripts}/package.d/${unit} text)
  string(REPLACE /usr/bin/culvert ${CMAKE_INSTALL_PREFIX}/bin/culvert text "${text}")
  string(REPLACE /etc/culvert ${etc}/culvert text "${text}")
  culvert_write(${CMAKE_INSTALL_PREFIX}/lib/systemd/system/${unit} "${text}")
endforeach()

# One that is there is somebody's.
if(NOT EXISTS $ENV{DESTDIR}${etc}/culvert/culvert.toml)
  file(READ ${scripts}/package.d/culvert.toml.head head)
  culvert_print(options --explain-config)
  # Its head says other things.
  string(REGEX REPLACE "^(#[^\n]*\n)+" "" options "${options}")
  culvert_write(${etc}/culvert/culvert.toml "${head}${options}")
endif()

set(documents ${share}/doc/culvert)
file(INSTALL ${source}/README.md ${source}/README.zh-CN.md ${source}/CHANGELOG.md DESTINATION ${documents})
file(INSTALL ${source}/examples DESTINATION ${documents} PATTERN status-page EXCLUDE)
# Where the links of these look for it.
file(INSTALL ${source}/proxy/manual DESTINATION ${documents}/proxy)
