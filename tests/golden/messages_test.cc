// docs/diagnostics.md and docs/common-mistakes.md say what the program says: each of their examples is loaded here. The
// expected text below an example is rewritten by `./dev test --accept`.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>

#include "compose/load.h"
#include "plan/plan.h"
#include "support/text.h"

namespace defang {
namespace {

namespace fs = std::filesystem;

const fs::path kSource = DEFANG_SOURCE_DIR;

std::string read(const fs::path& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

/// A section of a page: files of a project, each a fenced block "```yaml NAME", and what is said of them.
struct Example {
  std::string title;
  std::map<std::string, std::string> files;
  bool as_compose = false;  // "```yaml NAME --loader compose"
  std::size_t line = 0;     // where the files end
};

std::vector<Example> examples_of(const std::vector<std::string>& lines) {
  std::vector<Example> examples;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (lines[i].starts_with("## ")) examples.push_back({.title = lines[i].substr(3)});
    if (!lines[i].starts_with("```") || lines[i].size() == 3 || lines[i] == "```text" || examples.empty()) continue;
    const auto words = split(lines[i], ' ');
    examples.back().as_compose |= lines[i].ends_with("--loader compose");
    std::string text;
    while (lines[++i] != "```") text += lines[i] + "\n";
    if (words.size() > 1) examples.back().files["/project/" + words[1]] = text;
    examples.back().line = i;
  }
  return examples;
}

/// What `defang compose config`, and then planning, says of an example.
Diagnostics said_of(const Example& example) {
  const FakeDisk disk(example.files);
  Diagnostics diagnostics;
  compose::LoadOptions options{.environment = {{"HOME", "/home/you"}, {"ONLY_IN_SHELL", "x"}}};
  if (example.as_compose) options.loader = compose::LoadOptions::Loader::compose;
  const auto project = compose::load(options, disk, diagnostics);
  if (!project || example.as_compose) return diagnostics;
  const plan::Stack stack{.name = "test", .subscription_id = "22222222-2222-2222-2222-222222222222"};
  plan::Facts facts;
  facts.can_assign_roles = true;
  facts.without_dockerfile = plan::services_without_dockerfile(*project, disk);
  plan::build_graph(*project, stack, facts, diagnostics);
  return diagnostics;
}

void write(const fs::path& path, const std::vector<std::string>& lines) {
  std::ofstream file(path, std::ios::binary);
  for (const std::string& line : lines) file << line << "\n";
}

std::vector<std::string> lines_of(const fs::path& path) {
  auto lines = split(read(path), '\n');
  if (!lines.empty() && lines.back().empty()) lines.pop_back();
  return lines;
}

using Rendered = std::vector<std::string>;  // lines that stand below an example

/// Compares what stands below each example with what it should be; from the last example on, as lines move.
template <class Render>
void check_page(const fs::path& path, Render render) {
  auto lines = lines_of(path);
  auto examples = examples_of(lines);
  std::ranges::reverse(examples);
  for (const Example& example : examples) {
    if (example.files.empty()) continue;
    const auto begin = lines.begin() + static_cast<std::ptrdiff_t>(example.line) + 1;
    const auto end = std::find_if(begin, lines.end(), [](const std::string& line) { return line.starts_with("## "); });
    const Rendered actual = render(example, Rendered(begin, end));
    if (std::getenv("DEFANG_ACCEPT")) {
      const auto place = lines.erase(begin, end);
      lines.insert(place, actual.begin(), actual.end());
    } else {
      EXPECT_EQ(join(Rendered(begin, end), "\n"), join(actual, "\n")) << path << ", " << example.title;
    }
  }
  if (std::getenv("DEFANG_ACCEPT")) write(path, lines);
}

TEST(DiagnosticsPage, ShowsWhatIsSaidOfEachExample) {
  check_page(kSource / "docs/diagnostics.md", [](const Example& example, const Rendered&) {
    Rendered lines{"", "```text"};
    bool is_there = false;
    const Diagnostics said = said_of(example);
    for (const Diagnostic& diagnostic : said.all()) {
      is_there |= "`" + diagnostic.code + "`" == example.title;
      for (std::string& line : split(std::string(trim(to_text(diagnostic))), '\n')) lines.push_back(std::move(line));
    }
    EXPECT_TRUE(is_there) << "the example of " << example.title << " does not lead to it";
    lines.insert(lines.end(), {"```", ""});
    return lines;
  });
}

/// Codes by which the messages of all rooms can be told apart.
std::set<std::string> codes_in_source() {
  std::set<std::string> codes;
  for (const auto& entry : fs::recursive_directory_iterator(kSource / "src")) {
    if (entry.path().filename() != "diagnostics.cc") continue;
    const std::string text = read(entry.path());
    const bool is_compose = entry.path().parent_path().filename() == "compose";
    const std::regex pattern(is_compose ? R"re(\b(?:error|warning)\(\s*"([a-z-]+)")re"
                                        : R"re("((?:plan|azure|build|images)\.[a-z-]+)")re");
    for (auto found = std::sregex_iterator(text.begin(), text.end(), pattern); found != std::sregex_iterator(); ++found)
      codes.insert((is_compose ? "compose." : "") + (*found)[1].str());
  }
  return codes;
}

TEST(DiagnosticsPage, HasASectionForEveryCode) {
  std::set<std::string> sections;
  for (const std::string& line : lines_of(kSource / "docs/diagnostics.md"))
    if (line.starts_with("## `")) sections.insert(line.substr(4, line.size() - 5));
  const auto codes = codes_in_source();
  EXPECT_GT(codes.size(), 60U);
  for (const std::string& code : codes) EXPECT_TRUE(sections.contains(code)) << "docs/diagnostics.md lacks " << code;
  for (const std::string& section : sections) EXPECT_TRUE(codes.contains(section)) << section << " is no code";
}

TEST(DiagnosticsPage, HasAnExampleOfEveryMessageOfTheLoader) {
  for (const Example& example : examples_of(lines_of(kSource / "docs/diagnostics.md")))
    EXPECT_TRUE(!example.title.starts_with("`compose.") || !example.files.empty()) << example.title;
}

std::string in_cell(const std::string& text) {
  const std::string ticks = text.contains('`') ? "``" : "`";
  const std::string blank = text.contains('`') ? " " : "";
  return ticks + blank + replace_all(text, "|", "\\|") + blank + ticks;
}

/// A table of one row: what the reference loader says, kept as it stands, and what this one says.
TEST(CommonMistakes, AreToldWithPlaceCauseAndRemedy) {
  std::size_t mistakes = 0;
  check_page(kSource / "docs/common-mistakes.md", [&](const Example& example, const Rendered& old) {
    std::vector<std::string> cells;
    const Diagnostics said = said_of(example);
    for (const Diagnostic& diagnostic : said.all()) {
      if (diagnostic.severity != Diagnostic::Severity::error && !cells.empty()) continue;
      EXPECT_TRUE(diagnostic.span) << example.title << " has no place";
      EXPECT_FALSE(diagnostic.help.empty()) << example.title << " has no remedy: " << diagnostic.message;
      const std::string where = diagnostic.span.text() + ": " + std::string(name_of(diagnostic.severity)) + ": ";
      cells.push_back(in_cell(where + diagnostic.message) + "<br>" + in_cell("help: " + diagnostic.help));
    }
    EXPECT_FALSE(cells.empty()) << example.title;
    ++mistakes;
    const auto row = std::ranges::find_if(old, [](const std::string& line) { return line.starts_with("| `"); });
    const std::string reference = row == old.end() ? "?" : row->substr(2, row->find(" | ") - 2);
    return Rendered{"", "| Docker Compose | defang |", "| --- | --- |",
                    "| " + reference + " | " + join(cells, "<br>") + " |", ""};
  });
  EXPECT_GE(mistakes, 30U);
}

}  // namespace
}  // namespace defang
