# Defines culvert::llhttp: the system's llhttp library where there is one (Debian 13 and later),
# else a static library of the sources in Debian 12's node-llhttp. They may be installed, or
# unpacked into build/deps as scripts/run does, or be under Llhttp_ROOT.

find_package(llhttp CONFIG QUIET)
foreach(target llhttp::llhttp llhttp::llhttp_shared llhttp::llhttp_static)
  if(TARGET ${target})
    add_library(culvert_llhttp INTERFACE)
    target_link_libraries(culvert_llhttp INTERFACE ${target})
    set(Llhttp_VERSION ${llhttp_VERSION})
    set(Llhttp_LOCATION ${target})
    break()
  endif()
endforeach()

if(NOT TARGET culvert_llhttp)
  set(places HINTS ${Llhttp_ROOT} ${PROJECT_SOURCE_DIR}/build/deps/usr PATHS /usr)
  find_path(LLHTTP_SOURCE_DIR llhttp.c ${places} PATH_SUFFIXES share/llhttp)
  find_path(LLHTTP_INCLUDE_DIR llhttp.h ${places} PATH_SUFFIXES share/include/llhttp)
  mark_as_advanced(LLHTTP_SOURCE_DIR LLHTTP_INCLUDE_DIR)
  if(LLHTTP_SOURCE_DIR AND LLHTTP_INCLUDE_DIR)
    add_library(culvert_llhttp STATIC
      ${LLHTTP_SOURCE_DIR}/api.c ${LLHTTP_SOURCE_DIR}/http.c ${LLHTTP_SOURCE_DIR}/llhttp.c)
    target_include_directories(culvert_llhttp SYSTEM PUBLIC ${LLHTTP_INCLUDE_DIR})
    # llhttp before 9 is two parsers in one file, and the lax one is its default.
    target_compile_definitions(culvert_llhttp PUBLIC LLHTTP_STRICT_MODE=1)
    target_compile_options(culvert_llhttp PRIVATE -w ${culvert_fuzz_coverage})
    file(STRINGS ${LLHTTP_INCLUDE_DIR}/llhttp.h numbers REGEX "LLHTTP_VERSION_[A-Z]+ [0-9]+")
    list(TRANSFORM numbers REPLACE ".* " "")
    list(JOIN numbers "." Llhttp_VERSION)
    set(Llhttp_LOCATION ${LLHTTP_SOURCE_DIR})
  endif()
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(Llhttp
  REQUIRED_VARS Llhttp_LOCATION VERSION_VAR Llhttp_VERSION
  REASON_FAILURE_MESSAGE "install libllhttp-dev, or node-llhttp on Debian 12")
if(Llhttp_FOUND AND NOT TARGET culvert::llhttp)
  add_library(culvert::llhttp ALIAS culvert_llhttp)
endif()
