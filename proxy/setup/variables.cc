#include "setup/variables.h"

#include <utility>

#include "base/unit_text.h"
#include "setup/own_text.h"
#include "setup/quote.h"

namespace culvert {

std::string no_proxy_for(const SetupFacts& facts, Neighbours neighbours) {
  if (!facts.no_proxy.empty()) return facts.no_proxy;
  std::string list = "localhost,127.0.0.1,::1";
  if (neighbours == Neighbours::cluster) {
    list += ",.svc,.cluster.local,10.0.0.0/8,172.16.0.0/12,192.168.0.0/16";
  }
  for (const std::string& host : facts.near) list.append(",").append(host);
  return list;
}

FileEdit drop_in(const SetupFacts& facts, std::string_view target, std::string folder,
                 Neighbours neighbours, const FileEdit* earlier, std::string_view more) {
  std::string body = "[Service]\n";
  const auto set = [&](std::string_view name, std::string_view value) {
    body.append("Environment=").append(quote_unit_environment(name, value)).append("\n");
  };
  set("HTTP_PROXY", facts.proxy_url);
  set("HTTPS_PROXY", facts.proxy_url);
  set("NO_PROXY", no_proxy_for(facts, neighbours));
  body += more;
  return own_file(facts, target, std::move(folder) + "/zz-culvert.conf", body, "#", earlier);
}

std::string export_lines(const SetupFacts& facts) {
  std::string lines;
  const auto set = [&](std::string_view name, std::string_view value) {
    lines.append("export ").append(name).append("=").append(quote_shell(value)).append("\n");
  };
  for (const std::string_view name : {"HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"}) {
    set(name, facts.proxy_url);
  }
  const std::string no_proxy = no_proxy_for(facts, Neighbours::host);
  set("NO_PROXY", no_proxy);
  set("no_proxy", no_proxy);
  set("NODE_USE_ENV_PROXY", "1");
  return lines;
}

void add_note(Plan& plan, std::string_view text) { plan.notes.emplace_back(text); }

}  // namespace culvert
