#include "session/session_steps.h"

#include <chrono>

#include <fmt/format.h>

#include "base/duration.h"
#include "base/text.h"

namespace culvert {

std::string request_step(const SessionRecord& record, bool in_tls, std::string_view shown) {
  return concat({"request of ", record.client_text(), in_tls ? " within TLS:\n" : ":\n", shown});
}

std::string sign_in_step(PasswordVerdict verdict, std::string_view user) {
  switch (verdict) {
    case PasswordVerdict::right:
      return concat({"signed in as ", printable(user)});
    case PasswordVerdict::wrong:
      return "wrong password, or no such user";
    case PasswordVerdict::busy:
      break;
  }
  return "the password is not checked now: too many failed, or wait";
}

std::string route_step(const Route& route, const Config& config) {
  if (route.denied()) return concat({"refused by ", route.rule});
  const auto name = [&](std::size_t index) { return config.upstreams[index].name; };
  return concat({"goes by ", route.rule, " to ", describe_upstreams(route, ", ", name)});
}

std::string refusal_step(const Error& error) {
  const ErrcMeaning& meaning = meaning_of(error.code);
  return fmt::format("answered with {} ({}): {}", meaning.status, meaning.name, error.text);
}

std::string_view news_step(RelayNews news) {
  switch (news) {
    case RelayNews::first_byte:
      return "the first bytes came back";
    case RelayNews::client_finished:
      return "the client sends no more, and the upstream knows";
    case RelayNews::upstream_finished:
      return "the upstream sends no more, and the client knows";
    case RelayNews::end:
      break;
  }
  return "the tunnel is over";
}

std::string end_step(const SessionRecord& record) {
  std::string out =
      fmt::format("outcome {}, ended by {}; {} bytes up, {} down", record.outcome.name(),
                  record.closed_by_name(), record.bytes_up, record.bytes_down);
  if (record.notes && !record.notes->detail.empty()) out += "; " + record.notes->detail;
  return out;
}

std::string present_step(const SessionFacts& facts, Loop::Clock::time_point now) {
  const auto age = [now](Loop::Clock::time_point since) {
    return format_seconds(std::chrono::round<std::chrono::milliseconds>(now - since));
  };
  return fmt::format(
      "{} {} of {} through {}, begun {} ago, now {}; {} bytes up, {} down, nothing more for {}",
      facts.method, facts.target, facts.client, facts.upstream.empty() ? "-" : facts.upstream,
      age(facts.started), name_of(facts.state), facts.bytes_up, facts.bytes_down, age(facts.moved));
}

}  // namespace culvert
