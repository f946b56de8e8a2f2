#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/secret.h"
#include "check/link.h"
#include "check/way.h"
#include "net/certificate_text.h"
#include "net/tls_context.h"

namespace culvert {

/// One GET.
struct FetchRequest {
  Link link;
  std::string accept = "*/*";
  Secret authorization{};           ///< value of that field; may be empty
  std::string range{};              ///< value of that field; may be empty
  std::size_t most_body = 4 << 20;  ///< no more of it is read
};

/// What came of it.
struct Fetched {
  /// In the order in which they are reached.
  enum class Stage {
    dial,
    tls,
    http,  ///< until the head of the answer
    body,
    done,
  };
  Stage stage = Stage::dial;   ///< the one that failed, or done
  std::optional<Error> error;  ///< of that stage; its text is a sentence for dial, else a clause
                               ///< that follows the host's name
  bool given_up = false;       ///< the whole check's time is over, or the user ended it
  bool timed_out = false;      ///< the stage took too long

  // See WayTo.
  std::string rule;
  const Upstream* upstream = nullptr;
  std::string cause, fix, rule_fix;
  bool absolute = false;  ///< the request went to the upstream's proxy itself

  CertificateFacts certificate;
  std::string first_bytes;  ///< of what answered our ClientHello, a few at most

  int status = 0;
  std::string reason;  ///< cleaned
  std::vector<std::pair<std::string, std::string>> fields;
  std::string body;

  // How long each stage took.
  std::chrono::microseconds dial_time{0}, tls_time{0}, http_time{0}, body_time{0};
  std::chrono::microseconds time() const { return dial_time + tls_time + http_time + body_time; }

  bool ok() const { return stage == Stage::done; }
  /// Our ClientHello was answered in HTTP; some servers leave the status line out then.
  bool answered_tls_in_http() const {
    return first_bytes.starts_with("HTTP/") || first_bytes.starts_with('<');
  }
  /// The value of the first field of that name, empty if there is none.
  std::string_view field(std::string_view name) const;
};

/// Dials by the route, does the handshake with the target if it is https, sends the request and
/// reads the answer.  A plain request goes to an HTTP upstream itself, in absolute-form.
Fetched fetch(Way& way, const TlsClientContext& trust, const FetchRequest& request);

}  // namespace culvert
