#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "compose/interpolate.h"

namespace defang::compose {

struct EnvFileError {
  std::size_t line = 0;
  std::string message;  // names keys, never values
};
using EnvFileEntries = std::vector<std::pair<std::string, std::string>>;  // each key once, in order of first mention

/// Reads an env file (CS-60..CS-68):
///
///     statement = [ "export " ] KEY ( "=" | ":" ) value | KEY
///     value     = unquoted to the end of line | '...' | "..."
///
/// Variables in values come from `lookup`, then from keys read before.
/// `doubts` are added for values that mean something else than they look like: a quote without its partner.
std::expected<EnvFileEntries, EnvFileError> parse_env_file(std::string_view text, const Lookup& lookup,
                                                           std::vector<EnvFileError>* doubts = nullptr);

}  // namespace defang::compose
