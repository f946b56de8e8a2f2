#include "setup/cache_target.h"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/host_port.h"
#include "base/text.h"
#include "setup/docker_engine.h"
#include "setup/own_text.h"
#include "setup/quote.h"
#include "setup/root.h"

namespace culvert {
namespace {

constexpr std::string_view kDockerCertificates = "/etc/docker/certs.d";
constexpr std::string_view kContainerdCertificates = "/etc/containerd/certs.d";
constexpr std::string_view kContainerdConfig = "/etc/containerd/config.toml";

/// The first Docker Engine whose image store reads hosts.toml.
constexpr int kFirstWithHosts = 29;

/// Docker Hub goes by several names; the folder of the first is read.
std::string folder_of(const std::string& registry) {
  const bool hub = registry == "index.docker.io" || registry == "registry-1.docker.io" ||
                   registry == "registry.hub.docker.com";
  return hub ? "docker.io" : registry;
}

/// Where the registry's images are when the cache has none.
std::string server_of(const std::string& registry) {
  const std::string folder = folder_of(registry);
  return "https://" + (folder == "docker.io" ? "registry-1.docker.io" : folder);
}

/// Caches speak plain HTTP in general.
std::string url_of_cache(const SetupFacts& facts) {
  const bool tls = facts.cache.ends_with(":443");
  return (tls ? "https://" : "http://") + facts.cache;
}

/// The certificates that Docker and containerd read in the folder of a registry as long as there is
/// no hosts.toml, which has to name them: "*.crt" are authorities, "*.cert" the client's own, each
/// with its "*.key".
struct Certificates {
  std::string authorities;  ///< elements of an array of TOML
  std::string pairs;
};

Certificates certificates_in(const SetupFacts& facts, const std::string& folder) {
  Certificates found;
  const auto add = [](std::string& list, const std::string& element) {
    list += (list.empty() ? "" : ", ") + element;
  };
  for (const std::string& name : names_in(facts.root, folder)) {
    const std::string path = concat({folder, "/", name});
    if (name.ends_with(".crt")) add(found.authorities, quote_toml(path));
    if (!name.ends_with(".cert")) continue;
    const std::string key = path.substr(0, path.size() - 4) + "key";
    if (!exists(facts.root, key)) continue;
    add(found.pairs, concat({"[", quote_toml(path), ", ", quote_toml(key), "]"}));
  }
  return found;
}

/// Lines that name them.
std::string lines_for(const Certificates& certificates, std::string_view indent) {
  std::string lines;
  const auto add = [&](std::string_view name, const std::string& list) {
    if (!list.empty()) lines += concat({indent, name, " = [", list, "]\n"});
  };
  add("ca", certificates.authorities);
  add("client", certificates.pairs);
  return lines;
}

/// Those of the cache itself, which is asked by TLS.  They are not looked for as long as it goes by
/// the name of another registry.
std::string lines_for_cache(const SetupFacts& facts, std::string_view certs) {
  if (!url_of_cache(facts).starts_with("https:")) return {};
  const std::string host = facts.cache.substr(0, facts.cache.rfind(':'));
  for (const std::string& name : {facts.cache, host}) {
    std::string lines = lines_for(certificates_in(facts, concat({certs, "/", name})), "  ");
    if (!lines.empty()) return lines;
  }
  return {};
}

FileEdit hosts_file(const SetupFacts& facts, std::string_view certs, const std::string& registry) {
  const std::string folder = std::string(certs) + "/" + folder_of(registry);
  const std::string body = concat(
      {"server = ", quote_toml(server_of(registry)), "\n",
       lines_for(certificates_in(facts, folder), ""), "\n[host.", quote_toml(url_of_cache(facts)),
       "]\n  capabilities = [\"pull\", \"resolve\"]\n", lines_for_cache(facts, certs)});
  return own_file(facts, "cache", folder + "/hosts.toml", body);
}

/// The plan has the file already: a folder may be a link to the other one.
bool has_file(const SetupFacts& facts, const Plan& plan, const FileEdit& edit) {
  const std::string real = below_root(facts.root, edit.path);
  return std::any_of(plan.files.begin(), plan.files.end(), [&](const FileEdit& other) {
    return below_root(facts.root, other.path) == real;
  });
}

void add_hosts(const SetupFacts& facts, std::string_view certs, Plan& plan) {
  for (const std::string& registry : facts.registries) {
    FileEdit edit = hosts_file(facts, certs, registry);
    if (!has_file(facts, plan, edit)) plan.files.push_back(std::move(edit));
  }
}

/// The files of an earlier run that are to go.
void add_earlier(const SetupFacts& facts, std::string_view certs, Plan& plan) {
  for (const std::string& name : names_in(facts.root, certs)) {
    if (name.starts_with('.')) continue;
    FileEdit edit = own_file(facts, "cache", std::string(certs) + "/" + name + "/hosts.toml", "");
    if (edit.is_our_file() && !has_file(facts, plan, edit)) plan.files.push_back(std::move(edit));
  }
}

/// A line of `config` that is no comment has `key`.
bool has_key(std::string_view config, std::string_view key) {
  for (const std::string_view line : split(config, '\n')) {
    if (!line.starts_with('#') && line.starts_with(key)) return true;
  }
  return false;
}

void note_containerd(const SetupFacts& facts, Plan& plan) {
  const bool configured = exists(facts.root, kContainerdConfig);
  if (!configured && find_program(facts.root, "containerd").empty()) return;
  std::string missing = missing_config_path(facts);
  if (missing.empty()) return;
  plan.notes.push_back(std::move(missing));
  plan.notes.push_back(
      concat({"`ctr` and `nerdctl` take it with an option: ctr images pull --hosts-dir ",
              std::string(kContainerdCertificates), " IMAGE"}));
}

/// An image, as an example.
std::string image_of(const std::string& registry) {
  constexpr auto kImages = std::to_array<std::pair<std::string_view, std::string_view>>({
      {"gcr.io", "google_containers/pause:3.1"},
      {"registry.k8s.io", "pause:3.9"},
      {"quay.io", "prometheus/busybox:latest"},
      {"docker.io", "library/nginx"},
  });
  for (const auto& [name, image] : kImages) {
    if (name == folder_of(registry)) return std::string(image);
  }
  return "NAME:TAG";
}

void note_docker(const SetupFacts& facts, Plan& plan) {
  const std::string version = docker_engine_version(facts);
  const int major = major_version(version);
  if (major >= kFirstWithHosts) {
    plan.notes.emplace_back(
        "docker reads it at once, if its image store is containerd's: `docker info` says "
        "io.containerd.snapshotter.v1; else type what older ones need");
  }
  const std::string& registry = facts.registries.front();
  const bool hub = folder_of(registry) == "docker.io";
  const std::string old = major == 0 || major >= kFirstWithHosts
                              ? "Docker Engine before 29 does not read it: "
                              : "this is Docker Engine " + version + ", which does not read it: ";
  plan.notes.push_back(concat({old, "docker pull ", facts.cache, "/", image_of(registry),
                               (hub ? ", or in /etc/docker/daemon.json \"registry-mirrors\": [\"" +
                                          url_of_cache(facts) + "\"]"
                                    : " (registry-mirrors are for docker.io alone)")}));
}

void note_cache(const SetupFacts& facts, Plan& plan) {
  const auto cache = HostPort::parse(facts.cache);
  if (!cache || !cache->is_loopback()) {
    const std::string host = facts.cache.substr(0, facts.cache.rfind(':'));
    plan.notes.push_back(
        concat({"docker has to reach the cache itself without the proxy: once this is installed, ",
                "`culvert setup docker --install` has ", host, " in NO_PROXY"}));
    if (!facts.cache.ends_with(":443")) {
      plan.notes.push_back(
          "if the cache has TLS, write https:// in the file; if it has not, "
          "Docker Engine before 29 needs \"insecure-registries\": [\"" +
          facts.cache + "\"] in daemon.json");
    }
  }
  if (facts.registries.size() > 1) {
    plan.notes.push_back(
        concat({"one docker-registry is the cache of one registry: ", facts.cache,
                " must tell them by ?ns=REGISTRY, or each gets a cache of its own"}));
  }
}

}  // namespace

std::vector<std::string> installed_caches(const SetupFacts& facts) {
  constexpr std::string_view kHost = "\n[host.\"";
  constexpr std::string_view kSchemeEnd = "://";
  Plan plan;
  for (const std::string_view folder : {kDockerCertificates, kContainerdCertificates}) {
    add_earlier(facts, folder, plan);
  }
  std::vector<std::string> caches;
  for (const FileEdit& edit : plan.files) {
    std::string_view text = *edit.before;
    const std::size_t host = text.find(kHost);
    if (host == text.npos) continue;
    text.remove_prefix(host + kHost.size());
    text = text.substr(0, text.find('"'));
    const std::size_t scheme = text.find(kSchemeEnd);
    if (scheme != text.npos) caches.emplace_back(text.substr(scheme + kSchemeEnd.size()));
  }
  return caches;
}

std::string missing_config_path(const SetupFacts& facts) {
  const std::string text = find_file(facts.root, kContainerdConfig).content.value_or("");
  for (const std::string_view line : split(text, '\n')) {
    if (line.starts_with("config_path") &&
        line.find(kContainerdCertificates) != std::string_view::npos) {
      return {};
    }
  }
  const bool third = has_key(text, "version = 3");
  return concat({"for Kubernetes containerd reads it only if ", std::string(kContainerdConfig),
                 " has config_path, which it does not: add [plugins.",
                 (third ? "'io.containerd.cri.v1.images'" : "\"io.containerd.grpc.v1.cri\""),
                 ".registry] and, in the next line, config_path = \"",
                 std::string(kContainerdCertificates), "\", then systemctl restart containerd"});
}

Plan plan_cache(const SetupFacts& facts) {
  Plan plan;
  plan.target = "cache";
  for (const std::string_view folder : {kDockerCertificates, kContainerdCertificates}) {
    add_hosts(facts, folder, plan);
    if (facts.registries.empty()) add_earlier(facts, folder, plan);
  }
  plan.looked_in = concat({kDockerCertificates, " and ", kContainerdCertificates});
  if (facts.registries.empty()) return plan;
  note_docker(facts, plan);
  note_containerd(facts, plan);
  note_cache(facts, plan);
  return plan;
}

}  // namespace culvert
