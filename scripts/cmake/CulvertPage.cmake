# culvert_page_source: the status page as a C++ source, made at build time.
set(culvert_page ${PROJECT_BINARY_DIR}/page/admin)
set(culvert_page_source ${culvert_page}/page_text.cc)
file(GLOB page_parts CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/proxy/admin/page/*)
set(embed_page ${PROJECT_SOURCE_DIR}/scripts/cmake/EmbedPage.cmake)
add_custom_command(OUTPUT ${culvert_page_source} BYPRODUCTS ${culvert_page}/page.html ${culvert_page}/page.policy
  COMMAND ${CMAKE_COMMAND} -DSOURCE=${PROJECT_SOURCE_DIR}/proxy/admin/page -DTARGET=${culvert_page} -P ${embed_page}
  DEPENDS ${embed_page} ${page_parts} COMMENT "Embedding the status page" VERBATIM)
