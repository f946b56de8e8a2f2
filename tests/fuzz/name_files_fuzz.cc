// A file of the system's, and a name in the last line: what is read from it is fit for DNS.
#include "net/name_files.h"

#include "fuzz/fuzz.h"

using namespace culvert;

FUZZ_TARGET(name_files) {
  const std::string_view text = test::as_text(data, size);
  const std::size_t end = text.rfind('\n');
  const std::string_view name =
      end == std::string_view::npos ? std::string_view("gcr.io") : text.substr(end + 1);

  ResolvConf conf = ResolvConf::parse(text, name);
  FUZZ_CHECK(conf.ndots <= 15);
  const std::string all(text);
  conf.apply_environment(all.c_str(), all.c_str());
  FUZZ_CHECK(conf.ndots <= 15);
  const auto candidates = conf.candidates(name);
  FUZZ_CHECK(!candidates.empty());
  if (!name.empty() && name.back() == '.') FUZZ_CHECK(candidates.size() == 1);
  for (const std::string& candidate : candidates) {
    FUZZ_CHECK(candidate.size() <= 253 || candidate.size() <= name.size());
  }

  const NameServices services = NameServices::parse(text);
  for (const bool stub : {false, true}) static_cast<void>(services.route(name, "box", stub));
  for (const IpAddress& address : addresses_in_hosts(text, name)) {
    FUZZ_CHECK(IpAddress::parse(address.to_string()) == address);
  }
  static_cast<void>(prefers_ipv4(text));
  static_cast<void>(is_localhost(name));
}
