#include "deploy/check_build.h"

#include <gtest/gtest.h>

namespace defang::deploy {
namespace {

std::string problems(std::map<std::string, std::string> files, const std::string& target = "",
                     const std::string& dockerfile = "Dockerfile") {
  const FakeDisk disk(std::move(files));
  compose::Build build;
  build.context = "/project/web";
  build.target = target;
  build.dockerfile = dockerfile;
  Diagnostics diagnostics;
  check_build("web", build, disk, diagnostics);
  std::string out;
  for (const auto& row : diagnostics.all()) out += row.code + ": " + row.message + " (" + row.help + ")";
  return out;
}

TEST(CheckBuild, FindsWhatABuilderWouldOnlyFindLater) {
  EXPECT_EQ(problems({}),
            "build.context-missing: the build context `/project/web` of service `web` is not a folder (relative paths "
            "start at the folder of the Compose file)");
  EXPECT_EQ(problems({{"/project/web/a", ""}}),
            "build.dockerfile-missing: service `web` has no Dockerfile: `/project/web/Dockerfile` does not exist "
            "(write one there, name another with `build.dockerfile`, or use `image:`)");
  EXPECT_EQ(problems({{"/project/web/Dockerfile", "# only this\n"}}),
            "build.dockerfile-empty: the Dockerfile of service `web` is empty ()");
  EXPECT_EQ(problems({{"/project/web/Dockerfile", "RUN true\n"}}),
            "build.dockerfile-no-from: the Dockerfile of service `web` has no `FROM` (every stage begins with `FROM "
            "image`)");
  EXPECT_EQ(problems({{"/project/web/Dockerfile", "FROM a AS build\nFROM b AS Final\n"}}, "fianl"),
            "build.stage-missing: the Dockerfile of service `web` has no stage `fianl` (did you mean `final`?)");
}

TEST(CheckBuild, FindsFilesThatTheContextLacksOrLeavesOutWithTheLineThatCopiesThem) {
  EXPECT_EQ(problems({{"/project/web/Dockerfile", "FROM a\nCOPY src ./no /app/\n"}, {"/project/web/src/x", ""}}),
            "build.source-missing: `./no` is not in the build context `/project/web` (paths of COPY and ADD start at "
            "`build.context`)");
  EXPECT_EQ(problems({{"/project/web/Dockerfile", "FROM a\nADD [\"dist/x\", \"/\"]\n"},
                      {"/project/web/dist/x", ""},
                      {"/project/web/.dockerignore", "dist\n"}}),
            "build.source-ignored: `dist/x` is left out of the build context by .dockerignore (add a line `!dist/x` to "
            "it, below the one that leaves it out)");
  EXPECT_EQ(
      problems({{"/project/web/Dockerfile", "FROM a\nCOPY x /\n"},
                {"/project/web/x", ""},
                {"/project/web/.dockerignore", "x\n"},
                {"/project/web/Dockerfile.dockerignore", "[\n"}}),
      "build.ignore-file: the build of service `web` cannot use its .dockerignore: line 1: `[` is no pattern that "
      "a builder understands ()");
}

TEST(CheckBuild, PointsIntoTheDockerfile) {
  const FakeDisk disk(std::map<std::string, std::string>{{"/project/web/Dockerfile", "FROM a\n\nCOPY no /\n"}});
  compose::Build build;
  build.context = "/project/web";
  Diagnostics diagnostics;
  check_build("web", build, disk, diagnostics);
  ASSERT_EQ(diagnostics.all().size(), 1u);
  EXPECT_EQ(diagnostics.all()[0].span.text(), "web/Dockerfile:3:1");
}

TEST(CheckBuild, FindsImagesWithoutANameAndNotesWhatOnlyBuildKitCanDo) {
  EXPECT_EQ(problems({{"/project/web/Dockerfile", "ARG BASE\nFROM $BASE\n"}}),
            "build.stage-without-image: `FROM $BASE` names no image: its variables have no value (give them in "
            "`build.args`, or a default with `ARG NAME=value` before the first `FROM`)");
  EXPECT_EQ(problems({{"/project/web/Dockerfile", "FROM a\nRUN --mount=type=cache,target=/c make\n"}}),
            "build.needs-buildkit: `RUN --mount` needs BuildKit: the registry is asked to build with it ()");
}

TEST(CheckBuild, LeavesToTheBuilderWhatIsNotBuiltOrNotCertain) {
  EXPECT_EQ(problems({{"/project/web/Dockerfile",
                       "FROM a AS one\nCOPY --from=two x y* $Z https://e/z . /\nFROM b AS later\nCOPY no /\n"}},
                     "one"),
            "");
  EXPECT_EQ(problems({{"/project/web/Dockerfile", "FROM a\nCOPY ../src/ . dist /\n"},
                      {"/project/web/src/x", ""},
                      {"/project/web/dist/keep", ""},
                      {"/project/web/.dockerignore", "dist\n!dist/keep\n"}}),
            "");
}

TEST(CheckBuild, PassesWhatCanBeBuilt) {
  EXPECT_EQ(
      problems({{"/project/web/Dockerfile", "ARG V=1\nfrom --platform=linux/amd64 \\\n  x:$V as Final\n"}}, "final"),
      "");
  EXPECT_EQ(problems({{"/project/web/Dockerfile", "FROM x\n"}}, "0"), "");
  EXPECT_EQ(problems({{"/project/web/package.json", "{}"}}), "");
}

}  // namespace
}  // namespace defang::deploy
