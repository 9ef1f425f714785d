#include "compose/dockerfile.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "compose/interpolate.h"
#include "support/text.h"

namespace defang::compose {
namespace {

constexpr std::string_view kBlanks = " \t\v\f\r";

std::string_view without_start(std::string_view text) {
  const std::size_t first = text.find_first_not_of(kBlanks);
  return first == std::string_view::npos ? std::string_view() : text.substr(first);
}

std::vector<std::string> words_of(std::string_view line) {
  std::vector<std::string> words;
  while (!(line = without_start(line)).empty()) {
    const std::size_t end = std::min(line.find_first_of(kBlanks), line.size());
    words.emplace_back(line.substr(0, end));
    line.remove_prefix(end);
  }
  return words;
}

/// Takes the next word off.
std::string_view take_word(std::string_view& line) {
  line = without_start(line);
  const std::string_view word = line.substr(0, line.find_first_of(kBlanks));
  line = without_start(line.substr(word.size()));
  return word;
}

/// Parser directives, `# escape=x` among them, stand before everything else, one a line.
char escape_of(std::string_view text) {
  for (const auto& line : split(text, '\n')) {
    const auto trimmed = trim(line);
    if (!trimmed.starts_with('#')) break;
    const std::size_t equals = trimmed.find('=');
    if (equals == std::string_view::npos) break;
    const auto value = trim(trimmed.substr(equals + 1));
    if (to_lower(trim(trimmed.substr(1, equals - 1))) == "escape" && (value == "`" || value == "\\")) return value[0];
  }
  return '\\';
}

/// "EOF" of `<<EOF`, `3<<-"EOF"`; nothing for any other word.
std::optional<std::string> heredoc_of(std::string_view word) {
  word.remove_prefix(std::min(word.find_first_not_of("0123456789"), word.size()));
  if (!word.starts_with("<<")) return std::nullopt;
  word.remove_prefix(word.starts_with("<<-") ? 3 : 2);
  std::string name;
  for (const char c : word) {
    if (c == '<') return std::nullopt;
    if (c != '"' && c != '\'') name += c;
  }
  if (name.empty()) return std::nullopt;
  return name;
}

bool is_json_list(std::string_view arguments) {
  return nlohmann::json::accept(arguments) && without_start(arguments).starts_with('[');
}

bool may_have_heredocs(const Dockerfile::Instruction& instruction) {
  constexpr auto kNames = std::to_array<std::string_view>({"ADD", "COPY", "ONBUILD", "RUN"});
  return std::ranges::find(kNames, instruction.name) != kNames.end() && !is_json_list(instruction.arguments);
}

class Parser {
 public:
  explicit Parser(std::string_view text) : escape_(escape_of(text)), lines_(split(text, '\n')) {}

  Dockerfile run() {
    while (at_ < lines_.size()) {
      const std::size_t line = at_ + 1;
      const std::string text = logical_line();
      if (!text.empty()) add(text, line);
    }
    return std::move(out_);
  }

 private:
  static bool is_comment(std::string_view line) { return without_start(line).starts_with('#'); }

  /// Does the line go on? Then without the escape character at its end, which another one in front of it undoes.
  bool take_continuation(std::string_view& line) const {
    const std::size_t last = line.find_last_not_of(" \t");
    if (last == std::string_view::npos || line[last] != escape_ || (last > 0 && line[last - 1] == escape_))
      return false;
    line = line.substr(0, last);
    return true;
  }

  std::string_view next_line() {
    std::string_view line = lines_[at_++];
    if (line.ends_with('\r')) line.remove_suffix(1);
    return line;
  }

  /// Comments and empty lines between continued lines count for nothing.
  std::string logical_line() {
    std::string_view line = without_start(next_line());
    if (line.starts_with('#')) return "";
    bool goes_on = take_continuation(line);
    std::string text(line);
    while (goes_on && at_ < lines_.size()) {
      line = next_line();
      if (is_comment(line) || without_start(line).empty()) continue;
      goes_on = take_continuation(line);
      text += line;
    }
    return std::string(trim(text));
  }

  void add(std::string_view text, std::size_t line) {
    Dockerfile::Instruction instruction;
    instruction.name = to_upper(take_word(text));
    instruction.line = line;
    while (text.starts_with("--") && text.size() > 2 && !kBlanks.contains(text[2]))
      instruction.flags.emplace_back(take_word(text));
    instruction.arguments = text;
    if (instruction.name == "FROM") add_stage(instruction);
    if (instruction.name == "ARG" && out_.stages.empty()) add_arguments(instruction);
    if (!out_.stages.empty()) instruction.stage = out_.stages.size() - 1;
    if (may_have_heredocs(instruction)) skip_heredocs(instruction);
    out_.instructions.push_back(std::move(instruction));
  }

  void add_stage(const Dockerfile::Instruction& from) {
    const auto words = words_of(from.arguments);
    Dockerfile::Stage stage{.line = from.line};
    if (!words.empty()) stage.image = words[0];
    if (words.size() > 2 && equals_ignoring_case(words[1], "AS")) stage.name = to_lower(words[2]);
    out_.stages.push_back(std::move(stage));
  }

