// Interpolation: text without a dollar stays as it is, and the pieces of a text make up the text.
#include "compose/interpolate.h"

#include "fuzz.h"

void examine(std::string_view input) {
  using namespace defang::compose;
  const Lookup lookup = [](std::string_view name) -> std::optional<std::string> {
    if (name.starts_with('U')) return std::nullopt;
    if (name.starts_with('E')) return "";
    return "<" + std::string(name) + "$X>";
  };
  for (const Unset unset : {Unset::blank, Unset::config}) {
    const auto result = substitute(input, lookup, unset);
    if (!input.contains('$')) PROMISE(result && result->text == input && !result->from_variable);
    if (!result) continue;
    if (input.contains('\xEF')) continue;  // no part of a mark, not even a torn one
    if (unset == Unset::blank) PROMISE(!has_marks(result->text));
    std::string joined;
    for (const TextPiece& piece : pieces_of(result->text))
      joined += piece.is_config ? "${" + piece.text + "}" : piece.text;
    PROMISE(joined == without_marks(result->text));
  }
}
