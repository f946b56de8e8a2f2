// The variables by which sockets are passed: the lines are LISTEN_PID, LISTEN_FDS, LISTEN_FDNAMES
// and CULVERT_HANDOVER.  What is read is as many as was said, and what is written reads the same.
#include "net/passed_sockets.h"

#include "fuzz/secret_fuzz.h"

using namespace culvert;

FUZZ_TARGET(passed_sockets) {
  std::string_view text = test::as_text(data, size);
  const auto take_line = [&]() -> std::optional<std::string> {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string line(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line == "-") return std::nullopt;
    return line;
  };
  const ListenVariables variables{take_line(), take_line(), take_line()};
  if (const auto sockets = read_listen_variables(variables, 1)) {
    FUZZ_CHECK(!sockets->empty());
    FUZZ_CHECK(variables.pid && variables.fds);
    FUZZ_CHECK(sockets->back().fd == 2 + static_cast<int>(sockets->size()));
  } else {
    test::check_messages({sockets.error().text});
  }
  if (const auto handover = HandoverVariable::parse(text)) {
    const auto again = HandoverVariable::parse(handover->to_string());
    FUZZ_CHECK(again && again->sockets == handover->sockets);
    FUZZ_CHECK(again->control == handover->control);
    FUZZ_CHECK(again->predecessor_pid == handover->predecessor_pid);
  }
}
