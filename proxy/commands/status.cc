#include "commands/status.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/text.h"
#include "check/report_text.h"
#include "commands/find_culvert.h"
#include "commands/patient_output.h"
#include "commands/proxy_start.h"
#include "commands/standard_streams.h"
#include "net/loop.h"
#include "net/runtime_directory.h"
#include "net/signals.h"
#include "net/terminal_keys.h"
#include "net/timer.h"
#include "status/admin_client.h"
#include "status/facts.h"
#include "status/screen.h"
#include "status/table.h"

namespace culvert {
namespace {

constexpr int kAnswered = 0;
constexpr int kNoAnswer = 1;
constexpr int kNoneFound = 2;
constexpr int kOfSignal = 128;  // and its number
constexpr std::size_t kPage = 500;
/// A table that is kept has all it needs for this many, whatever is there.
constexpr std::size_t kMostKept = 100'000;
/// Between two looks of which the first only begins to count.
constexpr std::chrono::milliseconds kForRates{1'000};
/// Where lines may be as long as they like.
constexpr std::size_t kNoWidth = 1'000;

TextStyle status_style() {
  return style_for({.lc_all = std::getenv("LC_ALL"),
                    .lc_ctype = std::getenv("LC_CTYPE"),
                    .lang = std::getenv("LANG"),
                    .term = std::getenv("TERM"),
                    .no_color = std::getenv("NO_COLOR")},
                   isatty(STDOUT_FILENO) == 1);
}

bool is_dumb_terminal() {
  const char* const term = std::getenv("TERM");
  return term == nullptr || *term == '\0' || std::string_view(term) == "dumb";
}

std::string query_of(const StatusOptions& options, std::string_view sort, std::size_t limit,
                     std::size_t offset) {
  std::string query =
      fmt::format("/api/v1/tunnels?limit={}&offset={}&sort={}", limit, offset, sort);
  if (options.filter.empty()) return query;
  return query + "&filter=" + percent_encode(options.filter, is_letter_or_digit);
}

/// What is common to all ways of showing it.
class StatusCommand {
 public:
  explicit StatusCommand(const StatusOptions& options)
      : options_(options),
        client_(loop_, stop_),
        finder_(client_, runtime_directories(), options.pid),
        output_(STDOUT_FILENO),
        style_(status_style()) {}

  int run() {
    if (!locate()) {
      for (const std::string& problem : finder_.problems()) complain(problem);
      return kNoneFound;
    }
    if (options_.watch_failures) return finish(watch_failures());
    if (!options_.trace.empty()) return finish(trace());
    if (options_.json) return finish(print_json());
    const bool terminal = isatty(STDOUT_FILENO) == 1;
    if (options_.once || !terminal) return finish(print_once());
    return is_dumb_terminal() ? finish(repeat()) : finish(show());
  }

 private:
  class Keys;

  bool locate() {
    if (options_.admin) {
      culvert_ = {*options_.admin, 0};
    } else if (auto found = finder_.find()) {
      culvert_ = *std::move(found);
    } else {
      return false;
    }
    return true;
  }

  /// After a restart, or while the one that we ask drains, there may be another one.
  void locate_again() {
    if (options_.admin || options_.pid) return;
    if (auto found = finder_.find_again()) culvert_ = *std::move(found);
  }

  Result<Json> get(const std::string& target) { return client_.get(culvert_.place, target); }

  std::string no_answer_text(const Error& error) const {
    return culvert_.shown() + " " + error.text;
  }
  int no_answer(const Error& error) const {
    complain("status: " + no_answer_text(error));
    return kNoAnswer;
  }

  /// All tunnels that match, as one page.  They come and go between the pages.
  Result<ShownTunnels> all_tunnels(std::string_view sort, Json* raw) {
    ShownTunnels out;
    std::set<std::int64_t> seen;
    for (std::size_t offset = 0; offset < kMostKept; offset += kPage) {
      const auto json = get(query_of(options_, sort, kPage, offset));
      if (!json) return json.error();
      const std::vector<Json> tunnels = json->at("tunnels").elements();
      ShownTunnels page = ShownTunnels::of(*json);
      out.total = page.total;
      out.matching = page.matching;
      for (std::size_t i = 0; i < tunnels.size(); ++i) {
        if (!seen.insert(page.tunnels[i].id).second) continue;
        if (raw != nullptr) raw->append(tunnels[i]);
        out.tunnels.push_back(std::move(page.tunnels[i]));
      }
      if (tunnels.size() < kPage) break;
    }
    return out;
  }

  /// `rows` of the tunnels, or all.
  Result<Overview> overview(std::optional<std::size_t> rows) {
    Overview out;
    const auto status = get("/api/v1/status");
    if (!status) return status.error();
    out.status = ShownStatus::of(*status);
    const auto upstreams = get("/api/v1/upstreams");
    if (!upstreams) return upstreams.error();
    out.upstreams = ShownUpstream::of(*upstreams);
    if (rows) {
      const auto page =
          get(query_of(options_, options_.sort, std::clamp<std::size_t>(*rows, 1, kPage), 0));
      if (!page) return page.error();
      out.tunnels = ShownTunnels::of(*page);
    } else {
      auto all = all_tunnels(options_.sort, nullptr);
      if (!all) return std::move(all).error();
      out.tunnels = *std::move(all);
    }
    const auto failures = get("/api/v1/failures?limit=10");
    if (!failures) return failures.error();
    out.failures = ShownFailure::list(*failures);
    return out;
  }

  Canvas plain_canvas() const {
    const std::size_t width =
        isatty(STDOUT_FILENO) == 1 ? screen_size(STDOUT_FILENO).width : kNoWidth;
    return {width, style_.utf8, style_.colour};
  }

  void write_lines(const std::vector<std::string>& lines) {
    std::string text;
    for (const std::string& line : lines) text += line + "\n";
    output_.write(text);
  }

  int print_once() {
    auto seen = overview(std::nullopt);
    if (seen && seen->tunnels.lacks_rates()) {
      pause(kForRates);
      seen = overview(std::nullopt);
    }
    if (!seen) return no_answer(seen.error());
    write_lines(overview_lines(*seen, {plain_canvas(), 0, options_.filter, {}}));
    return kAnswered;
  }

  int print_json() {
    const auto status = get("/api/v1/status");
    if (!status) return no_answer(status.error());
    const auto upstreams = get("/api/v1/upstreams");
    if (!upstreams) return no_answer(upstreams.error());
    Json tunnels = Json::array();
    // Pages of an order that stays.
    auto all = all_tunnels("id", &tunnels);
    if (all && all->lacks_rates()) {
      pause(kForRates);
      tunnels = Json::array();
      all = all_tunnels("id", &tunnels);
    }
    if (!all) return no_answer(all.error());
    const auto failures = get("/api/v1/failures?limit=100");
    if (!failures) return no_answer(failures.error());
    Json document = Json::object();
    document.set("status", *status)
        .set("upstreams", upstreams->at("upstreams"))
        .set("tunnels", tunnels)
        .set("failures", failures->at("failures"));
    output_.write(document.dump() + "\n");
    return kAnswered;
  }

  /// Each that was not in the list before is new: a proxy that was restarted counts anew.
  int watch_failures() {
    std::set<std::pair<std::string, std::int64_t>> known;
    bool first = true;
    bool lost = false;
    while (!output_.failed()) {
      const auto json = get("/api/v1/failures?limit=100");
      if (!json) {
        if (first) return no_answer(json.error());
        if (!lost) complain("status: " + no_answer_text(json.error()) + "; waiting for it");
        lost = true;
        pause(options_.interval);
        locate_again();
        continue;
      }
      if (std::exchange(lost, false)) complain("status: " + culvert_.shown() + " answers");
      std::set<std::pair<std::string, std::int64_t>> listed;
      std::vector<Json> all = json->at("failures").elements();
      std::reverse(all.begin(), all.end());
      for (const Json& each : all) {
        const ShownFailure failure = ShownFailure::of(each);
        listed.emplace(failure.time, failure.id);
        if (first || known.count({failure.time, failure.id}) > 0) continue;
        if (options_.json) {
          output_.write(each.dump() + "\n");
        } else {
          write_lines(failure_lines(failure, plain_canvas()));
        }
      }
      known = std::move(listed);
      first = false;
      pause(options_.interval);
    }
    return kNoAnswer;
  }

  /// Until as many sessions as were asked for are over.
  int trace() {
    const bool by_id = parse_number<std::uint64_t>(options_.trace).has_value();
    const std::string subject = percent_encode(options_.trace, is_letter_or_digit);
    const std::string target =
        by_id ? concat({"/api/v1/trace?id=", subject})
              : fmt::format("/api/v1/trace?target={}&sessions={}", subject, options_.sessions);
    bool complete = false;
    const auto followed =
        client_.follow(culvert_.place, target, [&](const StreamEvent& event, const Json& data) {
          if (event.name == "end") complete = true;
          if (event.name == "begin" && !by_id && !options_.json) {
            complain(fmt::format("status: waits for up to {} sessions to {} (Ctrl-C ends it)",
                                 options_.sessions, printable(options_.trace)));
          }
          if (event.name == "step") {
            if (options_.json) {
              output_.write(data.dump() + "\n");
            } else {
              write_lines(trace_lines(data, plain_canvas()));
            }
          }
          return !complete && event.name != "bye" && !output_.failed();
        });
    // What a slow reader has not taken yet is not lost.
    output_.wait_for_reader(std::chrono::hours(24));
    if (output_.failed()) return kNoAnswer;
    if (!followed) return no_answer(followed.error());
    if (complete) return kAnswered;
    complain(concat({"status: ", culvert_.shown(), " has ended"}));
    return kNoAnswer;
  }

  /// On a terminal that can do nothing but print.
  int repeat() {
    for (bool first = true; !output_.failed(); first = false) {
      const auto seen = overview(kPage);
      if (!seen && first) return no_answer(seen.error());
      if (!first) output_.write("\n");
      if (seen) {
        write_lines(overview_lines(*seen, {plain_canvas(), 0, options_.filter, {}}));
      } else {
        output_.write(no_answer_text(seen.error()) + "\n");
      }
      pause(options_.interval);
      if (!seen || seen->status.draining()) locate_again();
    }
    return kNoAnswer;
  }

  int show();

  /// Less if something is to be done before.
  void pause(std::chrono::milliseconds time) {
    Timer timer(loop_, Callback<void()>::to<&StatusCommand::wake>(this));
    timer.start(time);
    woken_ = false;
    while (!woken_ && !stop_) loop_.turn();
  }
  void wake() { woken_ = true; }

  int finish(int exit_status) {
    constexpr std::chrono::milliseconds kPatience{1'000};
    const bool written = output_.wait_for_reader(kPatience) && !output_.failed();
    if (!written && exit_status == kAnswered) exit_status = kNoAnswer;
    // A look-up or a write that hangs in its thread must not meet what ends with the process.
    loop_.turn(0);
    if (!written || loop_.busy()) std::_Exit(exit_status);
    return exit_status;
  }

  const StatusOptions& options_;
  Loop loop_;
  bool stop_ = false;
  bool woken_ = false;
  AdminClient client_;
  CulvertFinder finder_;
  PatientOutput output_;
  TextStyle style_;
  FoundCulvert culvert_;
};

/// What the user and the terminal want while the table is shown.
class StatusCommand::Keys {
 public:
  explicit Keys(StatusCommand& command)
      : command_(command),
        keys_(command.loop_, STDIN_FILENO,
              Callback<void(std::string_view)>::to<&Keys::on_typed>(this)),
        interrupt_(command.loop_, SIGINT, on_end()),
        terminate_(command.loop_, SIGTERM, on_end()),
        hang_up_(command.loop_, SIGHUP, on_end()),
        quit_(command.loop_, SIGQUIT, on_end()),
        resize_(command.loop_, SIGWINCH, Callback<void(int)>::to<&Keys::on_resize>(this)),
        stop_(command.loop_, SIGTSTP, Callback<void(int)>::to<&Keys::on_stop>(this)) {
    command_.output_.write(screen_begin());
  }
  ~Keys() { command_.output_.write(screen_end()); }
  Keys(const Keys&) = delete;
  Keys& operator=(const Keys&) = delete;

  int status() const { return status_; }
  /// Somebody wants to see it now.
  bool take_redraw() { return std::exchange(redraw_, false); }

 private:
  Callback<void(int)> on_end() { return Callback<void(int)>::to<&Keys::on_signal>(this); }

  void end(int exit_status) {
    status_ = exit_status;
    command_.stop_ = true;
  }
  void on_signal(int signal) { end(kOfSignal + signal); }
  void on_resize(int) {
    redraw_ = true;
    command_.wake();
  }
  /// Ctrl-Z: the shell gets the terminal as it was.
  void on_stop(int) {
    constexpr std::chrono::milliseconds kPatience{200};
    command_.output_.write(screen_end());
    command_.output_.wait(kPatience);
    keys_.give_back();
    static_cast<void>(raise(SIGSTOP));
    keys_.take();
    command_.output_.write(screen_begin());
    on_resize(0);
  }
  void on_typed(std::string_view keys) {
    if (keys.empty() || keys.find_first_of("qQ") != std::string_view::npos) end(kAnswered);
  }

  StatusCommand& command_;
  TerminalKeys keys_;
  SignalWatcher interrupt_, terminate_, hang_up_, quit_, resize_, stop_;
  bool redraw_ = false;
  int status_ = kAnswered;
};

int StatusCommand::show() {
  auto seen = overview(kPage);
  if (!seen) return no_answer(seen.error());
  Overview last = *std::move(seen);
  Keys keys(*this);
  std::string note;
  auto next = loop_.clock_time() + options_.interval;
  while (!stop_ && !output_.failed()) {
    const ScreenSize size = screen_size(STDOUT_FILENO);
    // The last column stays free: what is cleared behind it would begin in it.
    const Canvas canvas{size.width - 1, style_.utf8, style_.colour};
    // A reader who does not keep up gets the next one.
    if (output_.wait(std::chrono::milliseconds(0))) {
      output_.write(frame_of(overview_lines(last, {canvas, size.height, options_.filter, note})));
    }
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(next - loop_.clock_time());
    pause(std::max(left, std::chrono::milliseconds(0)));
    if (stop_) break;
    if (keys.take_redraw()) continue;
    next = loop_.clock_time() + options_.interval;
    auto fresh = overview(screen_size(STDOUT_FILENO).height);
    if (stop_) break;
    note.clear();
    const bool lost = !fresh;
    if (lost) {
      note = no_answer_text(fresh.error()) + "; waiting for it";
    } else {
      last = *std::move(fresh);
    }
    if (lost || last.status.draining()) locate_again();
  }
  return output_.failed() ? kNoAnswer : keys.status();
}

}  // namespace

int status(const StatusOptions& options) {
  // Who reads our output may leave.
  std::signal(SIGPIPE, SIG_IGN);
  if (const std::string problem = loop_limit_problem("status"); !problem.empty()) {
    complain(problem);
    return kNoAnswer;
  }
  StatusCommand command(options);
  return command.run();
}

}  // namespace culvert