  void add_arguments(const Dockerfile::Instruction& instruction) {
    for (const std::string& word : words_of(instruction.arguments)) {
      const std::size_t equals = word.find('=');
      Dockerfile::Argument argument{.name = word.substr(0, equals), .value = std::nullopt};
      if (equals != std::string::npos) {
        argument.value = word.substr(equals + 1);
        std::erase_if(*argument.value, [](char c) { return c == '"' || c == '\''; });
      }
      out_.arguments.push_back(std::move(argument));
    }
  }

  void skip_heredocs(Dockerfile::Instruction& instruction) {
    for (const std::string& word : words_of(instruction.arguments)) {
      const auto name = heredoc_of(word);
      if (!name) continue;
      const bool tabs_go = word.contains("<<-");
      while (at_ < lines_.size()) {
        std::string_view line = next_line();
        if (tabs_go) line.remove_prefix(std::min(line.find_first_not_of('\t'), line.size()));
        if (line == *name) break;
      }
      instruction.heredocs.push_back(*name);
    }
  }

  char escape_;
  std::vector<std::string> lines_;
  std::size_t at_ = 0;
  Dockerfile out_;
};

/// ADD fetches these itself.
bool is_remote(std::string_view source) {
  constexpr auto kSchemes =
      std::to_array<std::string_view>({"ftp://", "git://", "git@", "http://", "https://", "ssh://"});
  return std::ranges::any_of(kSchemes, [&](auto scheme) { return source.starts_with(scheme); });
}

std::vector<std::string> sources_of(const Dockerfile::Instruction& instruction) {
  std::vector<std::string> words;
  if (is_json_list(instruction.arguments)) {
    for (const auto& item : nlohmann::json::parse(instruction.arguments))
      if (item.is_string()) words.push_back(item.get<std::string>());
  } else {
    words = words_of(instruction.arguments);
    for (std::string& word : words) std::erase_if(word, [](char c) { return c == '"' || c == '\''; });
  }
  if (!words.empty()) words.pop_back();  // where to
  std::erase_if(words, [](const std::string& word) { return heredoc_of(word) || is_remote(word); });
  return words;
}

}  // namespace

std::optional<std::string> Dockerfile::Instruction::flag(std::string_view flag_name) const {
  for (const std::string& flag : flags) {
    const std::string_view text = std::string_view(flag).substr(2);
    if (text == flag_name) return "";
    if (text.starts_with(flag_name) && text.substr(flag_name.size()).starts_with('='))
      return std::string(text.substr(flag_name.size() + 1));
  }
  return std::nullopt;
}

std::optional<std::size_t> Dockerfile::stage(std::string_view target) const {
  if (stages.empty()) return std::nullopt;
  if (target.empty() || target.contains('$')) return stages.size() - 1;
  const auto found = std::ranges::find(stages, to_lower(target), &Stage::name);
  if (found != stages.end()) return static_cast<std::size_t>(found - stages.begin());
  if (const auto number = to_number(target); number && *number < stages.size()) return *number;
  return std::nullopt;
}

std::vector<Dockerfile::Copy> Dockerfile::copies() const {
  std::vector<Copy> out;
  for (const Instruction& instruction : instructions) {
    if (instruction.name != "COPY" && instruction.name != "ADD") continue;
    if (instruction.stage == kBeforeStages || instruction.flag("from")) continue;
    out.push_back({sources_of(instruction), instruction.line, instruction.stage});
  }
  return out;
}

std::optional<std::string> Dockerfile::image_of(
    const Stage& stage, const std::function<std::optional<std::string>(std::string_view)>& given) const {
  bool is_known = true;
  const Lookup lookup = [&](std::string_view name) -> std::optional<std::string> {
    // Build platform arguments are set by the builder.
    if (name.starts_with("BUILD") || name.starts_with("TARGET")) is_known = false;
    const auto declared = std::ranges::find(arguments, name, &Argument::name);
    if (declared == arguments.end()) return std::nullopt;
    if (auto value = given(name)) return value;
    if (declared->value && declared->value->contains('$')) is_known = false;  // made of other arguments
    return declared->value;
  };
  const auto image = substitute(stage.image, lookup, Unset::blank);
  if (!image || !is_known) return std::nullopt;
  return image->text;
}

Dockerfile parse_dockerfile(std::string_view text) {
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  return Parser(text).run();
}

std::optional<std::string> needs_buildkit(const Dockerfile::Instruction& instruction) {
  // Dockerfile reference: "Requires Docker BuildKit", or a minimum version of the Dockerfile frontend.
  struct Row {
    std::string_view instruction, flag;
  };
  constexpr auto kRows = std::to_array<Row>({
      {"ADD", "checksum"},
      {"ADD", "chmod"},
      {"ADD", "exclude"},
      {"ADD", "keep-git-dir"},
      {"ADD", "link"},
      {"ADD", "unpack"},
      {"COPY", "chmod"},
      {"COPY", "exclude"},
      {"COPY", "link"},
      {"COPY", "parents"},
      {"RUN", "device"},
      {"RUN", "mount"},
      {"RUN", "network"},
      {"RUN", "security"},
  });
  for (const Row& row : kRows)
    if (instruction.name == row.instruction && instruction.flag(row.flag))
      return std::string(row.instruction) + " --" + std::string(row.flag);
  if (!instruction.heredocs.empty()) return instruction.name + " <<" + instruction.heredocs[0];
  return std::nullopt;
}

}  // namespace defang::compose
