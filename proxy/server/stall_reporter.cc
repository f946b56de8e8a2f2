#include "server/stall_reporter.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "base/duration.h"
#include "base/text.h"
#include "dial/upstream_protocol.h"
#include "net/tcp_facts.h"

namespace culvert {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t kMostOfTarget = 100;

/// Whom `stuck` waits for.
Side side_of(StuckOn stuck) {
  return stuck == StuckOn::client_takes || stuck == StuckOn::client_owes ? Side::client
                                                                         : Side::upstream;
}

/// "tunnel 17 to gcr.io:443".
std::string name_of(const Session& session) {
  const SessionFacts facts = session.facts();
  const bool tunnel = facts.stage == SessionStage::tunnel;
  return concat({tunnel ? "tunnel " : "request ", std::to_string(facts.id),
                 tunnel ? " to " : " for ", shorten_middle(facts.target, kMostOfTarget)});
}

std::string describe_side(const Session& session, Side side) {
  if (side == Side::client) return concat({"the client (", session.client_text(), ")"});
  const Upstream* const upstream = session.upstream();
  if (upstream == nullptr || !protocol_of(upstream->config).has_proxy) return "the target";
  return concat({"the upstream (", upstream->config.label, ")"});
}

std::string describe_waiting(const StallSigns::Waiting& waiting) {
  return fmt::format("{} bytes wait for it here, {} in the kernel", waiting.here,
                     waiting.in_kernel);
}

}  // namespace

void StallReporter::follow(SessionContext& newest) {
  context_ = &newest;
  const milliseconds limit = newest.config.stall_after;
  if (limit == limit_) return;
  limit_ = limit;
  tick_ = std::clamp(limit / 8, milliseconds(100), milliseconds(4'000));
  // The next round looks at all.
  rounds_.reset();
  if (limit.count() > 0) rounds_.open();
  if (limit.count() == 0) {
    for (const auto& session : sessions_) forget(*session);
  } else if (!sessions_.empty()) {
    wake();
  }
}

void StallReporter::wake() {
  if (limit_.count() > 0) rounds_.start(tick_);
}

void StallReporter::look(Session& session, Time now) {
  const auto moved = session.last_moved();
  if (!moved) return forget(session);
  const bool quiet = now - *moved >= tick_;
  if (!session.suspected) {
    // Of one that was quiet at the last look as well, that look has told.
    if (!quiet || *moved + tick_ <= rounds_.begun_before()) return;
    if (stuck_on(session.stall_signs()) == StuckOn::nothing) return;
    suspects_.insert_or_assign(&session, Suspect{StallCase(*moved)});
    session.suspected = true;
  }
  Suspect& suspect = suspects_.at(&session);
  switch (suspect.stall.look(session.stall_signs(), *moved, now, limit_)) {
    case StallCase::News::stalled:
      ++stalled_now_;
      ++stalled_total_;
      return report(session, suspect);
    case StallCase::News::moves_again:
      --stalled_now_;
      report_end(session, suspect);
      break;
    case StallCase::News::none:
      break;
  }
  const bool stuck = quiet && suspect.stall.on() != StuckOn::nothing;
  if (!stuck && !suspect.stall.has_told()) forget(session);
}

void StallReporter::report(const Session& session, Suspect& suspect) {
  const auto stall = stall_of(session);
  if (Trace* const trace = session.trace()) trace->step(concat({"stalled: ", stall->text}));
  suspect.written =
      context_->rare_warnings.write(RareWarnings::Kind::stalled, loop_.now(),
                                    concat({name_of(session), " stalled: ", stall->text}));
}

void StallReporter::report_end(const Session& session, const Suspect& suspect) {
  if (Trace* const trace = session.trace()) trace->step("moves again");
  if (!suspect.written) return;
  context_->log.write(Log::Level::info, concat({name_of(session), " moves again after ",
                                                format_seconds(suspect.stall.lasted())}));
}

void StallReporter::drop(Session& session) {
  session.suspected = false;
  const auto found = suspects_.find(&session);
  if (found->second.stall.stalled()) --stalled_now_;
  suspects_.erase(found);
}

std::optional<SessionStall> StallReporter::stall_of(const Session& session) const {
  if (!session.suspected) return std::nullopt;
  const auto found = suspects_.find(&session);
  const StallCase& stall = found->second.stall;
  if (!stall.stalled() || !session.last_moved()) return std::nullopt;
  const StallSigns signs = session.stall_signs();
  const Side side = side_of(stall.on());
  const auto tcp = tcp_facts(session.descriptor(side));
  const std::string time =
      format_seconds(std::chrono::round<milliseconds>(loop_.now() - stall.since()));
  SessionStall out{.side = side, .since = stall.since()};
  std::string_view has_not = " has not read for ";
  std::string what;
  switch (stall.on()) {
    case StuckOn::client_takes:
    case StuckOn::upstream_takes:
      out.what = Idleness::does_not_read;
      if (tcp && !tcp->answers()) {
        out.what = Idleness::does_not_acknowledge;
        has_not = " has acknowledged nothing for ";
      }
      what = "; " + describe_waiting(side == Side::client ? signs.for_client : signs.for_upstream);
      break;
    case StuckOn::upstream_unanswered:
      has_not = " has sent nothing for ";
      what = fmt::format(", since {} bytes went to it", signs.unanswered);
      break;
    case StuckOn::client_owes:
      has_not = " has sent nothing for ";
      what = ", and its request is not complete";
      break;
    case StuckOn::upstream_owes:
    case StuckOn::nothing:
      has_not = " has sent nothing for ";
      what = ", and its answer is not complete";
      break;
  }
  out.text = concat({describe_side(session, side), has_not, time, what});
  if (tcp) out.text += "; " + tcp->describe();
  return out;
}

}  // namespace culvert
