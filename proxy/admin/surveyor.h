#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "admin/survey.h"
#include "net/loop.h"
#include "net/timer.h"
#include "server/server.h"

namespace culvert {

/// Asks the workers of a server how they are, from a thread of its own.  One survey runs at a time,
/// and whoever asks meanwhile gets the next one: so the workers have no more to do than that,
/// however many ask.  A worker answers in turns of its loop that are short whatever it serves.
class Surveyor {
 public:
  /// For an answer of each worker; then the others are enough.
  static constexpr std::chrono::milliseconds kPatience{1'000};
  /// Between the begins of two surveys, at least.
  static constexpr std::chrono::milliseconds kApart{20};

  using Done = std::function<void(const Survey& survey)>;

  /// In the thread of `loop`, as all else.  `server` outlives it, and has its workers.
  Surveyor(Loop& loop, Server& server);
  ~Surveyor();
  Surveyor(const Surveyor&) = delete;
  Surveyor& operator=(const Surveyor&) = delete;

  /// `done` is called in a later turn, with what has begun after this call.
  void ask(SurveyWants wants, Done done);
  /// Runs `task` in the thread of a worker's `loop`, and `done` here with what it has returned.
  void run_in(Loop& loop, std::function<bool()> task, std::function<void(bool)> done);

 private:
  /// The way back from the workers' threads, which it may be gone before.
  struct Link {
    std::mutex mutex;
    Surveyor* to = nullptr;
    void post(std::function<void()> task);
  };
  struct Part {
    WorkerFacts facts;
    std::vector<SessionFacts> sessions;
    std::vector<FailedRequest> failures;
  };
  struct General {
    std::shared_ptr<const Ruleset> ruleset;
    bool draining = false;
    std::size_t connections = 0;
    std::vector<std::string> listeners;
  };
  struct Asked {
    SurveyWants wants;
    Done done;
  };

  void begin();
  void ask_server(unsigned round);
  void ask_worker(std::size_t index, unsigned round, SurveyWants wants);
  void on_general(unsigned round, General general);
  void on_part(std::size_t index, unsigned round, Part& part);
  void count_answer();
  void end();

  Loop& loop_;
  Server& server_;
  std::shared_ptr<Link> link_ = std::make_shared<Link>();
  Timer timer_;  // the patience with the one that runs, or the pause before the next
  std::vector<Asked> waiting_;
  std::vector<Asked> running_;
  unsigned round_ = 0;
  std::size_t left_ = 0;  // answers
  Loop::Clock::time_point begun_;
  Survey survey_;
  std::vector<bool> answered_;
  std::vector<Loop::Clock::time_point> answered_last_;
};

}  // namespace culvert
