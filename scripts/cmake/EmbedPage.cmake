# Makes one HTML file of the sources in proxy/admin/page, and of that a C++ source:
#
#   cmake -DSOURCE=proxy/admin/page -DTARGET=FOLDER -P scripts/cmake/EmbedPage.cmake
#
# writes FOLDER/page.html, FOLDER/page.policy (its Content-Security-Policy, with the hashes of the style and the script
# that it holds) and FOLDER/page_text.cc (both, as admin/page_text.h declares them).
#
# The sources are for people. Whole-line comments, indentation and empty lines do not go out.

# What page.html names, in this order: one script, so that they share one scope.
set(style page.css)
set(script words.js format.js elements.js connection.js chart.js upstreams.js failures.js tunnels.js actions.js page.js)

# lean(VARIABLE PATTERN FILE...): the files in a row, without comments (PATTERN: a line that is one) and indentation.
function(lean variable pattern)
  set(all "")
  foreach(file ${ARGN})
    file(READ ${SOURCE}/${file} text)
    string(APPEND all "\n${text}\n")
  endforeach()
  string(REGEX REPLACE "\n *${pattern}" "\n" all "${all}")
  string(REGEX REPLACE "[ \n]*\n *" "\n" all "${all}")
  string(STRIP "${all}" all)
  set(${variable} "${all}" PARENT_SCOPE)
endfunction()

# The hash of a text, as a Content-Security-Policy has it: SHA-256 in base64, of which two digits are three
# hexadecimal ones. The last digit of the 64 is alone.
function(policy_hash variable text)
  set(digits "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
  string(SHA256 hash "${text}")
  set(result "")
  foreach(at RANGE 0 60 3)
    string(SUBSTRING ${hash} ${at} 3 three)
    math(EXPR high "0x${three} >> 6")
    math(EXPR low "0x${three} & 63")
    string(SUBSTRING ${digits} ${high} 1 high)
    string(SUBSTRING ${digits} ${low} 1 low)
    string(APPEND result "${high}${low}")
  endforeach()
  string(SUBSTRING ${hash} 63 1 last)
  math(EXPR last "0x${last} << 2")
  string(SUBSTRING ${digits} ${last} 1 last)
  set(${variable} "'sha256-${result}${last}='" PARENT_SCOPE)
endfunction()

lean(style "/\\*[^\n]*\\*/" ${style})
# Spaces that CSS does not need.
string(REGEX REPLACE "([{;:,]) " "\\1" style "${style}")
string(REGEX REPLACE ";[ \n]*}" "}" style "${style}")
string(REPLACE " {" "{" style "${style}")
lean(script "//[^\n]*" ${script})
lean(page "<!--[^\n]*-->" page.html)
foreach(part style script)
  if(NOT page MATCHES "@${part}@")
    message(FATAL_ERROR "page.html has no @${part}@")
  endif()
  if(${part} MATCHES "</${part}")
    message(FATAL_ERROR "the ${part} would end at the </${part} in it")
  endif()
  policy_hash(hash_of_${part} "${${part}}")
  string(REPLACE "@${part}@" "${${part}}" page "${page}")
endforeach()

# Each directive that does not fall back to default-src is there.
string(JOIN "; " policy "default-src 'none'" "script-src ${hash_of_script}" "style-src ${hash_of_style}" "connect-src 'self'"
  "img-src data:" "base-uri 'none'" "form-action 'none'" "frame-ancestors 'none'" "require-trusted-types-for 'script'"
  "trusted-types 'none'")

file(WRITE ${TARGET}/page.html "${page}\n")
file(WRITE ${TARGET}/page.policy "${policy}\n")

# Bytes, as a literal of this length is more than a compiler need take.
file(READ ${TARGET}/page.html bytes HEX)
string(REGEX REPLACE "(..)" "0x\\1," bytes "${bytes}")
file(WRITE ${TARGET}/page_text.cc "// Made by scripts/cmake/EmbedPage.cmake of the sources in proxy/admin/page.
#include \"admin/page_text.h\"

namespace culvert {
namespace {

const unsigned char kStatusPage[] = {${bytes}};

}  // namespace

std::string_view status_page() { return {reinterpret_cast<const char*>(kStatusPage), sizeof(kStatusPage)}; }

std::string_view status_page_policy() {
  return \"${policy}\";
}

}  // namespace culvert
")
