#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "plan/attributes.h"

namespace defang::plan {
namespace {

/// docs/compose-support.md, written from the table that the code uses.
std::string page() {
  std::string text =
      "# What becomes of Compose on Azure\n\n"
      "Every attribute of a Compose service, and its answer. An attribute without a row of its own has that of the one "
      "above\nit. Written by a test from the table in `src/plan/attributes.cc`; `./dev test --accept` rewrites it.\n\n"
      "| attribute | on Azure | |\n| --- | --- | --- |\n";
  for (const auto& row : attribute_support())
    text += "| `" + std::string(row.path) + "` | " + std::string(name_of(row.verdict)) + " | " +
            std::string(row.reason) + " |\n";
  return text;
}

TEST(ComposeSupport, IsDocumentedAsItIs) {
  const std::string path = DEFANG_SOURCE_DIR "/docs/compose-support.md";
  if (std::getenv("DEFANG_ACCEPT")) std::ofstream(path) << page();
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  EXPECT_EQ(text.str(), page()) << "`./dev test --accept` rewrites it";
}

}  // namespace
}  // namespace defang::plan
