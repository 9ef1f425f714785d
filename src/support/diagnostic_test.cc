#include "support/diagnostic.h"

#include <gmock/gmock.h>

namespace defang {
namespace {

SourceSpan span(std::string text, std::size_t line, std::size_t column, std::size_t length) {
  return {std::make_shared<SourceFile>("compose.yaml", std::move(text)), line, column, length};
}

TEST(DiagnosticText, ShowsPlaceLineCaretAndHelp) {
  EXPECT_EQ(to_text({Diagnostic::Severity::error,
                     "compose.unknown-key",
                     "unknown key `prots` in service `web`",
                     span("services:\n  web:\n    prots: [\"80:80\"]\n", 3, 5, 5),
                     "did you mean `ports`?",
                     {}}),
            "compose.yaml:3:5: error: unknown key `prots` in service `web` [compose.unknown-key]\n"
            "        prots: [\"80:80\"]\n"
            "        ^~~~~\n"
            "  help: did you mean `ports`?\n");
}

TEST(DiagnosticText, PutsTheCaretUnderTheCharacterAlsoAfterTabsAndUmlauts) {
  EXPECT_EQ(to_text({Diagnostic::Severity::warning, "x", "m", span("\tä: b\n", 1, 5, 1), "", {}}),
            "compose.yaml:1:5: warning: m [x]\n    \tä: b\n    \t  ^\n");
}

TEST(DiagnosticText, DoesWithoutALineWhereThereIsNone) {
  EXPECT_EQ(to_text({Diagnostic::Severity::error, "x", "m", {}, "", {}}), "error: m [x]\n");
}

TEST(DiagnosticText, ShowsNothingOfAFileThatATerminalWouldObey) {
  const auto file = std::make_shared<SourceFile>("compose.yaml", "image: \"\xff\x1b[2Jü\"\n");
  EXPECT_THAT(to_text({.code = "x", .message = "m", .span = {file, 1, 9, 1}, .help = "", .related = {}}),
              testing::HasSubstr("    image: \"??[2Jü\"\n            ^\n"));
}

}  // namespace
}  // namespace defang
