#include "emulator/engines/dockerfile.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <map>
#include <set>
#include <utility>

#include "support/text.h"

namespace defang::emulator {
namespace {

std::vector<std::string> words(std::string_view text) {
  std::vector<std::string> out;
  std::string word;
  for (const char c : text) {
    if (c == ' ' || c == '\t') {
      if (!word.empty()) out.push_back(std::exchange(word, {}));
    } else {
      word += c;
    }
  }
  if (!word.empty()) out.push_back(std::move(word));
  return out;
}

/// `<<EOF`, `<<-"EOF"`: the word that ends a here-document; empty where the text begins none.
std::string here_document_end(std::string_view text) {
  const auto at = text.find("<<");
  if (at == std::string_view::npos) return {};
  auto name = text.substr(at + 2);
  if (name.starts_with('-')) name.remove_prefix(1);
  if (name.starts_with('"') || name.starts_with('\'')) name.remove_prefix(1);
  std::size_t size = 0;
  while (size < name.size() && (std::isalnum(static_cast<unsigned char>(name[size])) != 0 || name[size] == '_')) ++size;
  return std::string(name.substr(0, size));
}

DockerInstruction instruction_of(std::string_view text, int line) {
  DockerInstruction made;
  made.line = line;
  text = trim(text);
  const auto end = text.find_first_of(" \t");
  made.keyword = to_upper(text.substr(0, end));
  text = end == std::string_view::npos ? std::string_view() : trim(text.substr(end));
  while (text.starts_with("--")) {
    const auto stop = text.find_first_of(" \t");
    made.flags.emplace_back(text.substr(0, stop));
    text = stop == std::string_view::npos ? std::string_view() : trim(text.substr(stop));
  }
  made.rest = text;
  return made;
}

bool takes_here_documents(const DockerInstruction& instruction) {
  return instruction.keyword == "RUN" || instruction.keyword == "COPY" || instruction.keyword == "ADD";
}

std::string with_arguments(std::string text, const std::map<std::string, std::string>& arguments) {
  for (const auto& [name, value] : arguments) {
    text = replace_all(std::move(text), "${" + name + "}", value);
    text = replace_all(std::move(text), "$" + name, value);
  }
  return text;
}

std::string from_flag(const DockerInstruction& instruction) {
  for (const auto& flag : instruction.flags) {
    if (flag.starts_with("--from=")) return flag.substr(7);
  }
  return {};
}

}  // namespace

std::vector<DockerInstruction> parse_dockerfile(std::string_view text) {
  std::vector<DockerInstruction> out;
  std::string joined;
  int begin = 0;
  int number = 0;
  std::string here_end;
  for (const auto& raw : split(text, '\n')) {
    ++number;
    const auto line = trim(raw);
    if (!here_end.empty()) {
      if (line == here_end) here_end.clear();
      continue;
    }
    if (line.starts_with('#') || (line.empty() && joined.empty())) continue;
    if (joined.empty()) begin = number;
    const bool goes_on = line.ends_with('\\');
    joined += goes_on ? line.substr(0, line.size() - 1) : line;
    if (goes_on) continue;
    out.push_back(instruction_of(std::exchange(joined, {}), begin));
    if (takes_here_documents(out.back())) here_end = here_document_end(out.back().rest);
  }
  if (!trim(joined).empty()) out.push_back(instruction_of(joined, begin));
  return out;
}

std::vector<std::string> unsupported_in(const std::vector<DockerInstruction>& instructions) {
  std::vector<std::string> out;
  for (const auto& one : instructions) {
    if (takes_here_documents(one) && !here_document_end(one.rest).empty()) {
      out.push_back(fmt::format(
          "line {}: {} with a here-document (<<{}) is not supported by the emulator's builder; Azure builds "
          "it. Put the text into a file, or use RUN with &&",
          one.line, one.keyword, here_document_end(one.rest)));
    }
  }
  return out;
}

std::string unknown_to_older_builder(const std::vector<DockerInstruction>& instructions) {
  // Docker 20.10, builder/dockerfile: flags that it parses and refuses, and those that it does not know.
  struct Row {
    std::string_view keyword, flag;
  };
  constexpr auto kRows = std::to_array<Row>({{"ADD", "--checksum"},
                                             {"ADD", "--chmod"},
                                             {"ADD", "--exclude"},
                                             {"ADD", "--keep-git-dir"},
                                             {"ADD", "--link"},
                                             {"COPY", "--chmod"},
                                             {"COPY", "--exclude"},
                                             {"COPY", "--link"},
                                             {"COPY", "--parents"},
                                             {"RUN", "--mount"},
                                             {"RUN", "--network"},
                                             {"RUN", "--security"}});
  for (const auto& one : instructions) {
    for (const auto& row : kRows)
      for (const auto& flag : one.flags)
        if (one.keyword == row.keyword && flag.substr(0, flag.find('=')) == row.flag)
          return fmt::format(
              "the {} option requires BuildKit. Refer to https://docs.docker.com/go/buildkit/ to learn "
              "how to build images with BuildKit enabled",
              row.flag);
    if (takes_here_documents(one) && !here_document_end(one.rest).empty())
      return fmt::format("dockerfile parse error on line {}: unknown instruction after a here-document", one.line);
  }
  return {};
}

std::string without_link_flags(std::string text) {
  std::string out;
  for (const auto& line : split(text, '\n')) {
    const auto keyword = to_upper(trim(line).substr(0, 4));
    const bool copies = keyword == "COPY" || keyword.starts_with("ADD ");
    out += copies ? replace_all(line, " --link ", " ") : line;
    out += '\n';
  }
  out.pop_back();  // split() yields one part more than there are line ends
  return out;
}

std::vector<std::string> images_needed(const std::vector<DockerInstruction>& instructions) {
  std::map<std::string, std::string> arguments;
  std::set<std::string> stages = {"scratch"};
  std::vector<std::string> out;
  bool before_from = true;
  const auto need = [&](const std::string& image) {
    if (image.empty() || stages.contains(to_lower(image)) || to_number(image)) return;
    if (std::ranges::find(out, image) == out.end()) out.push_back(image);
  };
  for (const auto& one : instructions) {
    const auto parts = words(one.rest);
    if (one.keyword == "ARG" && before_from) {
      const auto equals = one.rest.find('=');
      if (equals != std::string::npos) {
        auto value = one.rest.substr(equals + 1);
        if (value.size() >= 2 && value.front() == '"' && value.back() == '"') value = value.substr(1, value.size() - 2);
        arguments[one.rest.substr(0, equals)] = value;
      }
    } else if (one.keyword == "FROM" && !parts.empty()) {
      before_from = false;
      need(with_arguments(parts[0], arguments));
      if (parts.size() == 3 && equals_ignoring_case(parts[1], "AS")) stages.insert(to_lower(parts[2]));
    } else if (one.keyword == "COPY") {
      need(from_flag(one));
    }
  }
  return out;
}

std::vector<ContextPath> context_paths(const std::vector<DockerInstruction>& instructions) {
  std::vector<ContextPath> out;
  for (const auto& one : instructions) {
    if ((one.keyword != "COPY" && one.keyword != "ADD") || !from_flag(one).empty()) continue;
    auto parts = words(one.rest.starts_with('[') ? "" : one.rest);
    if (parts.size() < 2 || !here_document_end(one.rest).empty()) continue;
    parts.pop_back();
    for (const auto& part : parts) {
      if (part.find_first_of("*?[$") == std::string::npos && !part.contains("://")) out.push_back({part, one.line});
    }
  }
  return out;
}

}  // namespace defang::emulator
