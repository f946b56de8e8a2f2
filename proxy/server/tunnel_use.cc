#include "server/tunnel_use.h"

#include <chrono>

namespace culvert {
namespace {

constexpr std::chrono::milliseconds kBetweenQuestions{1000};

}  // namespace

TunnelUse::TunnelUse(const std::vector<std::unique_ptr<Worker>>& workers, Found found)
    : workers_(workers),
      found_(found),
      timer_(workers.front()->loop(), Callback<void()>::to<&TunnelUse::ask>(this)) {}

void TunnelUse::stop() {
  timer_.stop();
  ++round_;
}

void TunnelUse::ask() {
  // A worker that is asked for more than it can tell forgets one question.
  timer_.start(kBetweenQuestions);
  ++round_;
  missing_ = workers_.size();
  used_ = 0;
  for (const auto& worker : workers_) {
    worker->loop().post([this, asked = worker.get(), round = round_] {
      asked->find_tunnels([this, round](TunnelSet used) {
        timer_.loop().post([this, round, used] { on_answer(round, used); });
      });
    });
  }
}

void TunnelUse::on_answer(unsigned round, TunnelSet used) {
  if (round != round_) return;
  used_ |= used;
  if (--missing_ == 0) found_(used_);
}

}  // namespace culvert
