#pragma once

#include <string_view>

namespace culvert {

/// The status page: one HTML document that holds its style and script. The build makes it of the
/// sources in admin/page (scripts/cmake/EmbedPage.cmake).
std::string_view status_page();
/// The Content-Security-Policy to serve it with: nothing but the page's own style and script, by
/// their hashes.
std::string_view status_page_policy();

}  // namespace culvert
