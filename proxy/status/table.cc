#include "status/table.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "base/one_line.h"
#include "base/text.h"
#include "status/quantity.h"

namespace culvert {
namespace {

constexpr std::string_view kIndent = "  ";
constexpr std::string_view kDeepIndent = "      ";
constexpr std::size_t kMostBars = 60;

std::string rate_text(std::int64_t bytes) { return bytes > 0 ? size_text(bytes) + "/s" : "-"; }

/// A heading, and entries of one or more lines.
struct Section {
  std::vector<std::string> heading;
  std::vector<std::vector<std::string>> entries;
  std::int64_t more = 0;  ///< entries that there are besides
  std::string_view noun;

  std::size_t size() const {
    std::size_t lines = heading.size() + (more > 0 ? 1 : 0);
    for (const auto& entry : entries) lines += entry.size();
    return lines;
  }
};

void append(std::vector<std::string>& to, const std::vector<std::string>& lines) {
  to.insert(to.end(), lines.begin(), lines.end());
}

/// Whole entries, in at most `most` lines.
std::vector<std::string> lines_of(const Section& section, std::size_t most, const Canvas& canvas) {
  std::vector<std::string> out;
  if (most <= section.heading.size()) return out;
  append(out, section.heading);
  const bool all = section.size() <= most;
  std::size_t shown = 0;
  for (const auto& entry : section.entries) {
    if (!all && out.size() + entry.size() + 1 > most) break;
    append(out, entry);
    ++shown;
  }
  const auto left = static_cast<std::int64_t>(section.entries.size() - shown) + section.more;
  if (left > 0) {
    out.push_back(join_spans(
        {{fmt::format("{}and {} more {}", kIndent, left, section.noun), Tone::dim}}, canvas));
  }
  return out;
}

class Overviewed {
 public:
  Overviewed(const Overview& overview, const TableView& view)
      : overview_(overview), status_(overview.status), view_(view), canvas_(view.canvas) {}

  std::vector<std::string> lines() const {
    std::vector<std::string> out = header();
    const Section upstreams = upstream_section();
    const Section tunnels = tunnel_section();
    const Section failures = failure_section();
    std::size_t room = view_.height == 0
                           ? out.size() + upstreams.size() + tunnels.size() + failures.size() + 3
                           : view_.height;
    if (out.size() > room) out.resize(room);
    room -= out.size();
    // Each has a third, and the tunnels what the others leave.
    const auto share = [&](const Section& section) {
      return section.entries.empty()
                 ? 0
                 : std::min(section.size() + 1,
                            std::max(room / 3, room / 2 >= 3 ? std::size_t{3} : 0));
    };
    const bool unbounded = view_.height == 0;
    const std::size_t for_upstreams = unbounded ? upstreams.size() + 1 : share(upstreams);
    const std::size_t for_failures = unbounded ? failures.size() + 1 : share(failures);
    const std::size_t for_tunnels = room - std::min(room, for_upstreams + for_failures);
    add(upstreams, for_upstreams, out);
    add(tunnels, for_tunnels, out);
    add(failures, for_failures, out);
    return out;
  }

 private:
  std::string clean(std::string_view text) const { return one_line(text, canvas_.utf8); }
  std::string line(const std::vector<Span>& spans) const { return join_spans(spans, canvas_); }

  /// With an empty line before it.
  void add(const Section& section, std::size_t most, std::vector<std::string>& out) const {
    if (section.entries.empty() || most < 2) return;
    const std::vector<std::string> lines = lines_of(section, most - 1, canvas_);
    if (lines.empty()) return;
    out.emplace_back();
    append(out, lines);
  }

