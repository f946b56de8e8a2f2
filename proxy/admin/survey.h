#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "net/loop.h"
#include "server/recent_failures.h"
#include "server/ruleset.h"
#include "server/worker_facts.h"
#include "session/session_facts.h"

namespace culvert {

/// What a Survey is to hold beside what the workers count.
struct SurveyWants {
  bool sessions = false;
  bool failures = false;

  SurveyWants& operator+=(const SurveyWants& other) {
    sessions = sessions || other.sessions;
    failures = failures || other.failures;
    return *this;
  }
};

/// How the whole server is, as far as its workers have answered.
struct Survey {
  /// A worker that did not answer in time: its loop may be stuck.
  struct Silent {
    std::size_t worker = 0;               ///< from 0
    Loop::Clock::time_point turned_last;  ///< when it answered last; the start if it never did
  };

  struct Failure {
    std::size_t worker = 0;
    FailedRequest request;
  };

  Loop::Clock::time_point taken;
  std::shared_ptr<const Ruleset> ruleset;
  bool draining = false;
  std::size_t connections = 0;
  std::vector<std::string> listeners;
  std::vector<WorkerFacts> workers;  ///< of one that is silent what it has said last
  std::vector<Silent> silent;
  std::vector<SessionFacts> sessions;  ///< each once, in no order
  std::vector<Failure> failures;       ///< the oldest first

  /// All workers together.
  WorkerFacts total() const;
};

}  // namespace culvert
