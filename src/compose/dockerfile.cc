#include "compose/dockerfile.h"

#include <algorithm>

#include "support/text.h"

namespace defang::compose {
namespace {

std::vector<std::string> words_of(std::string_view line) {
  std::vector<std::string> words;
  std::string word;
  for (const char c : line) {
    if (c != ' ' && c != '\t' && c != '\r') {
      word += c;
    } else if (!word.empty()) {
      words.push_back(std::move(word));
      word.clear();
    }
  }
  if (!word.empty()) words.push_back(std::move(word));
  return words;
}

/// The parser directive `# escape=` stands before everything else.
char escape_of(std::string_view text) {
  for (const auto& line : split(text, '\n')) {
    const auto trimmed = trim(line);
    if (!trimmed.starts_with('#')) break;
    const auto directive = to_lower(replace_all(std::string(trimmed.substr(1)), " ", ""));
    if (directive.starts_with("escape=") && directive.size() == 8) return directive[7];
  }
  return '\\';
}

std::vector<std::string> instructions(std::string_view text) {
  const char escape = escape_of(text);
  std::vector<std::string> out;
  std::string pending;
  for (const auto& line : split(text, '\n')) {
    const auto trimmed = trim(line);
    if (trimmed.starts_with('#') || trimmed.empty()) continue;
    if (trimmed.back() == escape) {
      pending += std::string(trimmed.substr(0, trimmed.size() - 1)) + " ";
      continue;
    }
    out.push_back(pending + std::string(trimmed));
    pending.clear();
  }
  if (!pending.empty()) out.push_back(pending);
  return out;
}

}  // namespace

bool Dockerfile::has_stage(std::string_view target) const {
  if (target.find('$') != std::string_view::npos) return true;
  if (const auto number = to_number(target)) return *number < stages.size();
  return std::ranges::any_of(stages, [&](const Stage& stage) { return stage.name == to_lower(target); });
}

Dockerfile parse_dockerfile(std::string_view text) {
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  Dockerfile out;
  for (const auto& instruction : instructions(text)) {
    out.is_empty = false;
    auto words = words_of(instruction);
    if (words.empty() || to_upper(words[0]) != "FROM") continue;
    std::erase_if(words, [](const std::string& word) { return word.starts_with("--"); });
    Dockerfile::Stage stage;
    if (words.size() > 1) stage.image = words[1];
    if (words.size() > 3 && to_upper(words[2]) == "AS") stage.name = to_lower(words[3]);
    out.stages.push_back(std::move(stage));
  }
  return out;
}

}  // namespace defang::compose
