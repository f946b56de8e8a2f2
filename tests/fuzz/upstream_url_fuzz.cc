// What is taken has a label that stands for the same proxy; what is refused is reported without its
// password.
#include "options/upstream_url.h"

#include <algorithm>

#include "base/text.h"
#include "fuzz/secret_fuzz.h"

using namespace culvert;

namespace {

UpstreamConfig check(std::string_view url, std::vector<std::string>& problems) {
  // As while serving: a file that is named is not waited for.
  UpstreamConfig upstream = parse_upstream(url, problems, ReadWhen::serving);
  test::check_messages(problems);
  if (!problems.empty()) return upstream;

  FUZZ_CHECK(!upstream.name.empty() && test::is_printable(upstream.name));
  FUZZ_CHECK(upstream.warm <= 64);
  const bool is_direct = upstream.kind == UpstreamConfig::Kind::direct;
  const bool at_tunnel = upstream.tunnel > 0;
  FUZZ_CHECK(is_direct ? upstream.label == "direct://" : (upstream.address.port == 0) == at_tunnel);
  FUZZ_CHECK(!at_tunnel || (upstream.address.is_loopback() && upstream.label.ends_with(":{port}")));
  FUZZ_CHECK(!is_direct || (!upstream.credentials && upstream.via.empty()));
  if (!is_direct && !at_tunnel)
    FUZZ_CHECK(upstream.label.ends_with("://" + upstream.address.to_string()));

  const UpstreamConfig again = parse_upstream(upstream.label, problems, ReadWhen::serving);
  FUZZ_CHECK(problems.empty());
  FUZZ_CHECK(again.kind == upstream.kind && again.label == upstream.label);
  // A label leaves the final dot out.
  FUZZ_CHECK(again.address.to_string() == upstream.address.to_string() && !again.credentials);
  return upstream;
}

/// An '@' in the path of an option, as in ?ca=/me@work/ca.pem or ?ca= %d/me@work, ends no password.
bool may_hold_path(std::string_view url) {
  for (std::size_t equals = url.find('=', std::min(url.find('?'), url.size()));
       equals != std::string_view::npos; equals = url.find('=', equals + 1)) {
    const std::string_view value = trim_space(url.substr(equals + 1));
    if (value.starts_with('/') || value.starts_with("%d/")) return true;
  }
  return false;
}

}  // namespace

FUZZ_TARGET(upstream_url) {
  const std::string_view text = test::as_text(data, size);
  std::vector<std::string> problems;
  check(text, problems);
  problems.clear();
  const std::string url = test::plant(text);
  const UpstreamConfig planted = check(url, problems);
  if (!may_hold_path(url)) test::check_secret(problems);
  FUZZ_CHECK(planted.label.find(test::kPlanted) == std::string::npos);
}
