#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace defang::compose {

/// Splits a command as a shell does, without expanding anything (CS-140). Like the reference loader it stops at an
/// unquoted `;`, `&`, `|`, `<` or `>`. Nothing: a quote without end, a trailing backslash, or a parenthesis.
std::optional<std::vector<std::string>> split_shell_words(std::string_view text);

}  // namespace defang::compose
