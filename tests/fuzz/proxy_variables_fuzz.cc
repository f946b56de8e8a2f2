// A password in the value of a proxy variable reaches no message and no line for a shell, wherever
// Go takes the host to end.
#include "host/proxy_variables.h"

#include <algorithm>

#include "fuzz/secret_fuzz.h"

using namespace culvert;

namespace {

/// All that is told of these variables.
std::vector<std::string> told(const std::vector<std::string>& environment) {
  const ProxyVariables found = read_proxy_variables(environment, "http://127.0.0.1:3128");
  std::vector<std::string> texts = found.notes;
  for (const auto& proxy : {found.https, found.http}) {
    if (!proxy) continue;
    texts.push_back(proxy->url());
    texts.push_back(proxy->url_to_set("http"));
    if (const auto address = proxy->address()) texts.push_back(address->to_string());
  }
  std::vector<ProxyMistake> mistakes = found.mistakes;
  for (const bool tls : {false, true}) {
    const auto target = HostPort::from("gcr.io", 443).value();
    if (auto mistake = mistake_for_target(found, target, tls)) mistakes.push_back(*mistake);
  }
  for (const ProxyMistake& mistake : mistakes) texts.push_back(mistake.cause);
  if (!mistakes.empty()) texts.push_back(shell_lines(mistakes));
  return texts;
}

/// An environment holds no such byte.
std::string as_value(std::string text) {
  text.erase(std::remove(text.begin(), text.end(), '\0'), text.end());
  return text;
}

}  // namespace

FUZZ_TARGET(proxy_variables) {
  const std::string_view text = test::as_text(data, size);
  test::check_messages(told({"https_proxy=" + as_value(std::string(text)), "http_proxy=h:1"}));
  const std::string url = as_value(test::plant(text));
  test::check_secret(told({"https_proxy=" + url}));
  test::check_secret(told({"HTTP_PROXY=" + url, "https_proxy=\"" + url + "\""}));
  test::check_secret(told({"HTTP_PROXY= " + url, "HTTPS_PROXY='" + url + "'"}));
  test::check_secret(told({"ALL_PROXY=" + url}));
  test::check_secret(told({"https_proxy=h:1", "NO_PROXY=" + url, "no_proxy=a"}));
}
