#pragma once

#include <utility>

namespace culvert {

template <typename Signature>
class Callback;

/// A method to call on an object that the caller does not own: two pointers, no allocation.  The
/// object must outlive the callback or unset it; every asynchronous class here guarantees that
/// after its destruction (or stop(), or close()) it calls nothing any more.
template <typename... Args>
class Callback<void(Args...)> {
 public:
  Callback() = default;

  /// Callback<void(int)>::to<&Session::on_number>(session)
  template <auto Method, typename T>
  static Callback to(T* object) {
    Callback callback;
    callback.object_ = object;
    callback.call_ = [](void* target, Args... args) {
      (static_cast<T*>(target)->*Method)(std::forward<Args>(args)...);
    };
    return callback;
  }

  void operator()(Args... args) const { call_(object_, std::forward<Args>(args)...); }
  explicit operator bool() const { return call_ != nullptr; }

 private:
  void* object_ = nullptr;
  void (*call_)(void*, Args...) = nullptr;
};

}  // namespace culvert
