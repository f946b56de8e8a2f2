#include "check/image_reference.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "base/redact.h"
#include "base/text.h"

namespace culvert {
namespace {

constexpr std::size_t kMostOfRepository = 255;
constexpr std::size_t kMostOfTag = 128;
constexpr std::size_t kLeastOfDigest = 32;

constexpr std::string_view kHub = "docker.io";
constexpr std::string_view kHubRegistry = "registry-1.docker.io";

Error bad_image(std::string text) {
  return {Errc::http_request_error, Side::client, 0, std::move(text)};
}

bool is_lower_alnum(char c) { return (c >= 'a' && c <= 'z') || is_digit(c); }
bool is_alnum(char c) { return is_lower_alnum(to_lower(c)); }

bool names_host(std::string_view first) {
  return first.find_first_of(".:") != first.npos || first == "localhost" ||
         first != to_lower(first);
}

/// What may stand between two runs of letters and digits: one dot, one or two underscores, or any
/// number of dashes.
bool is_separator(std::string_view text) {
  return text == "." || text == "_" || text == "__" ||
         text.find_first_not_of('-') == std::string_view::npos;
}

bool is_path_component(std::string_view text) {
  if (text.empty() || !is_lower_alnum(text.front()) || !is_lower_alnum(text.back())) return false;
  for (std::size_t at = 0; at < text.size();) {
    std::size_t end = at;
    while (end < text.size() && !is_lower_alnum(text[end])) ++end;
    if (end > at && !is_separator(text.substr(at, end - at))) return false;
    at = end + 1;
  }
  return true;
}

Result<void> check_repository(std::string_view name) {
  if (name.empty()) return bad_image("the image's name is missing");
  if (name.size() > kMostOfRepository) return bad_image("the image's name is too long");
  for (std::string_view rest = name;;) {
    const std::size_t slash = rest.find('/');
    if (const auto part = rest.substr(0, slash); !is_path_component(part)) {
      if (part.empty()) return bad_image("a part of the image's name is empty: a '/' is too many");
      const std::string lower = to_lower(part);
      if (is_path_component(lower)) return bad_image("an image's name is in lower case: " + lower);
      return bad_image("no image has such a name: " + redact(part));
    }
    if (slash == rest.npos) return {};
    rest.remove_prefix(slash + 1);
  }
}

bool is_tag(std::string_view text) {
  const auto is_word = [](char c) { return is_alnum(c) || c == '_'; };
  return !text.empty() && text.size() <= kMostOfTag && is_word(text[0]) &&
         std::all_of(text.begin(), text.end(),
                     [&](char c) { return is_word(c) || c == '.' || c == '-'; });
}

/// How many digits follow "sha256:"; 0: any number from kLeastOfDigest on.
std::size_t digits_of(std::string_view algorithm) {
  if (algorithm == "sha256") return 64;
  if (algorithm == "sha384") return 96;
  return algorithm == "sha512" ? 128 : 0;
}

/// "sha256:" and hexadecimal digits.
bool is_digest(std::string_view text) {
  const std::size_t colon = text.find(':');
  if (colon == 0 || colon == text.npos) return false;
  const auto algorithm = text.substr(0, colon);
  const auto digits = text.substr(colon + 1);
  const std::size_t due = digits_of(algorithm);
  const bool is_long_enough =
      due != 0 ? digits.size() == due
               : digits.size() >= kLeastOfDigest && digits.size() <= 4 * kLeastOfDigest;
  return is_long_enough && std::all_of(algorithm.begin(), algorithm.end(), is_lower_alnum) &&
         digits.find_first_not_of("0123456789abcdef") == digits.npos;
}

/// Cuts what follows the last `mark` off `text`; empty if there is none.
std::string_view cut_tail(std::string_view& text, std::size_t mark) {
  if (mark == std::string_view::npos) return {};
  const std::string_view tail = text.substr(mark + 1);
  text = text.substr(0, mark);
  return tail;
}

/// Cuts the tag and the digest off `text`.
Result<void> take_version(std::string_view& text, ImageReference& out) {
  const std::size_t at = text.find('@');
  out.digest = cut_tail(text, at);
  if (at != text.npos && !is_digest(out.digest)) {
    return bad_image("what follows the '@' is no digest, as in name@sha256:<64 digits>");
  }
  const std::size_t slash = text.rfind('/');
  const std::size_t colon = text.rfind(':');
  if (colon != text.npos && (slash == text.npos || colon > slash)) {
    out.tag = cut_tail(text, colon);
    if (!is_tag(out.tag)) return bad_image("what follows the ':' is no tag");
  } else if (out.digest.empty()) {
    out.tag = "latest";
  }
  return {};
}

Result<void> take_host(std::string_view host, ImageReference& out) {
  const std::string lower = to_lower(host);
  if (host.empty() || lower == kHub || lower == "index.docker.io") {
    out.host = kHub;
    return out.registry.assign(kHubRegistry, 443);
  }
  out.host = host;
  return out.registry.assign(host, 443);
}

}  // namespace

Result<ImageReference> ImageReference::parse(std::string_view text) {
  ImageReference out;
  if (auto taken = take_version(text, out); !taken) return std::move(taken).error();
  std::string_view host;
  if (const std::size_t slash = text.find('/');
      slash != text.npos && names_host(text.substr(0, slash))) {
    host = text.substr(0, slash);
    text.remove_prefix(slash + 1);
  }
  if (auto taken = take_host(host, out); !taken) return std::move(taken).error();
  if (auto checked = check_repository(text); !checked) return std::move(checked).error();
  if (out.host == kHub && text.find('/') == text.npos) out.repository = "library/";
  out.repository += text;
  return out;
}

std::string ImageReference::to_string() const {
  std::string text = host + "/" + repository;
  if (!tag.empty()) text += ":" + tag;
  if (!digest.empty()) text += "@" + digest;
  return text;
}

}  // namespace culvert
