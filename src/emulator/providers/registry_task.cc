#include "emulator/providers/registry_task.h"

#include <algorithm>

#include "emulator/json.h"
#include "support/text.h"

namespace defang::emulator {
namespace {

struct Line {
  std::size_t indent = 0;
  std::string text;
};

std::vector<Line> lines_of(std::string_view yaml) {
  std::vector<Line> lines;
  for (const std::string& raw : split(yaml, '\n')) {
    const std::string_view text = trim(raw);
    if (text.empty() || text.starts_with('#')) continue;
    lines.push_back({raw.find_first_not_of(' '), std::string(text)});
  }
  return lines;
}

std::string unquoted(std::string_view text) {
  text = trim(text);
  if (text.starts_with('"'))
    if (const auto plain = parse_json(text); plain && plain->is_string()) return plain->get<std::string>();
  if (text.size() >= 2 && (text.front() == '"' || text.front() == '\'') && text.back() == text.front())
    text = text.substr(1, text.size() - 2);
  return std::string(text);
}

/// `["a", "b"]`
std::vector<std::string> flow_list(std::string_view text) {
  std::vector<std::string> items;
  text = trim(text);
  if (!text.starts_with('[') || !text.ends_with(']')) return items;
  for (const std::string& part : split(text.substr(1, text.size() - 2), ','))
    if (!unquoted(part).empty()) items.push_back(unquoted(part));
  return items;
}

/// The value of "key: value", which may go on in deeper lines ("|", ">" or a list of "- item").
struct Value {
  std::string text;
  std::vector<std::string> items;
};
Value value_at(const std::vector<Line>& lines, std::size_t& at, std::string_view rest, std::size_t indent) {
  Value value{unquoted(rest), flow_list(rest)};
  const bool block = rest.empty() || trim(rest) == "|" || trim(rest) == ">" || trim(rest) == ">-" || trim(rest) == "|-";
  if (!block) return value;
  value.text.clear();
  // The items of a list may stand as deep as the key that has them.
  const auto belongs = [&](const Line& line) {
    return line.indent > indent || (line.indent == indent && line.text.starts_with("- "));
  };
  while (at < lines.size() && belongs(lines[at])) {
    const std::string& text = lines[at].text;
    if (text.starts_with("- "))
      value.items.push_back(unquoted(std::string_view(text).substr(2)));
    else
      value.text += (value.text.empty() ? "" : " ") + text;
    ++at;
  }
  return value;
}

}  // namespace

std::vector<TaskStep> read_task(std::string_view yaml) {
  std::vector<TaskStep> steps;
  const std::vector<Line> lines = lines_of(yaml);
  std::size_t at = 0;
  while (at < lines.size()) {
    const Line line = lines[at++];
    if (!line.text.starts_with("- ")) continue;
    const std::string_view text = trim(std::string_view(line.text).substr(2));
    const std::size_t colon = text.find(':');
    if (colon == std::string_view::npos) continue;
    const std::string_view key = text.substr(0, colon);
    Value value = value_at(lines, at, trim(text.substr(colon + 1)), line.indent + 2);
    if (key == "build") steps.push_back({TaskStep::Kind::build, value.text, {}, {}});
    if (key == "cmd") steps.push_back({TaskStep::Kind::command, value.text, {}, {}});
    if (key == "push") steps.push_back({TaskStep::Kind::push, "", value.items, {}});
    while (at < lines.size() && lines[at].indent == line.indent + 2 && !lines[at].text.starts_with("- ")) {
      const std::string_view setting = lines[at++].text;
      const std::size_t end = setting.find(':');
      if (end == std::string_view::npos) continue;
      const Value more = value_at(lines, at, trim(setting.substr(end + 1)), line.indent + 2);
      if (setting.substr(0, end) != "env" || steps.empty()) continue;
      for (const std::string& item : more.items)
        steps.back().environment[item.substr(0, item.find('='))] =
            item.find('=') == std::string::npos ? "" : item.substr(item.find('=') + 1);
    }
  }
  return steps;
}

std::vector<std::string> words_of_command(std::string_view text) {
  std::vector<std::string> words;
  std::string word;
  char quote = 0;
  bool open = false;
  for (char c : text) {
    if (quote != 0) {
      if (c == quote)
        quote = 0;
      else
        word += c;
    } else if (c == '"' || c == '\'') {
      quote = c;
      open = true;
    } else if (c == ' ' || c == '\t' || c == '\n') {
      if (open || !word.empty()) words.push_back(word);
      word.clear();
      open = false;
    } else {
      word += c;
    }
  }
  if (open || !word.empty()) words.push_back(word);
  return words;
}

BuildArguments read_build_arguments(const TaskStep& step) {
  BuildArguments found;
  const auto variable = [&](const std::string& name) {
    const auto set = step.environment.find(name);
    return set == step.environment.end() ? std::string() : set->second;
  };
  const std::vector<std::string> words = words_of_command(step.text);
  for (std::size_t i = 0; i < words.size(); ++i) {
    std::string word = words[i], value;
    const std::size_t equals = word.starts_with("--") ? word.find('=') : std::string::npos;
    const bool takes_value = word == "-t" || word == "--tag" || word == "-f" || word == "--file" ||
                             word == "--target" || word == "--build-arg" || word == "--platform" || word == "--secret";
    if (equals != std::string::npos) {
      value = word.substr(equals + 1);
      word.resize(equals);
    } else if (takes_value && i + 1 < words.size()) {
      value = words[++i];
    }
    if (word == "-t" || word == "--tag") found.images.push_back(value);
    if (word == "-f" || word == "--file") found.dockerfile = value;
    if (word == "--target") found.target = value;
    if (word == "--build-arg")
      found.arguments.emplace_back(value.substr(0, value.find('=')), value.find('=') == std::string::npos
                                                                         ? variable(value)
                                                                         : value.substr(value.find('=') + 1));
    if (word == "--secret") {
      std::string id, source;
      for (const std::string& part : split(value, ',')) {
        if (part.starts_with("id=")) id = part.substr(3);
        if (part.starts_with("env=")) source = part.substr(4);
      }
      found.secrets.emplace_back(id, variable(source.empty() ? id : source));
    }
    if (!word.starts_with('-')) found.context = word;
  }
  return found;
}

std::string packed_image(std::string_view command) {
  const std::vector<std::string> words = words_of_command(command);
  for (std::size_t i = 0; i + 1 < words.size(); ++i)
    if (words[i] == "build" && i > 0 && words[i - 1].find("pack") != std::string::npos) return words[i + 1];
  return {};
}

}  // namespace defang::emulator
