#include "check/registry_walk.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/shell_text.h"
#include "base/text.h"
#include "check/hide_echoes.h"
#include "check/manifest.h"

namespace culvert {
namespace {

/// As much of a blob as shows that it comes through.
constexpr std::size_t kBlobBytes = 1024;
constexpr std::size_t kShortDigest = 19;

std::string encoded(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const char lower = to_lower(c);
    if ((lower >= 'a' && lower <= 'z') || is_digit(c) || c == '-' || c == '.' || c == '_') {
      out += c;
    } else {
      append_percent_encoded(out, c);
    }
  }
  return out;
}

std::string shortened(const std::string& version) {
  return version.size() > kShortDigest && version.find(':') != version.npos
             ? version.substr(0, kShortDigest) + ".."
             : version;
}

/// What a registry says itself, in parentheses.
std::string own_words(const Fetched& answer) {
  const std::string words = registry_error(answer.body);
  return words.empty() ? words : " (" + words + ")";
}

}  // namespace

void RegistryWalk::run() {
  const std::size_t first = visits_.steps().size();
  walk();
  // What a certificate's dates made of it is told with the handshake.
  if (answered_) visits_.compare_clock();
  hide_echoes(visits_.steps(), first, token_.reveal());
}

void RegistryWalk::walk() {
  if (!ask_registry()) return;
  if (challenge_.kind == RegistryChallenge::Kind::bearer && !fetch_token()) return;
  version_ = image_.version();
  // A list, and then the image that is chosen of it.
  for (int i = 0; i < 3 && blob_.empty(); ++i) {
    if (!fetch_manifest()) return;
  }
  if (!blob_.empty()) return fetch_blob();
  visits_.fail(
      {image_.host + " answered with a list of images where the image is due",
       "skopeo inspect --raw docker://" + image_.host + "/" + image_.repository + "@" + version_});
}

bool RegistryWalk::ask_registry() {
  FetchRequest request{.link = {.tls = true, .host = image_.registry, .path = "/v2/"},
                       .authorization = {}};
  auto answer = visits_.first(request);
  base_ = request.link;
  if (!answer) return false;
  answered_ = true;
  if (is_redirect(answer->status)) {
    answer = visits_.follow("registry", request);
    if (!answer) return false;
  } else {
    visits_.add("registry", request.link).time = answer->body_time;
  }
  return judge_registry(*answer, request.link);
}

bool RegistryWalk::judge_registry(const Fetched& answer, const Link& link) {
  const std::string host = link.host_field();
  if (answer.status == 401) return judge_challenge(answer, link);
  if (answer.status == 429) {
    visits_.fail(advice_for_rate_limit(answer, link, image_.host));
    return false;
  }
  if (is_page(answer)) {
    visits_.fail(advice_for_page(answer, link));
    return false;
  }
  if (answer.status != 200) {
    visits_.fail({host + " answered " + status_text(answer) +
                      " for /v2/: it is no registry, or "
                      "forbids this address",
                  "curl -v " + link.shown() + "/v2/"});
    return false;
  }
  visits_.last().detail = "200, open to everybody";
  return true;
}

bool RegistryWalk::judge_challenge(const Fetched& answer, const Link& link) {
  std::vector<std::string_view> fields;
  for (const auto& [name, value] : answer.fields) {
    if (iequals(name, "www-authenticate")) fields.push_back(value);
  }
  challenge_ = registry_challenge(fields);
  if (challenge_.kind == RegistryChallenge::Kind::bearer) {
    const auto realm = link.resolve(challenge_.realm);
    if (realm) {
      visits_.last().detail = "401, its token service is " + realm->host.to_string();
      return true;
    }
  }
  if (challenge_.kind == RegistryChallenge::Kind::basic) {
    visits_.fail(
        {link.host_field() +
             " answered 401: it wants a user and a password (Basic), and has no token "
             "service that would let anybody pull",
         login_command(image_.host) + "  # check has no credentials, it does not read docker's"});
    return false;
  }
  visits_.fail({link.host_field() +
                    " answered 401 without naming a token service that docker "
                    "understands" +
                    std::string(fields.empty() ? " (no WWW-Authenticate)" : ""),
                "curl -v " + link.shown() +
                    "/v2/  # what stands in front of the registry has to "
                    "pass WWW-Authenticate on"});
  return false;
}

