#include "compose/shell_words.h"

namespace defang::compose {

std::optional<std::vector<std::string>> split_shell_words(std::string_view text) {
  std::vector<std::string> words;
  std::string word;
  bool in_word = false;
  char quote = 0;  // ' " ` or ( for $(...)
  const auto finish = [&] {
    if (in_word) words.push_back(word);
    word.clear();
    in_word = false;
  };
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    if (c == '\\' && quote != '\'') {
      if (++at == text.size()) return std::nullopt;
      word += text[at];
      in_word = true;
    } else if (quote == '\'' || quote == '"') {
      if (c == quote) {
        quote = 0;
      } else {
        word += c;
      }
    } else if (quote == '`' || quote == '(') {
      word += c;
      if (c == (quote == '(' ? ')' : '`')) quote = 0;
    } else if (c == '\'' || c == '"') {
      quote = c;
      in_word = true;
    } else if (c == '`' || (c == '(' && word.ends_with('$'))) {
      quote = c;
      word += c;
      in_word = true;
    } else if (c == '(' || c == ')') {
      return std::nullopt;
    } else if (c == ' ' || c == '\t' || c == '\r' || c == '\n') {
      finish();
    } else if (c == ';' || c == '&' || c == '|' || c == '<' || c == '>') {
      break;
    } else {
      word += c;
      in_word = true;
    }
  }
  if (quote != 0) return std::nullopt;
  finish();
  return words;
}

}  // namespace defang::compose
