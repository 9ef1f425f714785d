#pragma once

#include <span>
#include <string_view>

namespace defang::emulator {

/// A built-in role. Actions are separated by blanks; `*` stands for any text.
struct Role {
  std::string_view id;
  std::string_view name;
  std::string_view description;
  std::string_view actions;
  std::string_view not_actions;
  std::string_view data_actions;
};

std::span<const Role> built_in_roles();
const Role* find_role(std::string_view id);
/// Does any of the patterns fit the action? Without case.
bool fits_any(std::string_view patterns, std::string_view action);

}  // namespace defang::emulator
