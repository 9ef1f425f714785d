#pragma once

#include <chrono>
#include <span>
#include <string_view>

#include "support/result.h"

/// What Azure's errors mean for us: a table, most specific row first.
namespace defang::deploy {

struct KnownError {
  std::string_view code;     // Azure's; empty: any
  std::string_view pattern;  // stands in the message, without case; empty: any
  std::string_view meaning;  // a few words, shown while it is waited out
  std::string_view help;     // what the user can do; empty where waiting is all
  std::string_view link;     // where Azure explains it
  /// The same request may succeed a little later: a fresh role assignment has not spread, another write is going on.
  std::chrono::minutes again_for{0};
  /// Only while rights given by this run may still be spreading (ARM-45); otherwise the answer is final.
  bool needs_fresh_rights = false;
};

std::span<const KnownError> known_errors();

/// nullptr: nothing known about it.
/// Rows about fresh rights count only while there are any.
const KnownError* find_known_error(const Error& error, bool rights_are_fresh);

/// Adds remedy, cause and link where the table has some and the error has no help. Azure's words stay as they are.
Error explained(Error error);

/// How long to go on repeating; zero: the answer is final.
std::chrono::minutes worth_repeating(const Error& error, bool rights_are_fresh);

}  // namespace defang::deploy
