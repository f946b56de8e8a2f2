#pragma once

#include <atomic>
#include <chrono>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

namespace culvert {

/// What is remembered of an upstream's proxy for the texts of later failures.  One object for each
/// upstream and process, shared by the workers, each of which may call it at any time.
class UpstreamMemory {
 public:
  using Time = std::chrono::steady_clock::time_point;

  /// Between two looks at what protocol a proxy speaks.
  static constexpr std::chrono::minutes kLookPause{1};

  /// `doubts_protocol`: the URL may name a wrong protocol, until the proxy has spoken it.
  explicit UpstreamMemory(bool doubts_protocol = false) : doubts_protocol_(doubts_protocol) {}

  /// The proxy works, or has refused a target.  `in_protocol`: it has replied in the URL's
  /// protocol.
  void worked(bool in_protocol);
  /// It failed; `cause` is its short_cause().
  void failed(std::string cause);
  /// Of the last failure; empty if it has worked since.
  std::string last_cause() const;

  /// The sentence with which it went down, and that of its last failed probe: for those who look
  /// on, as long as UpstreamHealth says that it is so.
  void went_down(std::string why);
  void probe_failed(std::string why, Time now);
  void probe_passed();
  struct WhyDown {
    std::string failure;
    std::string probe;
    std::optional<Time> probes_fail_since;
  };
  WhyDown why_down() const;

  /// It has never spoken the URL's protocol: a failure may be due to that.
  bool doubts_protocol() const { return doubts_protocol_.load(std::memory_order_relaxed); }
  /// It may be asked in other protocols now, which the caller does: at most once in kLookPause.
  bool begin_look(Time now);
  /// What that look has found, see ProtocolLook; or the last one, if this one is too early.
  void found(std::string_view protocol);
  std::string_view other_protocol() const;

 private:
  mutable std::mutex mutex_;
  std::atomic<bool> has_cause_ = false;
  std::string last_cause_;
  WhyDown why_down_;
  std::atomic<bool> doubts_protocol_;
  std::optional<Time> last_look_;
  std::string_view other_protocol_;  // a constant
};

}  // namespace culvert
