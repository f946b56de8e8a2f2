#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "check/image_reference.h"
#include "check/registry_challenge.h"
#include "check/visits.h"

namespace culvert {

/// What `docker pull` does, without credentials: docker's own are not read.
class RegistryWalk {
 public:
  RegistryWalk(Visits& visits, const ImageReference& image) : visits_(visits), image_(image) {}

  /// From the handshake to the first bytes of a blob.
  void run();

 private:
  void walk();
  bool ask_registry();
  bool judge_registry(const Fetched& answer, const Link& link);
  bool judge_challenge(const Fetched& answer, const Link& link);
  bool fetch_token();
  bool take_token(const Fetched& answer, const Link& link);
  bool fetch_manifest();
  bool judge_manifest(const Fetched& answer, const Link& link);
  void fetch_blob();
  bool judge_blob(const Fetched& answer, const Link& link);
  FetchRequest request_for(std::string_view kind, const std::string& version) const;
  void fail_with(const Fetched& answer, const Link& link);

  Visits& visits_;
  const ImageReference& image_;
  Link base_;  // the registry
  RegistryChallenge challenge_;
  bool answered_ = false;
  Secret token_;         // as received
  std::string version_;  // of the manifest that is asked for next
  std::string blob_;     // its digest
  std::size_t due_ = 1;  // so many bytes of it are asked for and have to come
};

}  // namespace culvert
