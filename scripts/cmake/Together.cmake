# Writes a C++ source that compiles several of the tests' sources together:
#
#   cmake -DTARGET=FILE -DSOURCES=FILE,FILE... -P scripts/cmake/Together.cmake
#
# Each may use the same names as the others: it gets a namespace of its own. So that none of its headers ends there, all
# that they include comes first.

string(REPLACE "," ";" SOURCES "${SOURCES}")
set(includes "")
set(bodies "")
foreach(source ${SOURCES})
  file(STRINGS ${source} lines REGEX "^#include ")
  cmake_path(GET source PARENT_PATH folder)
  cmake_path(GET source STEM name)
  foreach(line ${lines})
    string(REGEX MATCH "\"(.*)\"" quoted "${line}")
    if(quoted AND EXISTS ${folder}/${CMAKE_MATCH_1})
      set(line "#include \"${folder}/${CMAKE_MATCH_1}\"")
    endif()
    list(APPEND includes ${line})
  endforeach()
  string(APPEND bodies "
namespace of_${name} {
namespace culvert {
using namespace ::culvert;
}
#include \"${source}\"
}
")
endforeach()
list(REMOVE_DUPLICATES includes)
list(JOIN includes "\n" includes)
# Only if it differs, so that it is not compiled again for nothing.
file(CONFIGURE OUTPUT ${TARGET} CONTENT "${includes}\n${bodies}" @ONLY)
