#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "check/beyond_advice.h"
#include "check/clock_difference.h"
#include "check/fetch.h"
#include "check/report.h"
#include "check/way.h"
#include "net/tls_context.h"

namespace culvert {

/// Requests hosts one after the other, and appends what comes of each to a report.  Where a request
/// fails, its step says why, and there is no value.
class Visits {
 public:
  Visits(Way& way, TargetReport& report, AskedAs as, std::string docker_folder);

  /// The target itself: steps `tls`, if it is https, and `http`.  `link` becomes http:// where
  /// docker, too, goes on with a registry that speaks no TLS.
  std::optional<Fetched> first(FetchRequest& request);

  /// A step of this name; each redirect that is followed is one more.  `request` becomes the last
  /// one.
  std::optional<Fetched> follow(std::string_view step, FetchRequest& request);

  std::vector<CheckStep>& steps() { return report_.steps; }
  /// The last step, of whose answer more is found out.
  CheckStep& last() { return report_.steps.back(); }
  const GivenCheck& given() const { return way_.given(); }
  /// It has failed after all.
  void fail(Advice advice);
  CheckStep& add(std::string_view step, const Link& link);

  /// The step `clock`, by the Date fields of all answers, if one has it.
  void compare_clock();

 private:
  Asker asker() const { return {as_, way_.given(), way_.whole_config()}; }
  Fetched fetch_trusting(const FetchRequest& request);
  const TlsClientContext* system_trust();
  bool is_insecure(const HostPort& registry) const;
  Fetched fetch_insecurely(FetchRequest& request, Fetched failed);
  bool end_handshake(const Fetched& fetched, const Link& link);
  void ask_plainly_for_the_time(const Link& link, const CertificateFacts& certificate);
  void note_clock(const Fetched& answer, const Link& link);
  void fail(const Fetched& failed, const Link& link);
  void fail_elsewhere(const Fetched& failed, const Link& link);

  Way& way_;
  TargetReport& report_;
  AskedAs as_;
  std::string docker_folder_;
  std::shared_ptr<const TlsClientContext> trust_;
  std::shared_ptr<const TlsClientContext> any_;  // for this host, of which docker checks nothing
  HostPort any_host_;
  std::vector<ClockSighting> clocks_;  // of each host that told
  const Upstream* worked_ = nullptr;   // the upstream of the last request that went well
};

}  // namespace culvert
