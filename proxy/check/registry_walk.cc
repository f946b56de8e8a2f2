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
#include "check/peer_words.h"
#include "check/registry_advice.h"

namespace culvert {
namespace {

/// As much of a blob as shows that it comes through.
constexpr std::size_t kBlobBytes = 1024;

std::string encoded(std::string_view text) {
  return percent_encode(
      text, [](char c) { return is_letter_or_digit(c) || c == '-' || c == '.' || c == '_'; });
}

/// Of what is no manifest, as a clause.
std::string why_no_manifest(const Fetched& answer) {
  const std::string coding = peer_words(answer.field("content-encoding"), 20);
  if (!coding.empty() && !iequals(coding, "identity")) {
    return " sent its manifest in an encoding that was not asked for, " + coding;
  }
  if (answer.body.size() >= FetchRequest{}.most_body) return " sent more than a manifest can have";
  return answer.body.empty() ? " sent an empty answer where a manifest is due"
                             : " sent something else than a manifest";
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
                  curl_command(answer, link.shown() + "/v2/")});
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
    if (realm && realm->host.is_loopback() && !link.host.is_loopback()) {
      visits_.fail({link.host_field() + " names " + realm->host.to_string() +
                        " as its token service, which is on its own machine: it does not know by "
                        "which address it is reached",
                    curl_command(answer, link.shown() + "/v2/") +
                        "  # shows it as realm=; who runs the registry has to set its external "
                        "URL, or pass Host and X-Forwarded-Proto on"});
      return false;
    }
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
                curl_command(answer, link.shown() + "/v2/") +
                    "  # what stands in front of the registry has to "
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
    visits_.fail(advice_for_private(image_, visits_.given(), answer));
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
    visits_.fail({host + " sent no token in its answer", curl_command(answer, link.shown() + "/")});
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
    visits_.fail({link.host_field() + why_no_manifest(answer) + own_words(answer),
                  curl_command(answer, link.shown() + "/v2/")});
    return false;
  }
  CheckStep& step = visits_.last();
  step.detail = shortened_digest(version_) + ", " + next.what + ", " + step.detail;
  if (next.kind == ManifestNext::Kind::unfit) {
    visits_.fail(advice_for_platform(image_, next));
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

void RegistryWalk::fetch_blob() {
  FetchRequest request = request_for("blobs", blob_);
  request.range = "bytes=0-1023";
  request.most_body = kBlobBytes;
  auto answer = visits_.follow("blob", request);
  // Docker asks for all of it.
  if (answer && answer->status == 416) {
    visits_.last().detail = status_text(*answer) + " to a part of it, " + visits_.last().detail;
    request.range.clear();
    answer = visits_.follow("blob", request);
  }
  if (!answer || !judge_blob(*answer, request.link)) return;
  visits_.last().detail =
      "first bytes of " + shortened_digest(blob_) + ", " + visits_.last().detail;
}

bool RegistryWalk::judge_blob(const Fetched& answer, const Link& link) {
  if ((answer.status != 200 && answer.status != 206) || is_page(answer)) {
    fail_with(answer, link);
    return false;
  }
  if (answer.body.size() >= due_) return true;
  std::string came;
  append_number(came, answer.body.size());
  came += " bytes of " + shortened_digest(blob_) + " where ";
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
    visits_.fail(advice_for_unknown(image_, visits_.given(), answer));
  } else if (visits_.last().name == "blob") {
    visits_.fail(advice_for_missing_blob(image_, answer, link));
  } else if (link.host == base_.host && (answer.status == 401 || answer.status == 403)) {
    visits_.fail(advice_for_private(image_, visits_.given(), answer));
  } else {
    visits_.fail({link.host_field() + " answered " + status_text(answer) + own_words(answer),
                  curl_command(answer, link.shown() + "/")});
  }
}

}  // namespace culvert
