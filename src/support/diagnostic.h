#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "support/source_span.h"

namespace defang {

/// Something to say about the user's files. Each has a stable code such as "compose.unknown-key".
struct Diagnostic {
  enum class Severity { error, warning, note };
  Severity severity = Severity::error;
  std::string code;
  std::string message;  // lower-case start, no full stop, names in backticks
  SourceSpan span;
  std::string help;  // empty where there is nothing to advise
  struct Related {
    std::string message;
    SourceSpan span;
  };
  std::vector<Related> related;  // the other place of a conflict, the chain of an `extends`
};

std::string_view name_of(Diagnostic::Severity severity);

/// Collects the diagnostics of one run, so that it reports all of a project's mistakes.
class Diagnostics {
 public:
  void add(Diagnostic diagnostic);
  void error(std::string code, std::string message, SourceSpan span, std::string help = "");
  void warning(std::string code, std::string message, SourceSpan span, std::string help = "");
  void note(std::string code, std::string message, SourceSpan span, std::string help = "");

  bool has_errors() const { return errors_ > 0; }
  std::size_t error_count() const { return errors_; }
  const std::vector<Diagnostic>& all() const { return all_; }

 private:
  std::vector<Diagnostic> all_;
  std::size_t errors_ = 0;
};

/// The form of design.md section 5: `file:line:col: error: ... [code]`, the line, a caret line, `help:`, one related
/// place a block.
std::string to_text(const Diagnostic& diagnostic);

}  // namespace defang
