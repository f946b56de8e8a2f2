#include "session/password_checks.h"

#include <algorithm>
#include <condition_variable>
#include <cstdint>
#include <cstring>
#include <list>
#include <mutex>
#include <utility>
#include <vector>

#include "net/keyed_hash.h"
#include "net/thread.h"
#include "policy/verdict_cache.h"

namespace culvert {
namespace {

using CheckClock = std::chrono::steady_clock;

// Each keeps a processor busy.
constexpr std::size_t kFewestCheckThreads = 2;
constexpr std::size_t kMostCheckThreads = 4;

}  // namespace

/// Who waits for a verdict.
struct PasswordCheck::Request {
  std::shared_ptr<Loop::Mailbox> mailbox;
  PasswordCheck* owner;  // of the loop's thread; nullptr: nobody waits any more
};

struct PasswordChecks::State {
  /// One password to be checked, for everybody who has sent it.
  struct Job {
    VerdictCache::Key key;
    SignInPace::Who who;
    Secret password;
    Secret hash;
    bool known;  ///< there is such a user; else `hash` is another's, for the time it takes
    bool running = false;
    std::vector<std::shared_ptr<PasswordCheck::Request>> waiting{};
  };
  using Jobs = std::list<Job>;

  State(std::size_t most, Matches check) : most_threads(most), matches(check), pace(most - 1) {}

  std::optional<VerdictCache::Key> key_of(const Credentials& given, const PasswordEntry* entry) {
    return keyed_hash.of({given.user, entry == nullptr ? std::string_view() : entry->hash.reveal(),
                          given.password.reveal()});
  }
  /// The same one whenever the name comes again.
  const PasswordEntry& stand_in(const PasswordFile& users, std::string_view name) const {
    std::uint64_t number = 0;
    if (const auto hash = keyed_hash.of({name})) std::memcpy(&number, hash->data(), sizeof number);
    return users.stand_in(number);
  }
  Jobs::iterator find(const VerdictCache::Key& key) {
    return std::find_if(jobs.begin(), jobs.end(), [&](const Job& job) { return job.key == key; });
  }
  bool add_thread(const std::shared_ptr<State>& self);
  void work();
  Jobs::iterator next_job(CheckClock::time_point now, std::optional<CheckClock::time_point>& later);
  void run(Jobs::iterator job, std::unique_lock<std::mutex>& lock);
  bool forget(const std::shared_ptr<PasswordCheck::Request>& request);

  const std::size_t most_threads;
  const Matches matches;
  const KeyedHash keyed_hash;

