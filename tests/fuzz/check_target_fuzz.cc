// What is read as a target can be asked for as it is: each part of it is fit for a request; an
// image in full is read as the same image.
#include <algorithm>

#include "check/link.h"
#include "check/target.h"
#include "codec/octets.h"
#include "fuzz/fuzz.h"

using namespace culvert;

namespace {

void check_image(const ImageReference& image) {
  FUZZ_CHECK(image.registry.port != 0 && !image.repository.empty() && !image.version().empty());
  for (const std::string& part : {image.repository, image.version()}) {
    FUZZ_CHECK(all_of_kind(part, kTargetText) && part.find_first_of("?#%") == part.npos);
  }
  const auto again = ImageReference::parse(image.to_string());
  FUZZ_CHECK(again.ok() && again->to_string() == image.to_string());
  FUZZ_CHECK(again->registry == image.registry);
}

void check_link(const Link& link) {
  FUZZ_CHECK(link.path.starts_with('/') && all_of_kind(link.path, kTargetText));
  const auto again = Link::parse(link.url());
  FUZZ_CHECK(again.ok() && again->url() == link.url());
}

}  // namespace

FUZZ_TARGET(check_target) {
  const std::string_view text = test::as_text(data, size);
  const auto target = CheckTarget::parse(text);
  if (!target) {
    FUZZ_CHECK(test::is_clean(target.error().text));
  } else {
    FUZZ_CHECK(target->address.port != 0);
    FUZZ_CHECK(test::is_clean(target->shown) || target->shown.size() <= 310);
    if (target->kind == CheckTarget::Kind::image) check_image(target->image);
  }
  if (const auto link = Link::parse(text)) check_link(*link);
  const std::size_t cut = std::min(text.find(' '), text.size());
  if (const auto base = Link::parse(text.substr(0, cut))) {
    if (const auto link = base->resolve(text.substr(cut))) check_link(*link);
  }
}
