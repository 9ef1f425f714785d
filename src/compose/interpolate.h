#pragma once

#include <expected>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "compose/node.h"
#include "compose/project.h"
#include "support/diagnostic.h"

namespace defang::compose {

/// Where the values of variables come from; nothing for an unset one.
using Lookup = std::function<std::optional<std::string>(std::string_view name)>;

/// What becomes of a plain `${X}` that has no value.
enum class Unset {
  blank,   // "", with a warning (CS-42)
  config,  // stays, marked, to be taken from config when deploying (DM-2)
};

struct SubstitutionError {
  enum class Kind { malformed, required, too_long };
  Kind kind = Kind::malformed;
  std::string variable;  // of a required one
  std::string message;   // what the user wrote behind `:?`, without the values of variables
};

struct Substituted {
  std::string text;
  bool from_variable = false;      // some variable's value is in the text
  std::vector<std::string> unset;  // variables that became blank or config
};

/// Compose's interpolation of one text (CS-40..CS-44):
///
///     text     = ( "$$" | "$" NAME | "${" NAME [ operator text ] "}" | any )*
///     operator = ":-" | "-" | ":?" | "?" | ":+" | "+"
std::expected<Substituted, SubstitutionError> substitute(std::string_view text, const Lookup& lookup, Unset unset);

// A `${X}` that stays (Unset::config) must not be taken for the literal text "${X}" that `$${X}` gives, wherever it is
// carried to: between these two marks, which are no characters, stands the variable's name.
inline constexpr std::string_view kConfigStart = "\xEF\xB7\x90";  // U+FDD0
inline constexpr std::string_view kConfigEnd = "\xEF\xB7\x91";    // U+FDD1

/// What one `$X` or `${X...}` says of its variable.
struct VariableUse {
  std::string name;
  bool required = false;
  std::string default_value;
  std::string alternate_value;
};
/// All of a text, those within defaults and alternatives after the one that they belong to.
std::vector<VariableUse> variable_uses(std::string_view text);

/// The text with its marked variables as `${X}`.
std::string without_marks(std::string_view text);
bool has_marks(std::string_view text);
/// Literal pieces and configs, in order; empty literals are left out.
std::vector<TextPiece> pieces_of(std::string_view text);

/// Hears of variables that became blank or config.
using OnUnset = std::function<void(const std::string& name, const SourceSpan& span)>;

/// Interpolates every text of a document (never a key), then turns texts into numbers and booleans where the attribute
/// wants one (CS-45, CS-46).
void interpolate(Node& document, const Lookup& lookup, Unset unset, const OnUnset& on_unset, Diagnostics& diagnostics);
/// Only the second half, for `--no-interpolate`.
void convert_types(Node& document, Diagnostics& diagnostics);

}  // namespace defang::compose