bool RegistryWalk::fetch_token() {
  auto service = base_.resolve(challenge_.realm);
  if (!service) return false;  // judge_challenge() has seen it
  FetchRequest request{.link = *std::move(service), .authorization = {}};
  std::string& path = request.link.path;
  path += path.find('?') == path.npos ? '?' : '&';
  if (!challenge_.service.empty()) path += "service=" + encoded(challenge_.service) + "&";
  path += "scope=" + encoded("repository:" + image_.repository + ":pull");
  const auto answer = visits_.follow("token", request);
  return answer && take_token(*answer, request.link);
}

bool RegistryWalk::take_token(const Fetched& answer, const Link& link) {
  const std::string host = link.host_field();
  if (answer.status == 401 || answer.status == 403) {
    visits_.fail(advice_for_private(answer));
    return false;
  }
  if (answer.status != 200 || is_page(answer)) {
    fail_with(answer, link);
    return false;
  }
  const auto json = Json::parse(answer.body);
  if (json) token_ = Secret(json->at("token").text().value_or(""));
  if (json && token_.empty()) token_ = Secret(json->at("access_token").text().value_or(""));
  if (token_.empty() || printable(token_.reveal(), token_.reveal().size()) != token_.reveal()) {
    token_ = Secret();
    visits_.fail({host + " sent no token in its answer", "curl -v " + link.shown() + "/"});
    return false;
  }
  visits_.last().detail = "given to anybody, " + visits_.last().detail;
  return true;
}

FetchRequest RegistryWalk::request_for(std::string_view kind, const std::string& version) const {
  FetchRequest request{.link = base_, .authorization = {}};
  request.link.path = "/v2/" + image_.repository + "/" + std::string(kind) + "/" + version;
  if (!token_.empty()) request.authorization = Secret("Bearer " + std::string(token_.reveal()));
  return request;
}

bool RegistryWalk::fetch_manifest() {
  FetchRequest request = request_for("manifests", version_);
  request.accept = kManifestTypes;
  const auto answer = visits_.follow("manifest", request);
  return answer && judge_manifest(*answer, request.link);
}

bool RegistryWalk::judge_manifest(const Fetched& answer, const Link& link) {
  if (answer.status != 200 || is_page(answer)) {
    fail_with(answer, link);
    return false;
  }
  const auto json = Json::parse(answer.body);
  const ManifestNext next = json ? read_manifest(*json, own_architecture()) : ManifestNext();
  if (next.kind == ManifestNext::Kind::none) {
    visits_.fail({link.host_field() + " sent something else than a manifest",
                  "curl -v " + link.shown() + "/v2/"});
    return false;
  }
  CheckStep& step = visits_.last();
  step.detail = shortened(version_) + ", " + next.what + ", " + step.detail;
  if (next.kind == ManifestNext::Kind::unfit) {
    visits_.fail(advice_for_platform(next));
    return false;
  }
  if (const auto left = answer.field("ratelimit-remaining"); !left.empty()) {
    step.detail += ", pulls left: " + printable(left.substr(0, left.find(';')), 10);
  }
  const bool is_blob = next.kind == ManifestNext::Kind::blob;
  (is_blob ? blob_ : version_) = next.digest;
  if (is_blob)
    due_ = static_cast<std::size_t>(std::min<std::uint64_t>(next.size.value_or(1), kBlobBytes));
  return true;
}

Advice RegistryWalk::advice_for_platform(const ManifestNext& list) const {
  constexpr std::size_t kMostNamed = 6;
  std::string named;
  for (std::size_t i = 0; i < list.platforms.size() && i < kMostNamed; ++i) {
    named += (i == 0 ? "it has " : ", ") + list.platforms[i];
  }
  if (list.platforms.size() > kMostNamed) named += " and more";
  if (named.empty()) named = "it names no platform";
  const auto other = std::find_if(list.platforms.begin(), list.platforms.end(),
                                  [](const auto& name) { return name.starts_with("linux/"); });
  const std::string tags = "skopeo list-tags docker://" + image_.host + "/" + image_.repository;
  return {"no matching manifest for linux/" + std::string(own_architecture()) + " in the list of " +
              image_.to_string() + ": " + named,
          other == list.platforms.end()
              ? tags + "  # another tag may have an image for this machine"
              : "docker pull --platform " + shell_quoted(*other) + " " + image_.to_string() +
                    "  # runs emulated; or another tag: " + tags};
}