  std::vector<std::string> header() const {
    std::vector<std::string> out;
    if (!view_.note.empty()) out.push_back(line({{clean(view_.note), Tone::bad}}));
    const Tone tone = status_.draining() ? Tone::doubtful : status_.ready ? Tone::good : Tone::bad;
    std::string state = clean(status_.state);
    if (!status_.draining()) state += status_.ready ? ", ready" : ", not ready";
    out.push_back(line({{"culvert " + clean(status_.version), Tone::strong},
                        {std::string(kIndent)},
                        {state, tone},
                        {fmt::format("  pid {}  up {}", status_.pid, age_text(status_.uptime))}}));
    if (!status_.not_ready_reason.empty()) {
      append_wrapped("not ready: " + clean(status_.not_ready_reason), Tone::bad, out);
    }
    if (!status_.unhealthy_reason.empty()) {
      append_wrapped("unhealthy: " + clean(status_.unhealthy_reason), Tone::bad, out);
    }
    std::string listeners;
    for (const std::string& url : status_.listeners) {
      listeners += (listeners.empty() ? "" : ", ") + clean(url);
    }
    out.push_back(line({{std::string(kIndent) + "listening on " + listeners}}));
    out.push_back(line(counts()));
    out.push_back(line(throughput()));
    return out;
  }

  std::vector<Span> counts() const {
    const auto count = [](std::int64_t number, std::string_view noun) {
      return fmt::format("{} {}{}", number, noun, number == 1 ? "" : "s");
    };
    std::vector<Span> out = {{fmt::format("  {}, {}", count(status_.connections, "connection"),
                                          count(status_.tunnels, "tunnel"))}};
    if (status_.stalled > 0) {
      out.push_back({", "});
      out.push_back({fmt::format("{} stalled", status_.stalled), Tone::bad});
    }
    if (status_.held > 0) {
      out.push_back({", "});
      out.push_back({fmt::format("{} held", status_.held), Tone::doubtful});
    }
    out.push_back({fmt::format("; requests: {} ok, {} failed", status_.requests_ok,
                               status_.requests_failed)});
    return out;
  }

  std::vector<Span> throughput() const {
    constexpr std::size_t kOfText = 48;
    const std::size_t room = canvas_.width - std::min(canvas_.width, kOfText);
    const std::size_t bars = std::min(kMostBars, room / 2);
    std::vector<Span> out;
    const auto add = [&](std::string_view name, const std::vector<std::int64_t>& history,
                         std::int64_t rate, std::int64_t bytes) {
      out.push_back({fmt::format("  {} {:>8} ", name, rate_text(rate))});
      out.push_back({sparkline(history, bars, canvas_.utf8), Tone::good});
      out.push_back({fmt::format(" {}", size_text(bytes))});
    };
    add("down", status_.history_down, status_.rate_down, status_.bytes_down);
    add("up", status_.history_up, status_.rate_up, status_.bytes_up);
    return out;
  }

  void append_wrapped(const std::string& text, Tone tone, std::vector<std::string>& out) const {
    const std::size_t width = canvas_.width - std::min(canvas_.width, kDeepIndent.size());
    for (const std::string& part :
         wrap_words(text, std::max<std::size_t>(width, 10), canvas_.utf8)) {
      out.push_back(line({{std::string(kDeepIndent)}, {part, tone}}));
    }
  }

