#pragma once

#include <string>

#include "check/advice.h"
#include "check/beyond_advice.h"
#include "check/failure_source.h"
#include "check/fetch.h"
#include "check/given_check.h"
#include "check/image_reference.h"
#include "check/link.h"
#include "check/manifest.h"
#include "check/report.h"

namespace culvert {

// Why a registry does not give an image.

/// The step `cache`: what a culvert saw fail while a registry was asked that may_be_cache(), and
/// failed.  It `waited` for long, as a request is held for an upstream that is down.  `again` is
/// the command line of this check.
CheckStep cache_step(const SeenFailures& seen, bool waited, const std::string& again);

/// Of a list without an image for this machine.
Advice advice_for_platform(const ImageReference& image, const ManifestNext& list);
/// Of a manifest that is not there.
Advice advice_for_unknown(const ImageReference& image, const GivenCheck& given,
                          const Fetched& answer);
/// Of 401 or 403.
Advice advice_for_private(const ImageReference& image, const GivenCheck& given,
                          const Fetched& answer);
/// Of a blob that is not given.
Advice advice_for_missing_blob(const ImageReference& image, const Fetched& answer,
                               const Link& link);

/// What a registry says itself: " (MANIFEST_UNKNOWN: manifest unknown)"; may be empty.
std::string own_words(const Fetched& answer);

/// Of a digest its first characters: "sha256:0123456789ab.."; a tag in full.
std::string shortened_digest(const std::string& version);

}  // namespace culvert
