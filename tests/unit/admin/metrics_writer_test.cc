#include "admin/metrics_writer.h"

#include "support/catch.h"

using namespace culvert;
using namespace std::chrono_literals;
using Type = MetricsWriter::Type;

TEST_CASE("a number of seconds has no more digits than it needs") {
  CHECK(seconds_text(0ns) == "0");
  CHECK(seconds_text(0ns, true) == "0.0");
  CHECK(seconds_text(5ms) == "0.005");
  CHECK(seconds_text(2'500ms) == "2.5");
  CHECK(seconds_text(60s) == "60");
  CHECK(seconds_text(60s, true) == "60.0");
  CHECK(seconds_text(1'000'000'001ns) == "1.000000001");
}

TEST_CASE(
    "a counter is named as its samples in one format, and without their ending in the other") {
  const auto text = [](MetricsFormat format) {
    MetricsWriter out(format);
    out.begin("a_bytes", Type::counter, "bytes", "What it is.");
    out.add({}, 7U);
    out.add({{"to", "x"}, {"by", "y"}}, 8U);
    return out.finish();
  };
  CHECK(text(MetricsFormat::text) ==
        "# HELP a_bytes_total What it is.\n# TYPE a_bytes_total counter\n"
        "a_bytes_total 7\na_bytes_total{to=\"x\",by=\"y\"} 8\n");
  CHECK(text(MetricsFormat::openmetrics) ==
        "# HELP a_bytes What it is.\n# TYPE a_bytes counter\n# UNIT a_bytes bytes\n"
        "a_bytes_total 7\na_bytes_total{to=\"x\",by=\"y\"} 8\n# EOF\n");
}

TEST_CASE("what says what something is, is an info where there is such a type") {
  const auto text = [](MetricsFormat format) {
    MetricsWriter out(format);
    out.begin("b", Type::info, {}, "Which.");
    out.add({{"version", "1"}}, 1U);
    return out.finish();
  };
  CHECK(text(MetricsFormat::text) ==
        "# HELP b_info Which.\n# TYPE b_info gauge\nb_info{version=\"1\"} 1\n");
  CHECK(text(MetricsFormat::openmetrics) ==
        "# HELP b Which.\n# TYPE b info\nb_info{version=\"1\"} 1\n# EOF\n");
}

TEST_CASE("no label value can end its line, or pass for another label") {
  MetricsWriter out(MetricsFormat::text);
  out.begin("c", Type::gauge, {}, "C.");
  out.add({{"of", "a\"} 1\nb\\{\xff\xc3\xa9"}}, 1ms);
  CHECK(out.finish() ==
        "# HELP c C.\n# TYPE c gauge\nc{of=\"a\\\"} 1\\nb\\\\{\xef\xbf\xbd\xc3\xa9\"} 0.001\n");
}

TEST_CASE("each bucket holds those before it") {
  TimeHistogram times;
  times.add(1ms);
  times.add(5ms);
  times.add(400ms);
  times.add(2min);
  const bool open = GENERATE(false, true);
  MetricsWriter writer(open ? MetricsFormat::openmetrics : MetricsFormat::text);
  writer.begin("d_seconds", Type::histogram, "seconds", "D.");
  writer.add({{"of", "x"}}, times);
  const std::string text = writer.finish();
  std::string expected = "# HELP d_seconds D.\n# TYPE d_seconds histogram\n";
  if (open) expected += "# UNIT d_seconds seconds\n";
  const std::string whole = open ? ".0" : "";
  const auto bucket = [&](const std::string& le, const char* count) {
    expected += "d_seconds_bucket{of=\"x\",le=\"" + le + "\"} " + count + "\n";
  };
  for (const char* le : {"0.005", "0.01", "0.025", "0.05", "0.1", "0.25"}) bucket(le, "2");
  bucket("0.5", "3");
  bucket("1" + whole, "3");
  bucket("2.5", "3");
  for (const char* le : {"5", "10", "30", "60"}) bucket(le + whole, "3");
  bucket("+Inf", "4");
  expected += "d_seconds_sum{of=\"x\"} 120.406\nd_seconds_count{of=\"x\"} 4\n";
  if (open) expected += "# EOF\n";
  CHECK(text == expected);
}
