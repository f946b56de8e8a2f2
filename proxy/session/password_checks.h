#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include "base/callback.h"
#include "base/secret.h"
#include "net/loop.h"
#include "net/password_hash.h"
#include "policy/password_file.h"
#include "policy/sign_in_pace.h"

namespace culvert {

enum class PasswordVerdict : std::uint8_t {
  right,
  wrong,  ///< or there is no such user
  busy,   ///< too many checks wait, of this client or in all
};

/// Checks passwords for all workers, in threads of its own, which are started when there is
/// something to check.  What was found out is remembered for a while, as a keyed hash.  A user who
/// does not exist costs as much as one who does.
class PasswordChecks {
 public:
  using Matches = bool (*)(const Secret& password, const Secret& hash);

  /// Checks that wait, in all.
  static constexpr std::size_t kMostWaiting = 256;

  /// For so many threads that one of them is left for others, whatever one client asks.
  explicit PasswordChecks(unsigned workers, Matches matches = password_matches);
  /// Does not wait for a check that runs.
  ~PasswordChecks();
  PasswordChecks(const PasswordChecks&) = delete;
  PasswordChecks& operator=(const PasswordChecks&) = delete;

 private:
  friend class PasswordCheck;
  struct State;
  std::shared_ptr<State> state_;  // shared with the threads
};

/// One client's question.  It may be asked again once it is answered.
class PasswordCheck {
 public:
  /// `checks` and `loop` outlive it.  `done` is called in a later turn, if ask() gives no verdict,
  /// and may destroy this.
  PasswordCheck(PasswordChecks& checks, Loop& loop, Callback<void(PasswordVerdict)> done);
  /// As cancel().  What only this client waits for is not checked any more.
  ~PasswordCheck() { cancel(); }
  PasswordCheck(const PasswordCheck&) = delete;
  PasswordCheck& operator=(const PasswordCheck&) = delete;

  /// The verdict, if there is one without a check.
  std::optional<PasswordVerdict> ask(const PasswordFile& users, const SignInPace::Client& client,
                                     const Credentials& given);
  /// Waits no longer: no verdict comes.
  void cancel();

 private:
  friend class PasswordChecks;
  struct Request;

  PasswordChecks& checks_;
  Loop& loop_;
  Callback<void(PasswordVerdict)> done_;
  std::shared_ptr<Request> request_;  // while it waits; shared with the threads
};

}  // namespace culvert
