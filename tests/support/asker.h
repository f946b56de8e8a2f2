// Looks names up.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "net/resolver.h"

namespace culvert::test {

/// Looks up, and keeps the result.
struct Asker {
  void ask(Loop& loop, const std::string& name, Side side = Side::target) {
    lookup = std::make_unique<Lookup>(loop, name, side,
                                      Callback<void(Lookup::Found)>::to<&Asker::on_found>(this));
  }
  void on_found(Lookup::Found result) {
    ++answers;
    found = std::move(result);
    if (next != nullptr) next->ask(*next_loop, next_name);
    if (victim != nullptr) victim->lookup.reset();
    if (destroy_in_callback) lookup.reset();
  }
  /// The addresses, or the error's text.
  std::string result() const {
    if (!found) return "nothing yet";
    if (!*found) return found->error().text;
    std::string all;
    for (const IpAddress& address : **found) {
      if (!all.empty()) all += ' ';
      all += address.to_string();
    }
    return all;
  }

  std::unique_ptr<Lookup> lookup;
  std::optional<Lookup::Found> found;
  int answers = 0;
  bool destroy_in_callback = false;
  Asker* victim = nullptr;
  Asker* next = nullptr;
  Loop* next_loop = nullptr;
  std::string next_name;
};

}  // namespace culvert::test
