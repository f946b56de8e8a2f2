#pragma once

#include <chrono>
#include <memory>
#include <string_view>

namespace culvert {

/// Writes to a descriptor from a thread of its own, so that a reader who does not read, be it a
/// pipe or a stopped terminal, holds nobody up.
class PatientOutput {
 public:
  /// `fd` outlives the process: what nobody reads may still be on its way then.
  explicit PatientOutput(int fd);
  /// Does not wait.
  ~PatientOutput();
  PatientOutput(const PatientOutput&) = delete;
  PatientOutput& operator=(const PatientOutput&) = delete;

  void write(std::string_view text);

  /// Until all is written, or it has failed, for `limit` at most.  Whether nothing is left to do.
  bool wait(std::chrono::milliseconds limit);
  /// The same, but as long as somebody reads: until not a byte was taken for `patience`.
  bool wait_for_reader(std::chrono::milliseconds patience);
  bool failed() const;

 private:
  struct State;
  static void work(const std::shared_ptr<State>& state);
  static bool write_some(State& state);

  // The thread may outlive us.
  std::shared_ptr<State> state_;
};

}  // namespace culvert
