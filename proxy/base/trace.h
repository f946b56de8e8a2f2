#pragma once

#include <memory>
#include <string_view>

namespace culvert {

/// The steps of one session as they are taken, for those who asked to see them.  Whatever may
/// outlive the session owns a part of it.
class Trace : public std::enable_shared_from_this<Trace> {
 public:
  virtual ~Trace() = default;
  /// `text` says what was done, or has come; the lines of a head follow it as lines of their own.
  /// No secret may be in it.
  virtual void step(std::string_view text) = 0;
};

}  // namespace culvert
