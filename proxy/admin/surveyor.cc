#include "admin/surveyor.h"

#include <algorithm>
#include <utility>

namespace culvert {

void Surveyor::Link::post(std::function<void()> task) {
  const std::lock_guard lock(mutex);
  if (to != nullptr) to->loop_.post(std::move(task));
}

Surveyor::Surveyor(Loop& loop, Server& server)
    : loop_(loop), server_(server), timer_(loop, Callback<void()>::to<&Surveyor::end>(this)) {
  link_->to = this;
  const std::size_t workers = server.workers().size();
  survey_.workers.resize(workers);
  for (std::size_t i = 0; i < workers; ++i) survey_.workers[i].worker = i;
  answered_.resize(workers);
  answered_last_.assign(workers, loop.clock_time());
}

Surveyor::~Surveyor() {
  const std::lock_guard lock(link_->mutex);
  link_->to = nullptr;
}

void Surveyor::ask(SurveyWants wants, Done done) {
  waiting_.push_back({wants, std::move(done)});
  if (!running_.empty() || timer_.running()) return;
  const auto next = begun_ + kApart;
  if (loop_.now() >= next) return begin();
  timer_.start(std::chrono::ceil<std::chrono::milliseconds>(next - loop_.now()));
}

void Surveyor::run_in(Loop& loop, std::function<bool()> task, std::function<void(bool)> done) {
  loop.post([link = link_, task = std::move(task), done = std::move(done)] {
    const bool result = task();
    link->post([done, result] { done(result); });
  });
}

void Surveyor::begin() {
  running_ = std::exchange(waiting_, {});
  begun_ = loop_.clock_time();
  ++round_;
  SurveyWants wants;
  for (const Asked& asked : running_) wants += asked.wants;
  survey_.sessions.clear();
  survey_.failures.clear();
  answered_.assign(answered_.size(), false);
  left_ = answered_.size() + 1;
  timer_.start(kPatience);
  ask_server(round_);
  for (std::size_t i = 0; i < answered_.size(); ++i) ask_worker(i, round_, wants);
}

/// Of what is the first worker's thread's.
void Surveyor::ask_server(unsigned round) {
  server_.loop().post([this, link = link_, server = &server_, round] {
    auto general =
        std::make_shared<General>(General{server->shared_ruleset(), server->draining(),
                                          server->connections(), server->listeners().urls()});
    link->post([this, general, round] { on_general(round, std::move(*general)); });
  });
}

void Surveyor::ask_worker(std::size_t index, unsigned round, SurveyWants wants) {
  Worker& worker = *server_.workers()[index];
  worker.loop().post([this, link = link_, &worker, index, round, wants] {
    const auto take = [this, link, &worker, index, round, wants](
                          WorkerFacts facts, std::vector<SessionFacts> sessions) {
      auto part = std::make_shared<Part>(Part{std::move(facts), std::move(sessions), {}});
      if (wants.failures) worker.failures().copy_since(0, part->failures);
      link->post([this, index, round, part] { on_part(index, round, *part); });
    };
    worker.gather(wants.sessions, take);
  });
}

void Surveyor::on_general(unsigned round, General general) {
  survey_.ruleset = std::move(general.ruleset);
  survey_.draining = general.draining;
  survey_.connections = general.connections;
  survey_.listeners = std::move(general.listeners);
  if (round == round_ && !running_.empty()) count_answer();
}

void Surveyor::on_part(std::size_t index, unsigned round, Part& part) {
  answered_last_[index] = loop_.clock_time();
  survey_.workers[index] = std::move(part.facts);
  if (round != round_ || running_.empty()) return;
  answered_[index] = true;
  survey_.sessions.insert(survey_.sessions.end(), std::make_move_iterator(part.sessions.begin()),
                          std::make_move_iterator(part.sessions.end()));
  for (FailedRequest& failed : part.failures) {
    survey_.failures.push_back({index, std::move(failed)});
  }
  count_answer();
}

void Surveyor::count_answer() {
  if (--left_ == 0) end();
}

/// All have answered, or the patience is over; or a pause is.
void Surveyor::end() {
  timer_.stop();
  if (running_.empty()) {
    if (!waiting_.empty()) begin();
    return;
  }
  survey_.taken = loop_.clock_time();
  survey_.silent.clear();
  for (std::size_t i = 0; i < answered_.size(); ++i) {
    if (!answered_[i]) survey_.silent.push_back({i, answered_last_[i]});
  }
  std::stable_sort(survey_.failures.begin(), survey_.failures.end(),
                   [](const Survey::Failure& one, const Survey::Failure& other) {
                     return one.request.time < other.request.time;
                   });
  // A ruleset is there as soon as the first worker has answered once.  Whoever asks again waits for
  // the next survey, as this one is still told.
  for (const Asked& asked : running_) asked.done(survey_);
  running_.clear();
  if (waiting_.empty() || timer_.running()) return;
  const auto next = begun_ + kApart;
  timer_.start(std::max(std::chrono::milliseconds(1),
                        std::chrono::ceil<std::chrono::milliseconds>(next - loop_.clock_time())));
}

}  // namespace culvert