void RegistryWalk::fetch_blob() {
  FetchRequest request = request_for("blobs", blob_);
  request.range = "bytes=0-1023";
  request.most_body = kBlobBytes;
  const auto answer = visits_.follow("blob", request);
  if (!answer || !judge_blob(*answer, request.link)) return;
  visits_.last().detail = "first bytes of " + shortened(blob_) + ", " + visits_.last().detail;
}

bool RegistryWalk::judge_blob(const Fetched& answer, const Link& link) {
  if ((answer.status != 200 && answer.status != 206) || is_page(answer)) {
    fail_with(answer, link);
    return false;
  }
  if (answer.body.size() >= due_) return true;
  std::string came;
  append_number(came, answer.body.size());
  came += " bytes of " + shortened(blob_) + " where ";
  append_number(came, due_);
  visits_.fail(
      {link.host_field() + " answered " + status_text(answer) + " with " + came +
           " are due: what it keeps of the blob is damaged, or a filter on the way cuts it",
       "docker pull " + image_.to_string() + "  # if that fails, too, whoever runs " +
           link.host_field() + " has to remove the blob and fetch it anew"});
  return false;
}

/// For an answer that is none of a registry's data.
void RegistryWalk::fail_with(const Fetched& answer, const Link& link) {
  if (answer.status == 429) {
    visits_.fail(advice_for_rate_limit(answer, link, image_.host));
  } else if (answer.status == 200 || answer.status == 206 ||
             (is_page(answer) && answer.status != 404)) {
    visits_.fail(advice_for_page(answer, link));
  } else if (visits_.last().name == "manifest" && link.host == base_.host && answer.status == 404) {
    visits_.fail(advice_for_unknown(answer));
  } else if (link.host == base_.host && (answer.status == 401 || answer.status == 403)) {
    visits_.fail(advice_for_private(answer));
  } else {
    visits_.fail({link.host_field() + " answered " + status_text(answer) + own_words(answer),
                  "curl -v " + link.shown() + "/"});
  }
}

/// A registry of one's own is often a pull-through cache.
bool RegistryWalk::may_be_cache() const {
  return image_.registry.port != 443 || image_.registry.ip ||
         image_.registry.host.find('.') == std::string::npos;
}

std::string RegistryWalk::advice_on_name() const {
  const bool one_part = image_.repository.find('/') == std::string::npos;
  const std::string version = image_.digest.empty() ? ":" + image_.tag : "@" + image_.digest;
  if (!one_part) {
    return "skopeo list-tags docker://" + image_.host + "/" + image_.repository +
           "  # the tags that it has, if the name is right";
  }
  const std::string prefix =
      image_.host == "gcr.io" || image_.host.ends_with(".gcr.io") ? "google_containers" : "library";
  return visits_.given().command(image_.host + "/" + prefix + "/" + image_.repository + version) +
         "  # with its prefix";
}

Advice RegistryWalk::advice_for_unknown(const Fetched& answer) const {
  Advice advice{image_.host + " has no image " + image_.repository + ":" +
                    shortened(image_.version()) + own_words(answer),
                advice_on_name()};
  if (may_be_cache()) {
    advice.cause +=
        "; a pull-through cache answers so, too, while its own way to the registry behind it fails";
    advice.fix += "; the cache's log: docker logs NAME, or journalctl -u docker-registry";
  }
  return advice;
}

Advice RegistryWalk::advice_for_private(const Fetched& answer) const {
  Advice advice{
      image_.host + " refuses " + image_.repository +
          " without a login: it is private, or there is none of that name" + own_words(answer),
      login_command(image_.host) + "  # check has no credentials, it does not read docker's"};
  if (image_.repository.find('/') == std::string::npos) advice.fix += "; or: " + advice_on_name();
  return advice;
}

}  // namespace culvert
