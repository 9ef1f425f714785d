#include "support/diagnostic.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace defang {
namespace {

/// The text of a 1-based line without its line end.
std::string_view line_of(const SourceFile& file, std::size_t line) {
  std::string_view rest = file.text;
  for (std::size_t i = 1; i < line; ++i) {
    const auto end = rest.find('\n');
    if (end == std::string_view::npos) return {};
    rest.remove_prefix(end + 1);
  }
  rest = rest.substr(0, rest.find('\n'));
  if (rest.ends_with('\r')) rest.remove_suffix(1);
  return rest;
}

std::size_t sequence_length(unsigned char lead) {
  if (lead >= 0xF0 && lead < 0xF8) return 4;
  if (lead >= 0xE0) return 3;
  return lead >= 0xC2 ? 2 : 1;
}

/// As a terminal may see it: what controls it, and bytes that are no UTF-8, are shown as `?`.
std::string printable(std::string_view line) {
  std::string out;
  for (std::size_t i = 0; i < line.size();) {
    const auto lead = static_cast<unsigned char>(line[i]);
    const std::size_t length = sequence_length(lead);
    const auto tail = line.substr(i + 1, length - 1);
    const bool is_whole = tail.size() + 1 == length && std::ranges::all_of(tail, [](char c) {
                            return (static_cast<unsigned char>(c) & 0xC0) == 0x80;
                          });
    const bool is_shown = lead < 0x80 ? (lead >= 0x20 && lead != 0x7F) || lead == '\t' : length > 1 && lead < 0xF8;
    if (is_whole && is_shown)
      out += line.substr(i, length);
    else
      out += '?';
    i += is_whole ? length : 1;
  }
  return out;
}

/// The line and a caret line under it; tabs stay tabs, so that the caret stands where the eye expects it.
std::string excerpt(const SourceSpan& span) {
  if (!span || span.line == 0) return "";
  const std::string_view line = line_of(*span.file, span.line);
  if (line.empty()) return "";
  constexpr std::size_t kMaxShown = 200;
  const std::size_t column = std::min(span.column == 0 ? 1 : span.column, line.size() + 1);
  if (column > kMaxShown) return "";
  std::string caret;
  for (std::size_t i = 0; i + 1 < column; ++i) {
    if (line[i] == '\t') {
      caret += '\t';
    } else if ((static_cast<unsigned char>(line[i]) & 0xC0) != 0x80) {  // one column for a whole UTF-8 sequence
      caret += ' ';
    }
  }
  caret += '^';
  const std::size_t room = line.size() + 1 > column ? line.size() + 1 - column : 1;
  const std::size_t length = std::min({std::max<std::size_t>(span.length, 1), room, kMaxShown});
  caret.append(length > 1 ? length - 1 : 0, '~');
  return fmt::format("    {}\n    {}\n", printable(line.substr(0, kMaxShown)), caret);
}

}  // namespace

std::string_view name_of(Diagnostic::Severity severity) {
  switch (severity) {
    case Diagnostic::Severity::error:
      return "error";
    case Diagnostic::Severity::warning:
      return "warning";
    case Diagnostic::Severity::note:
      return "note";
  }
  return "error";
}

void Diagnostics::add(Diagnostic diagnostic) {
  if (diagnostic.severity == Diagnostic::Severity::error) ++errors_;
  all_.push_back(std::move(diagnostic));
}

void Diagnostics::error(std::string code, std::string message, SourceSpan span, std::string help) {
  add({Diagnostic::Severity::error, std::move(code), std::move(message), std::move(span), std::move(help), {}});
}

void Diagnostics::warning(std::string code, std::string message, SourceSpan span, std::string help) {
  add({Diagnostic::Severity::warning, std::move(code), std::move(message), std::move(span), std::move(help), {}});
}

void Diagnostics::note(std::string code, std::string message, SourceSpan span, std::string help) {
  add({Diagnostic::Severity::note, std::move(code), std::move(message), std::move(span), std::move(help), {}});
}

std::string to_text(const Diagnostic& diagnostic) {
  std::string text;
  if (diagnostic.span) text += diagnostic.span.text() + ": ";
  text += fmt::format("{}: {} [{}]\n", name_of(diagnostic.severity), diagnostic.message, diagnostic.code);
  text += excerpt(diagnostic.span);
  for (const auto& related : diagnostic.related) {
    text += fmt::format("  {}{}\n", related.span ? related.span.text() + ": " : "", related.message);
    text += excerpt(related.span);
  }
  if (!diagnostic.help.empty()) text += fmt::format("  help: {}\n", diagnostic.help);
  return text;
}

}  // namespace defang
