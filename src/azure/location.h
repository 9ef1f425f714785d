#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace defang::azure {

/// An Azure region, in the form that requests use: lower-case without blanks (ARM-130). "West US 3" is "westus3".
class Location {
 public:
  /// Nothing for text that cannot be a region's name.
  static std::optional<Location> parse(std::string_view text);

  const std::string& text() const { return text_; }
  friend bool operator==(const Location&, const Location&) = default;

 private:
  explicit Location(std::string text) : text_(std::move(text)) {}
  std::string text_;
};

/// "West US 3" for "westus3"; the text itself for a region that the table lacks.
std::string display_name(const Location& location);

/// What storage host names end in where `location` is: "core.windows.net".
std::string_view storage_suffix(std::string_view location);

}  // namespace defang::azure
