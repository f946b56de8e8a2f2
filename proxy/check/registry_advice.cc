#include "check/registry_advice.h"

#include <algorithm>
#include <cstddef>

#include "base/shell_text.h"

namespace culvert {
namespace {

constexpr std::size_t kShortDigest = 19;

/// A registry of one's own is often a pull-through cache.
bool may_be_cache(const ImageReference& image) {
  return image.registry.port != 443 || image.registry.ip ||
         image.registry.host.find('.') == std::string::npos;
}

std::string advice_on_name(const ImageReference& image, const GivenCheck& given) {
  const bool one_part = image.repository.find('/') == std::string::npos;
  const std::string version = image.digest.empty() ? ":" + image.tag : "@" + image.digest;
  if (!one_part) {
    return "skopeo list-tags docker://" + image.host + "/" + image.repository +
           "  # the tags that it has, if the name is right";
  }
  const std::string prefix =
      image.host == "gcr.io" || image.host.ends_with(".gcr.io") ? "google_containers" : "library";
  return given.command(image.host + "/" + prefix + "/" + image.repository + version) +
         "  # with its prefix";
}

}  // namespace

std::string shortened_digest(const std::string& version) {
  return version.size() > kShortDigest && version.find(':') != version.npos
             ? version.substr(0, kShortDigest) + ".."
             : version;
}

std::string own_words(const Fetched& answer) {
  const std::string words = registry_error(answer.body);
  return words.empty() ? words : " (" + words + ")";
}

Advice advice_for_platform(const ImageReference& image, const ManifestNext& list) {
  constexpr std::size_t kMostNamed = 6;
  std::string named;
  for (std::size_t i = 0; i < list.platforms.size() && i < kMostNamed; ++i) {
    named += (i == 0 ? "it has " : ", ") + list.platforms[i];
  }
  if (list.platforms.size() > kMostNamed) named += " and more";
  if (named.empty()) named = "it names no platform";
  const auto other = std::find_if(list.platforms.begin(), list.platforms.end(),
                                  [](const auto& name) { return name.starts_with("linux/"); });
  const std::string tags = "skopeo list-tags docker://" + image.host + "/" + image.repository;
  return {"no matching manifest for linux/" + std::string(own_architecture()) + " in the list of " +
              image.to_string() + ": " + named,
          other == list.platforms.end()
              ? tags + "  # another tag may have an image for this machine"
              : "docker pull --platform " + shell_quoted(*other) + " " + image.to_string() +
                    "  # runs emulated; or another tag: " + tags};
}

Advice advice_for_unknown(const ImageReference& image, const GivenCheck& given,
                          const Fetched& answer) {
  Advice advice{image.host + " has no image " + image.repository + ":" +
                    shortened_digest(image.version()) + own_words(answer),
                advice_on_name(image, given)};
  if (may_be_cache(image)) {
    advice.cause +=
        "; a pull-through cache answers so, too, while its own way to the registry behind it fails";
    advice.fix += "; the cache's log: docker logs NAME, or journalctl -u docker-registry";
  }
  return advice;
}

Advice advice_for_missing_blob(const ImageReference& image, const Fetched& answer,
                               const Link& link) {
  const std::string host = link.host_field();
  const std::string cause = host + " answered " + status_text(answer) + own_words(answer) +
                            " for a blob of an image whose manifest was given";
  if (answer.status != 404) return {cause, curl_command(answer, link.shown() + "/")};
  return {cause, "docker pull " + image.to_string() +
                     "  # if that fails, too, the image has to be pushed again; in a cache its "
                     "manifest has to be removed"};
}

Advice advice_for_private(const ImageReference& image, const GivenCheck& given,
                          const Fetched& answer) {
  Advice advice{
      image.host + " refuses " + image.repository +
          " without a login: it is private, or there is none of that name" + own_words(answer),
      login_command(image.host) + "  # check has no credentials, it does not read docker's"};
  if (image.repository.find('/') == std::string::npos)
    advice.fix += "; or: " + advice_on_name(image, given);
  return advice;
}

}  // namespace culvert