  Section upstream_section() const {
    const std::vector<Column> columns = {
        {.title = "UPSTREAM", .least = 22},
        {.title = "STATE"},
        {.title = "CONNECT", .right = true, .dispensable = 2},
        {.title = "TUNNELS", .right = true, .dispensable = 1},
        {.title = "DOWN", .right = true, .dispensable = 4},
        {.title = "UP", .right = true, .dispensable = 5},
        {.title = "OK", .right = true, .dispensable = 3},
        {.title = "FAILED", .right = true, .dispensable = 3},
        {.title = "TREND", .dispensable = 6},
    };
    std::vector<std::vector<Span>> rows;
    for (const ShownUpstream& upstream : overview_.upstreams) {
      std::string name = clean(upstream.name);
      if (!upstream.label.empty() && upstream.label != upstream.name) {
        name += " " + clean(upstream.label);
      }
      const Tone tone = upstream.down()          ? Tone::bad
                        : upstream.state == "up" ? Tone::good
                                                 : Tone::plain;
      std::string state = upstream.state == "marked_down" ? "marked down" : clean(upstream.state);
      if (upstream.down() && upstream.down_for > 0) state += " " + age_text(upstream.down_for);
      const std::vector<std::int64_t>& times = upstream.connect_ms;
      rows.push_back(
          {{std::move(name)},
           {std::move(state), tone},
           {times.empty() ? "-" : fmt::format("{} ms", times.back())},
           {fmt::format("{}", upstream.tunnels)},
           {size_text(upstream.bytes_down)},
           {size_text(upstream.bytes_up)},
           {fmt::format("{}", upstream.connected)},
           {fmt::format("{}", upstream.failed), upstream.failed > 0 ? Tone::doubtful : Tone::plain},
           {sparkline(times, 12, canvas_.utf8)}});
    }
    std::vector<std::string> lines = table_lines(columns, std::move(rows), canvas_);
    Section out{{lines.front()}, {}, 0, "upstreams"};
    for (std::size_t i = 0; i < overview_.upstreams.size(); ++i) {
      out.entries.push_back({lines[i + 1]});
      const ShownUpstream& upstream = overview_.upstreams[i];
      if (!upstream.reason.empty()) {
        append_wrapped(clean(upstream.reason), Tone::bad, out.entries.back());
      }
    }
    return out;
  }

  /// Who does not move, or that all is well.
  static Span state_of(const ShownTunnel& tunnel) {
    if (tunnel.state == "moving") return {"moving", Tone::good};
    if (tunnel.state == "quiet") return {"quiet", Tone::dim};
    if (tunnel.state == "client_slow") return {"client reads slowly", Tone::doubtful};
    if (tunnel.state == "held") return {"held until an upstream is back", Tone::doubtful};
    if (tunnel.state == "stalled") {
      const std::string_view does = tunnel.stall_what == "does_not_read"          ? "does not read"
                                    : tunnel.stall_what == "does_not_acknowledge" ? "does not ack"
                                                                                  : "does not send";
      const std::string_view side = tunnel.stall_side == "client" ? "client" : "upstream";
      return {fmt::format("{} {}, {}", side, does, age_text(tunnel.stalled_for)), Tone::bad};
    }
    return {"connecting", Tone::plain};
  }

  std::vector<Span> tunnel_row(const ShownTunnel& tunnel) const {
    std::string client = clean(tunnel.client);
    if (!tunnel.user.empty()) client = clean(tunnel.user) + "@" + client;
    const bool undecided = tunnel.stage == "route" || tunnel.stage == "dial";
    const std::string upstream =
        tunnel.upstream.empty() ? (undecided ? "-" : "direct") : clean(tunnel.upstream);
    return {{clean(tunnel.target)},
            {std::move(client), Tone::dim},
            {upstream},
            {age_text(tunnel.age)},
            {rate_text(tunnel.rate), tunnel.rate > 0 ? Tone::strong : Tone::plain},
            {size_text(tunnel.bytes_down)},
            {size_text(tunnel.bytes_up)},
            {age_text(tunnel.quiet)},
            state_of(tunnel)};
  }

