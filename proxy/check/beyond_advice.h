#pragma once

#include <string>
#include <string_view>

#include "check/advice.h"
#include "check/fetch.h"
#include "check/given_check.h"

namespace culvert {

/// Why a request beyond the proxy failed.  Nothing that a peer sent is repeated uncleaned, and no
/// path or query of a URL.

/// Who asks: which trust is to be changed, and whose words are used.
enum class AskedAs { url, image };

struct Asker {
  AskedAs as = AskedAs::url;
  const GivenCheck& given;
  const Config* config = nullptr;  ///< see option_fix.h
};

/// Of a Fetched that is not ok() and not given up: the connection, TLS or the answer itself.
Advice advice_for(const Fetched& failed, const Link& link, const Asker& asker);

/// Of an answer that is not the target's own, or tells of its failure: a portal, a block page, a
/// proxy's refusal, 5xx.  An empty cause: there is nothing of the kind.
Advice advice_for_answer(const Fetched& answer, const Link& link, const Asker& asker);

/// A registry of one's own, which often is a pull-through cache.
bool may_be_cache(const HostPort& registry);

/// The answer is a page for people.
bool is_page(const Fetched& answer);
bool is_redirect(int status);

/// About a page where a registry's data is due.
Advice advice_for_page(const Fetched& answer, const Link& link);
/// About 429 from any of the hosts of `registry`, which is named as images name it: one logs in to
/// that.
Advice advice_for_rate_limit(const Fetched& answer, const Link& link, const std::string& registry);

/// "curl -v -x socks5h://127.0.0.1:1080 https://gcr.io/v2/": goes the way that `fetched` went, if
/// curl can.
std::string curl_command(const Fetched& fetched, const std::string& url);

/// "docker login gcr.io"; docker.io, which is the default, is left out.
std::string login_command(const std::string& registry);

/// By which route: "through socks5://127.0.0.1:1080", "direct".
std::string way_text(const Fetched& fetched);
/// "401 Unauthorized"
std::string status_text(const Fetched& answer);
/// "*.gcr.io, until 2027-01-01, issued by WR2 of Google Trust Services"
std::string certificate_text(const CertificateFacts& certificate);
/// A --route line by which this host goes another way than it went.
std::string other_route(const Fetched& fetched, const Link& link, const Config* config);

}  // namespace culvert
