#pragma once

#include <string>
#include <utility>

namespace defang {

/// A text that must not be seen: it can be neither printed, compared, hashed nor serialised by accident.
/// reveal() is for the one place that puts it on the wire or into a child's environment; a search for it finds them
/// all.
class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string value) : value_(std::move(value)) {}
  const std::string& reveal() const { return value_; }
  bool empty() const { return value_.empty(); }

 private:
  std::string value_;
};

}  // namespace defang
