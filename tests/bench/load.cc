// The load generator: `load serve` is what a proxy under test reaches, `load run` is who uses it.

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "crowd.h"
#include "servers.h"
#include "wire.h"

namespace {

constexpr const char* kHelp =
    R"(load - clients, upstreams and targets for measuring a proxy on one machine

  load serve --certificate FILE
      SOCKS5, HTTP and HTTPS upstreams on free ports of 127.0.0.1, and the targets echo, sink,
      source and origin, which an upstream plays itself when it is asked for their port. Says
      {"NAME": PORT, ...}, answers each line of input with its counters, ends with its input.
      FILE gets the certificate of the HTTPS upstream. User and password are bench and
      rig-password.

  load run --proxy ADDRESS:PORT --work WORK [--speaks http|socks] [--NAME NUMBER]...
      --echo, --sink, --source, --origin ADDRESS:PORT   the targets
      download, upload    --tunnels each move --bytes
      churn               --count tunnels, --tunnels at a time: one message of --size, and close
      ping                --messages of --size there and back in each of --tunnels, --pause
                          milliseconds apart
      mixed               the same, while --bulk of the tunnels download --bytes each
      idle                --tunnels in which nothing moves
      burst               --tunnels at once, each with a message
      get                 --count plain requests for --size over --tunnels connections
      check               --count tunnels in which each byte of up to --bytes is looked at
      --sources           loopback addresses that the clients come from
      --seconds           for all of it, else it has failed
      Says {"ready": N} when what stays open is open, waits for a line of input, and says what
      has happened. The exit status is 1 when anything failed or came out wrong.
)";

const std::map<std::string_view, bench::Work> kWorks = {
    {"download", bench::Work::download}, {"upload", bench::Work::upload},
    {"churn", bench::Work::churn},       {"ping", bench::Work::ping},
    {"mixed", bench::Work::mixed},       {"idle", bench::Work::idle},
    {"burst", bench::Work::burst},       {"get", bench::Work::get},
    {"check", bench::Work::check},
};

using Options = std::map<std::string, std::string>;

Options read_options(int count, char** words) {
  Options options;
  for (int i = 0; i < count; i += 2) {
    const std::string name = words[i];
    if (!name.starts_with("--") || i + 1 == count) bench::fail("what is " + name + "? See --help");
    options[name.substr(2)] = words[i + 1];
  }
  return options;
}

// Takes the option out, so that those left over are the ones that nobody knows.
std::string take(Options& options, const std::string& name) {
  const auto node = options.extract(name);
  return node.empty() ? std::string() : node.mapped();
}

void take_number(Options& options, const std::string& name, std::uint64_t& number) {
  const std::string text = take(options, name);
  if (!text.empty()) number = std::strtoull(text.c_str(), nullptr, 10);
}

bench::Plan make_plan(Options options) {
  bench::Plan plan;
  const std::string work = take(options, "work");
  const auto found = kWorks.find(work);
  if (found == kWorks.end()) bench::fail("there is no --work " + work);
  plan.work = found->second;
  plan.proxy = bench::to_address(take(options, "proxy"));
  const std::string protocol = take(options, "speaks");
  plan.socks = protocol == "socks";
  if (!plan.socks && !protocol.empty() && protocol != "http") bench::fail("--speaks " + protocol);
  plan.echo = take(options, "echo");
  plan.sink = take(options, "sink");
  plan.source = take(options, "source");
  plan.origin = take(options, "origin");
  std::uint64_t sources = plan.sources;
  std::uint64_t seconds = plan.seconds;
  for (const auto& [name, number] : {std::pair{"tunnels", &plan.tunnels},
                                     {"count", &plan.count},
                                     {"bytes", &plan.bytes},
                                     {"size", &plan.size},
                                     {"messages", &plan.messages},
                                     {"pause", &plan.pause},
                                     {"bulk", &plan.bulk},
                                     {"sources", &sources},
                                     {"seconds", &seconds}})
    take_number(options, name, *number);
  plan.sources = static_cast<unsigned>(sources);
  plan.seconds = static_cast<unsigned>(seconds);
  if (!options.empty()) bench::fail("there is no --" + options.begin()->first);
  return plan;
}

}  // namespace

int main(int count, char** words) {
  std::signal(SIGPIPE, SIG_IGN);
  const std::string_view what = count > 1 ? words[1] : "--help";
  if (what == "--help" || what == "-h") {
    std::fputs(kHelp, stdout);
    return 0;
  }
  bench::raise_descriptor_limit();
  Options options = read_options(count - 2, words + 2);
  if (what == "run") return bench::run(make_plan(std::move(options)));
  if (what == "serve") return bench::serve(take(options, "certificate"));
  bench::fail("what is " + std::string(what) + "? See --help");
}
