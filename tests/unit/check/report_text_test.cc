#include "check/report_text.h"

#include <string>
#include <vector>

#include "support/catch.h"

using namespace culvert;

namespace {

const CheckStep kRoute = {.name = "route",
                          .subject = "gcr.io:443",
                          .ok = true,
                          .time = std::chrono::microseconds(149),
                          .detail = "tunnel by default",
                          .cause = {},
                          .fix = {}};
const CheckStep kUpstream = {.name = "upstream",
                             .subject = "socks5://127.0.0.1:9",
                             .ok = false,
                             .time = std::chrono::microseconds(12'600),
                             .detail = {},
                             .cause = "nothing listens at 127.0.0.1:9",
                             .fix = "ssh -N -D 127.0.0.1:9 USER@HOST"};

}  // namespace

TEST_CASE("a step is one line, and a failure has its cause and its fix") {
  CHECK(report_lines(kRoute, {.utf8 = true, .colour = false}) ==
        "  \u2713 route       gcr.io:443: tunnel by default (0.1 ms)\n");
  CHECK(report_lines(kUpstream, {.utf8 = true, .colour = false}) ==
        "  \u2717 upstream    socks5://127.0.0.1:9 (13 ms)\n"
        "      cause: nothing listens at 127.0.0.1:9\n"
        "      fix:   ssh -N -D 127.0.0.1:9 USER@HOST\n");
}

TEST_CASE("where the terminal has no UTF-8 the marks are ASCII") {
  CHECK(report_lines(kRoute, {}) == "  ok   route       gcr.io:443: tunnel by default (0.1 ms)\n");
  CheckStep foreign = kUpstream;
  foreign.subject = "pr\u00f6xy\n";
  CHECK(report_lines(foreign, {}).starts_with("  FAIL upstream    pr??xy? (13 ms)\n"));
}

TEST_CASE("nothing that a terminal obeys is shown, and no byte that is no UTF-8") {
  CheckStep odd = kUpstream;
  odd.detail =
      "\x1b[2J \u009b31m \u202etxt.exe \u2028 \u2066 \u200f \u00e9\u20ac\U0001f600 \xff\xc3 "
      "\xe2\x80 ";
  odd.cause = "none ";
  odd.fix = " a\tb";
  CHECK(report_lines(odd, {.utf8 = true, .colour = false}) ==
        "  \u2717 upstream    socks5://127.0.0.1:9: ?[2J ?31m ?txt.exe ? ? ? "
        "\u00e9\u20ac\U0001f600 ?? ?? (13 ms)\n"
        "      cause: none\n"
        "      fix:   a?b\n");
  CHECK(report_json({{{"\xff\u009b", {odd}}}}).find("\"target\": \"??\"") != std::string::npos);
  CHECK(report_json({{{"", {odd}}}}).find("?[2J ?31m") != std::string::npos);
}

TEST_CASE("a mark has its colour, nothing else") {
  CHECK(report_lines(kRoute, {.utf8 = true, .colour = true}) ==
        "  \x1b[32m\u2713\x1b[0m route       gcr.io:443: tunnel by default (0.1 ms)\n");
  CHECK(report_lines(kUpstream, {.utf8 = false, .colour = true})
            .starts_with("  \x1b[31mFAIL\x1b[0m upstream"));
}

TEST_CASE("what a terminal can show follows from its variables") {
  struct Case {
    TextVariables variables;
    bool is_terminal;
    bool utf8;
    bool colour;
  };
  const Case cases[] = {
      {{.lang = "C.UTF-8", .term = "xterm"}, true, true, true},
      {{.lang = "de_DE.utf8", .term = "xterm"}, false, true, false},
      {{.lc_all = "C", .lang = "C.UTF-8", .term = "xterm"}, true, false, true},
      {{.lc_all = "", .lc_ctype = "POSIX", .lang = "C.UTF-8", .term = "xterm"}, true, false, true},
      {{.lc_all = "", .lc_ctype = "", .lang = "C.UTF-8", .term = "xterm"}, true, true, true},
      {{.lc_all = "de_DE.ISO-8859-1", .term = "xterm"}, true, false, true},
      {{.lang = "C.UTF-8", .term = "dumb"}, true, true, false},
      {{.lang = "C.UTF-8"}, true, true, false},
      {{.lang = "C.UTF-8", .term = "xterm", .no_color = "1"}, true, true, false},
      {{.lang = "C.UTF-8", .term = "xterm", .no_color = ""}, true, true, true},
      {{}, false, false, false},
  };
  for (const Case& one : cases) {
    const TextStyle style = style_for(one.variables, one.is_terminal);
    CAPTURE(&one - cases);
    CHECK(style.utf8 == one.utf8);
    CHECK(style.colour == one.colour);
  }
}

TEST_CASE("a report in JSON has exactly the promised members") {
  const std::vector<TargetReport> reports = {{"gcr.io", {kRoute, kUpstream}}, {"", {kRoute}}};
  CHECK(report_json(reports) ==
        R"({"ok": false, "targets": [{"target": "gcr.io", "ok": false, "steps": [)"
        R"({"step": "route", "subject": "gcr.io:443", "ok": true, "ms": 0.149, )"
        R"("detail": "tunnel by default"}, )"
        R"({"step": "upstream", "subject": "socks5://127.0.0.1:9", "ok": false, "ms": 12.6, )"
        R"("detail": "", "cause": "nothing listens at 127.0.0.1:9", )"
        R"("fix": "ssh -N -D 127.0.0.1:9 USER@HOST"}]}, )"
        R"({"target": "", "ok": true, "steps": [)"
        R"({"step": "route", "subject": "gcr.io:443", "ok": true, "ms": 0.149, )"
        R"("detail": "tunnel by default"}]}]})"
        "\n");
  CHECK(report_json({}) == "{\"ok\": true, \"targets\": []}\n");
}

TEST_CASE("control characters of what was given do not reach the output") {
  CheckStep step = kRoute;
  step.subject = "a\nb\x1b[31m";
  CHECK(report_json(std::vector<TargetReport>{{"t\n", {step}}}).find('\n') ==
        report_json(std::vector<TargetReport>{{"t\n", {step}}}).size() - 1);
  CHECK(report_lines(step, {.utf8 = true, .colour = false}).find('\x1b') == std::string::npos);
}

TEST_CASE("a target's name is above its steps") {
  CHECK(report_head("https://gcr.io/") == "https://gcr.io/\n");
  CHECK(report_head("").empty());
}
