#include "compose/project_name.h"

#include "support/text.h"

namespace defang::compose {

std::string normalise_project_name(std::string_view name) {
  std::string out;
  for (const char c : to_lower(name)) {
    const bool is_letter_or_digit = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    const bool is_inner = (c == '_' || c == '-') && !out.empty();
    if (is_letter_or_digit || is_inner) out += c;
  }
  return out;
}

}  // namespace defang::compose
