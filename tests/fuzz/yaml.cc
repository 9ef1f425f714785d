// Reading YAML: every place lies in the text, and what is read is written as JSON that reads back as the same.
#include <algorithm>

#include "compose/load.h"
#include "compose/read.h"
#include "fuzz.h"

namespace {

using defang::Diagnostics;
using defang::SourceFile;
using defang::SourceSpan;
using defang::compose::Node;

void check_place(const SourceSpan& span, std::string_view text) {
  if (!span || span.line == 0) return;
  const auto lines = static_cast<std::size_t>(std::ranges::count(text, '\n')) + 1;
  PROMISE(span.line <= lines);
  PROMISE(span.column >= 1);
}

void check_places(const Node& node, std::string_view text) {
  check_place(node.span, text);
  for (const Node& item : node.items) check_places(item, text);
  for (const Node::Entry& entry : node.entries) {
    check_place(entry.key_span, text);
    check_places(entry.value, text);
  }
}

bool is_finite(const Node& node) {
  if (node.kind == Node::Kind::number && !(node.number - node.number == 0)) return false;  // .inf and .nan: no JSON
  return std::ranges::all_of(node.items, is_finite) &&
         std::ranges::all_of(node.entries, [](const Node::Entry& entry) { return is_finite(entry.value); });
}

/// As JSON a mapping with such a key is no YAML: see the writer of YAML.
bool has_long_key(const Node& node) {
  return std::ranges::any_of(node.items, has_long_key) ||
         std::ranges::any_of(node.entries, [](const Node::Entry& entry) {
           return entry.key.size() > 150 || has_long_key(entry.value);  // each byte may take six when it is escaped
         });
}

}  // namespace

void examine(std::string_view input) {
  Diagnostics diagnostics;
  const auto file = std::make_shared<SourceFile>("compose.yaml", std::string(input));
  const auto documents = defang::compose::read_documents(file, diagnostics);
  PROMISE(documents || diagnostics.has_errors());
  for (const auto& diagnostic : diagnostics.all()) {
    check_place(diagnostic.span, input);
    PROMISE(!defang::to_text(diagnostic).empty());
  }
  if (!documents || diagnostics.has_errors()) return;
  for (const Node& document : *documents) {
    check_places(document, input);
    if (!document.is_mapping() || !is_finite(document)) continue;
    for (const auto& write : {defang::compose::to_json, defang::compose::to_yaml}) {
      if (write == defang::compose::to_json && has_long_key(document)) continue;
      const std::string once = write(document);
      Diagnostics second;
      const auto again = defang::compose::read_documents(std::make_shared<SourceFile>("again", once), second);
      PROMISE(again && !second.has_errors());
      PROMISE(again->empty() || write(again->front()) == once);
    }
  }
}
