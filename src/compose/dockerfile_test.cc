#include "compose/dockerfile.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "support/text.h"

namespace defang::compose {
namespace {

/// "3 RUN[0] a b": line, name, stage and arguments of every instruction.
std::string read(std::string_view text) {
  std::string out;
  for (const auto& row : parse_dockerfile(text).instructions) {
    const std::string stage = row.stage == Dockerfile::kBeforeStages ? "-" : std::to_string(row.stage);
    out += fmt::format("{} {}[{}] {}\n", row.line, row.name, stage, row.arguments);
  }
  return out;
}

TEST(Dockerfile, LinesGoOnBehindTheEscapeCharacterAcrossCommentsAndEmptyLines) {
  EXPECT_EQ(read("FROM x\nRUN a && \\\n# comment\n\n  b\nCMD c\\\\\nUSER u"),
            "1 FROM[0] x\n2 RUN[0] a &&   b\n6 CMD[0] c\\\\\n7 USER[0] u\n");
  EXPECT_EQ(read("# escape=`\nFROM x\nCOPY a `\n  C:\\\n"), "2 FROM[0] x\n3 COPY[0] a   C:\\\n");
}

TEST(Dockerfile, HereDocumentsAreNotInstructions) {
  EXPECT_EQ(read("FROM x\nRUN <<EOF && cat <<-'B'\nFROM no\nEOF\n\tCOPY no /\n\tB\nCMD y\n"),
            "1 FROM[0] x\n2 RUN[0] <<EOF && cat <<-'B'\n7 CMD[0] y\n");
  EXPECT_EQ(read("FROM x\nRUN [\"a\", \"<<EOF\"]\nCMD y\n"), "1 FROM[0] x\n2 RUN[0] [\"a\", \"<<EOF\"]\n3 CMD[0] y\n");
}

TEST(Dockerfile, StagesHaveNamesAndNumbers) {
  const auto dockerfile = parse_dockerfile("ARG V=1 W\nfrom --platform=linux/amd64 x:$V as Build\nFROM build\n");
  EXPECT_EQ(dockerfile.stage("BUILD"), 0u);
  EXPECT_EQ(dockerfile.stage("1"), 1u);
  EXPECT_EQ(dockerfile.stage(""), 1u);
  EXPECT_EQ(dockerfile.stage("${T}"), 1u);
  EXPECT_FALSE(dockerfile.stage("2"));
}

TEST(Dockerfile, ImagesAreNamedByArgumentsOfTheFirstLines) {
  const auto dockerfile =
      parse_dockerfile("ARG V=1\nARG W\nFROM x:${V}\nFROM ${W}\nFROM ${U:-y}\nFROM $BUILDPLATFORM/x\n");
  const auto image = [&](std::size_t stage, std::optional<std::string> given) {
    return dockerfile.image_of(dockerfile.stages[stage], [&](std::string_view) { return given; });
  };
  EXPECT_EQ(image(0, std::nullopt), "x:1");
  EXPECT_EQ(image(0, "2"), "x:2");
  EXPECT_EQ(image(1, std::nullopt), "");
  EXPECT_EQ(image(2, "2"), "y");  // not declared, so not given
  EXPECT_EQ(image(3, std::nullopt), std::nullopt);
}

TEST(Dockerfile, CopiesNameWhatTheyTakeFromTheContext) {
  const auto copies =
      parse_dockerfile(
          "FROM x AS a\nCOPY --chown=1 p \"q\" /\nFROM y\nCOPY --from=a p /\nADD https://e/x git@h:r z /\n"
          "COPY [\"a b\", \"/\"]\nCOPY <<F s /\nf\nF\n")
          .copies();
  std::string out;
  for (const auto& copy : copies) out += fmt::format("{}[{}] {}\n", copy.line, copy.stage, join(copy.sources, "|"));
  EXPECT_EQ(out, "2[0] p|q\n5[1] z\n6[1] a b\n7[1] s\n");
}

TEST(Dockerfile, KnowsWhatOnlyBuildKitCanDo) {
  std::string out;
  for (const auto& row :
       parse_dockerfile("FROM x\nRUN --mount=type=cache,target=/c a\nCOPY --link a /\nCOPY --chown=1 a /\nRUN <<E\nE\n")
           .instructions)
    out += needs_buildkit(row).value_or("-") + "\n";
  EXPECT_EQ(out, "-\nRUN --mount\nCOPY --link\n-\nRUN <<E\n");
}

}  // namespace
}  // namespace defang::compose
