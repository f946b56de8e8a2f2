#include "server/recent_failures.h"

#include <algorithm>
#include <utility>

#include "base/text.h"

namespace culvert {
namespace {

constexpr std::size_t kMostOfWord = 300;
constexpr std::size_t kMostOfDetail = 1'000;

/// Some clients end all their tunnels so.
bool is_reset_by_client(const SessionRecord& record) {
  return record.stage == SessionStage::tunnel && record.closed_by == Side::client;
}

}  // namespace

void RecentFailures::add(const SessionRecord& record) {
  const bool is_error = record.outcome.kind == Outcome::Kind::error;
  const Errc code = record.outcome.error;
  if (is_error && (code == Errc::canceled || code == Errc::proxy_auth_required)) return;
  if (is_error && is_reset_by_client(record)) return;
  FailedRequest failure{.number = ++last_,
                        .id = record.id,
                        .time = std::chrono::system_clock::now(),
                        .client = record.client_text(),
                        .method = shorten_middle(record.method, kMostOfWord),
                        .target = shorten_middle(record.target, kMostOfWord),
                        .status = record.status,
                        .outcome = record.outcome.name(),
                        .stage = name_of(record.stage)};
  if (record.upstream != nullptr) failure.upstream = record.upstream->config.name;
  if (is_error) failure.hint = meaning_of(code).hint;
  if (record.notes) {
    const SessionRecord::Notes& notes = *record.notes;
    failure.explanation = shorten_middle(notes.detail, kMostOfDetail);
    const std::string_view both = notes.more.empty() || notes.failures.empty() ? "" : "; ";
    failure.detail = shorten_middle(concat({notes.more, both, notes.failures}), kMostOfDetail);
  }
  if (kept_.size() < kMost) {
    kept_.push_back(std::move(failure));
  } else {
    kept_[(last_ - 1) % kMost] = std::move(failure);
  }
}

void RecentFailures::copy_since(std::uint64_t number, std::vector<FailedRequest>& out) const {
  const std::uint64_t oldest = last_ - kept_.size() + 1;
  for (std::uint64_t next = std::max(number + 1, oldest); next <= last_; ++next) {
    out.push_back(kept_[(next - 1) % kMost]);
  }
}

}  // namespace culvert
