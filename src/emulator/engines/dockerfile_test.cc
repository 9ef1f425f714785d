#include "emulator/engines/dockerfile.h"

#include <gmock/gmock.h>

namespace defang::emulator {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(Dockerfile, NamesTheImagesThatArePulled) {
  EXPECT_THAT(images_needed(parse_dockerfile("ARG BASE=node:20\n"
                                             "FROM ${BASE} AS Build\n"
                                             "COPY . .\n"
                                             "FROM scratch\n"
                                             "COPY --from=build /a /a\n"
                                             "COPY --from=0 /b /b\n"
                                             "COPY --from=busybox:1 /bin/sh /bin/sh\n")),
              ElementsAre("node:20", "busybox:1"));
}

TEST(Dockerfile, JoinsContinuedLinesAndSkipsComments) {
  const auto instructions = parse_dockerfile("# syntax=docker/dockerfile:1\nFROM a\nrun one && \\\n  # why\n  two\n");
  ASSERT_EQ(instructions.size(), 2u);
  EXPECT_EQ(instructions[1].keyword, "RUN");
  EXPECT_EQ(instructions[1].rest, "one && two");
  EXPECT_EQ(instructions[1].line, 3);
}

TEST(Dockerfile, SaysWhichLineHasAHereDocument) {
  const auto found = unsupported_in(parse_dockerfile("FROM a\nRUN <<EOF\nFROM inside\nEOF\nCMD x\n"));
  EXPECT_THAT(found, ElementsAre(HasSubstr("line 2: RUN with a here-document (<<EOF)")));
  EXPECT_THAT(unsupported_in(parse_dockerfile("FROM a\nRUN cat < in > out\n")), ElementsAre());
}

TEST(Dockerfile, DropsLinkSinceItChangesNoContent) {
  EXPECT_EQ(without_link_flags("FROM a\nCOPY --link --chmod=755 x y\nRUN echo --link b\n"),
            "FROM a\nCOPY --chmod=755 x y\nRUN echo --link b\n");
}

TEST(Dockerfile, NamesThePathsOfTheContext) {
  const auto paths =
      context_paths(parse_dockerfile("FROM a\nCOPY package.json src/ /app/\nADD https://x/y z\nCOPY *.js .\n"
                                     "COPY --from=b q r\n"));
  ASSERT_EQ(paths.size(), 2u);
  EXPECT_EQ(paths[0].path, "package.json");
  EXPECT_EQ(paths[1].path, "src/");
  EXPECT_EQ(paths[1].line, 2);
}

}  // namespace
}  // namespace defang::emulator