  Section tunnel_section() const {
    const std::vector<Column> columns = {
        {.title = "TARGET", .least = 24},
        {.title = "CLIENT", .least = 15, .dispensable = 6},
        {.title = "VIA", .least = 6, .dispensable = 4},
        {.title = "AGE", .right = true, .dispensable = 3},
        {.title = "RATE", .right = true},
        {.title = "DOWN", .right = true, .dispensable = 1},
        {.title = "UP", .right = true, .dispensable = 5},
        {.title = "LAST", .right = true, .dispensable = 2},
        {.title = "WHO WAITS", .least = 22},
    };
    const ShownTunnels& page = overview_.tunnels;
    std::vector<std::vector<Span>> rows;
    for (const ShownTunnel& tunnel : page.tunnels) rows.push_back(tunnel_row(tunnel));
    std::vector<std::string> lines = table_lines(columns, std::move(rows), canvas_);
    Section out{{lines.front()}, {}, 0, "tunnels"};
    if (!view_.filter.empty()) {
      out.heading.insert(out.heading.begin(),
                         line({{fmt::format("{} of {} tunnels have \"{}\"", page.matching,
                                            page.total, clean(view_.filter)),
                                Tone::dim}}));
    }
    for (std::size_t i = 1; i < lines.size(); ++i) out.entries.push_back({lines[i]});
    const std::int64_t all = std::max(page.matching, view_.filter.empty() ? page.total : 0);
    out.more = std::max<std::int64_t>(all - static_cast<std::int64_t>(page.tunnels.size()), 0);
    return out;
  }

  Section failure_section() const {
    Section out{{line({{"FAILURES (UTC)", Tone::dim}})}, {}, 0, "failures"};
    for (const ShownFailure& failure : overview_.failures) {
      out.entries.push_back(failure_lines(failure, canvas_));
    }
    return out;
  }

  const Overview& overview_;
  const ShownStatus& status_;
  const TableView& view_;
  const Canvas& canvas_;
};

/// "00:11:19" of "2026-11-30T00:11:19.000Z".
std::string_view time_of_day(std::string_view time) {
  constexpr std::size_t kBegin = 11;
  return time.size() >= kBegin + 8 ? time.substr(kBegin, 8) : time;
}

}  // namespace

std::vector<std::string> overview_lines(const Overview& overview, const TableView& view) {
  return Overviewed(overview, view).lines();
}

std::vector<std::string> failure_lines(const ShownFailure& failure, const Canvas& canvas) {
  const auto clean = [&](std::string_view text) { return one_line(text, canvas.utf8); };
  std::string from = " from " + clean(failure.client);
  if (!failure.upstream.empty()) from += " via " + clean(failure.upstream);
  std::vector<std::string> out = {join_spans({{clean(time_of_day(failure.time))},
                                              {fmt::format("  {} ", failure.status)},
                                              {clean(failure.outcome), Tone::bad},
                                              {fmt::format("  {} ", clean(failure.method))},
                                              {clean(failure.target), Tone::strong},
                                              {std::move(from), Tone::dim}},
                                             canvas)};
  const std::size_t width =
      std::max<std::size_t>(canvas.width - std::min(canvas.width, kDeepIndent.size()), 10);
  const auto add = [&](const std::string& text) {
    for (const std::string& part : wrap_words(text, width, canvas.utf8)) {
      out.push_back(join_spans({{std::string(kDeepIndent)}, {part}}, canvas));
    }
  };
  add(clean(failure.explanation));
  if (!failure.detail.empty()) add("detail: " + clean(failure.detail));
  if (!failure.hint.empty()) add("hint: " + clean(failure.hint));
  return out;
}

std::vector<std::string> trace_lines(const Json& step, const Canvas& canvas) {
  const std::string text = step.at("step").text().value_or("");
  const std::int64_t after = step.at("after_us").integer().value_or(0);
  const std::string head =
      fmt::format("{} {:>6}.{:03} ms  ", step.at("session").integer().value_or(0), after / 1'000,
                  after % 1'000);
  const std::size_t width =
      std::max<std::size_t>(canvas.width - std::min(canvas.width, head.size()), 10);
  std::vector<std::string> out;
  bool of_head = false;
  for (const std::string_view line : split(text, '\n')) {
    for (const std::string& part : wrap_words(one_line(line, canvas.utf8), width, canvas.utf8)) {
      const std::string begin = out.empty() ? head : std::string(head.size(), ' ');
      out.push_back(
          join_spans({{begin, Tone::dim}, {part, of_head ? Tone::dim : Tone::plain}}, canvas));
    }
    of_head = true;
  }
  return out;
}

}  // namespace culvert