  std::mutex mutex;  // for all that follows
  std::condition_variable changed;
  bool ended = false;
  std::size_t threads = 0;
  std::size_t idle = 0;  // of them
  SignInPace pace;
  VerdictCache verdicts;
  Jobs jobs;  // in the order in which they came
};

/// False if there is none, and none can be started.
bool PasswordChecks::State::add_thread(const std::shared_ptr<State>& self) {
  if (idle > 0 || threads == most_threads) return true;
  if (Thread::start_detached([self] { self->work(); })) ++threads;
  return threads > 0;
}

/// In a thread.
void PasswordChecks::State::work() {
  std::unique_lock lock(mutex);
  while (!ended) {
    std::optional<CheckClock::time_point> later;
    const auto job = next_job(CheckClock::now(), later);
    if (job != jobs.end()) {
      run(job, lock);
      continue;
    }
    ++idle;
    if (later) {
      changed.wait_until(lock, *later);
    } else {
      changed.wait(lock);
    }
    --idle;
  }
}

/// The first that may run now, of those first that are no guesses; if there is none, `later` is
/// when one may.
PasswordChecks::State::Jobs::iterator PasswordChecks::State::next_job(
    CheckClock::time_point now, std::optional<CheckClock::time_point>& later) {
  auto first = jobs.end();
  for (auto job = jobs.begin(); job != jobs.end(); ++job) {
    if (job->running) continue;
    const auto due = pace.may_run(job->who);
    if (!due) continue;
    if (*due > now) {
      later = later ? std::min(*later, *due) : *due;
      continue;
    }
    if (!pace.is_guessing(job->who, now)) return job;
    if (first == jobs.end()) first = job;
  }
  return first;
}

void PasswordChecks::State::run(Jobs::iterator job, std::unique_lock<std::mutex>& lock) {
  job->running = true;
  pace.run(job->who);
  lock.unlock();
  const bool right = matches(job->password, job->hash) && job->known;
  lock.lock();
  const auto now = CheckClock::now();
  pace.end(job->who, right, now);
  verdicts.add(job->key, right, now);
  const auto waiting = std::move(job->waiting);
  jobs.erase(job);
  changed.notify_all();  // the next one of this client may run now
  lock.unlock();
  const PasswordVerdict verdict = right ? PasswordVerdict::right : PasswordVerdict::wrong;
  for (const auto& request : waiting) {
    request->mailbox->post_expected([request, verdict] {
      PasswordCheck* const owner = request->owner;
      if (owner == nullptr) return;
      owner->request_.reset();
      owner->done_(verdict);
    });
  }
  lock.lock();
}

/// False if its verdict is on the way already.
bool PasswordChecks::State::forget(const std::shared_ptr<PasswordCheck::Request>& request) {
  const std::lock_guard lock(mutex);
  for (auto job = jobs.begin(); job != jobs.end(); ++job) {
    if (std::erase(job->waiting, request) == 0) continue;
    if (job->waiting.empty() && !job->running) {
      pace.leave(job->who);
      jobs.erase(job);
    }
    return true;
  }
  return false;
}

PasswordChecks::PasswordChecks(unsigned workers, Matches matches)
    : state_(std::make_shared<State>(
          std::clamp<std::size_t>(workers, kFewestCheckThreads, kMostCheckThreads), matches)) {}

PasswordChecks::~PasswordChecks() {
  const std::lock_guard lock(state_->mutex);
  state_->ended = true;
  state_->changed.notify_all();
}

PasswordCheck::PasswordCheck(PasswordChecks& checks, Loop& loop,
                             Callback<void(PasswordVerdict)> done)
    : checks_(checks), loop_(loop), done_(done) {}

void PasswordCheck::cancel() {
  const auto request = std::exchange(request_, nullptr);
  if (!request) return;
  request->owner = nullptr;
  // The loop expects a post for each request.
  if (checks_.state_->forget(request)) request->mailbox->post_expected([] {});
}

std::optional<PasswordVerdict> PasswordCheck::ask(const PasswordFile& users,
                                                  const SignInPace::Client& client,
                                                  const Credentials& given) {
  PasswordChecks::State& state = *checks_.state_;
  const PasswordEntry* const entry = users.find(given.user);
  const auto key = state.key_of(given, entry);
  if (!key) return PasswordVerdict::busy;
  const auto now = CheckClock::now();
  const SignInPace::Who who{client, entry == nullptr ? std::string() : entry->user};

  const std::lock_guard lock(state.mutex);
  if (const auto known = state.verdicts.find(*key, now)) {
    return *known ? PasswordVerdict::right : PasswordVerdict::wrong;
  }
  auto job = state.find(*key);
  if (job == state.jobs.end()) {
    if (state.jobs.size() >= PasswordChecks::kMostWaiting || !state.pace.wait(who, now)) {
      return PasswordVerdict::busy;
    }
    if (!state.add_thread(checks_.state_)) {
      state.pace.leave(who);
      return PasswordVerdict::busy;
    }
    const Secret& hash = entry != nullptr ? entry->hash : state.stand_in(users, given.user).hash;
    state.jobs.push_back({*key, who, given.password, hash, entry != nullptr});
    job = std::prev(state.jobs.end());
    state.changed.notify_one();
  }
  request_ = std::make_shared<Request>(Request{loop_.mailbox(), this});
  loop_.expect_post();
  job->waiting.push_back(request_);
  return std::nullopt;
}

}  // namespace culvert
