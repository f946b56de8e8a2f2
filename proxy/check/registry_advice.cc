#include "check/registry_advice.h"

#include <algorithm>
#include <cstddef>

#include "base/shell_text.h"

namespace culvert {
namespace {

constexpr std::size_t kShortDigest = 19;

/// Who tells more than a cache does to its clients.
constexpr std::string_view kLogsOfCache =
    "docker logs NAME, or journalctl -u docker-registry; and of the culvert that it goes through: "
    "culvert status --watch-failures";

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

CheckStep cache_step(const SeenFailures& seen, bool waited, const std::string& again) {
  CheckStep step{.name = "cache", .subject = seen.who};
  step.ok = false;
  if (seen.may_not_be_asked) {
    step.cause = "if this is a cache, that culvert may know why it failed; it is another user's";
    step.fix = "sudo " + again;
  } else if (seen.is_silent) {
    step.cause = "it does not answer, and then it serves no cache either";
    step.fix = "culvert status --once  # if that gets no answer, start it again";
  } else if (!seen.failures.empty()) {
    const SeenFailures::One& last = seen.failures.front();
    const bool is_named = last.cause.find(last.what) != std::string::npos;
    step.cause = "meanwhile a request " + (is_named ? "" : "for " + last.what + " ") +
                 "failed there: " + last.cause;
    step.fix = last.fix;
  } else if (waited && !seen.down.empty()) {
    const SeenFailures::One& down = seen.down.front();
    step.cause =
        "if this is a cache, it waits for upstream " + down.what + ", which is down: " + down.cause;
    step.fix = down.fix;
  } else {
    step.ok = true;
    step.detail =
        "if this is a cache, its way is not what fails: no request failed there meanwhile";
  }
  return step;
}

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
  if (may_be_cache(image.registry)) {
    advice.cause +=
        "; a pull-through cache answers so, too, while its own way to the registry behind it fails";
    advice.fix += "; the cache's log: " + std::string(kLogsOfCache);
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
