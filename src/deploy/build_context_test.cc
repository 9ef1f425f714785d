#include "deploy/build_context.h"

#include <archive.h>
#include <archive_entry.h>
#include <gtest/gtest.h>

namespace defang::deploy {
namespace {

using Files = std::map<std::string, std::string>;

graph::BuildImage build_of(const std::string& dockerfile = "Dockerfile") {
  graph::BuildImage build;
  build.context = "/project/web";
  build.dockerfile = dockerfile;
  return build;
}

std::string bytes_of(rest::BodySource& source) {
  std::string bytes;
  char piece[1000];
  while (true) {
    const auto count = source.read(piece, sizeof piece);
    if (!count) return "error: " + count.error().message;
    if (*count == 0) return bytes;
    bytes.append(piece, *count);
  }
}

/// "path mode=content" a line, as any tar reader sees it.
std::string listing(const std::string& bytes) {
  archive* in = archive_read_new();
  archive_read_support_format_tar(in);
  archive_read_support_filter_gzip(in);
  archive_read_open_memory(in, bytes.data(), bytes.size());
  std::string out;
  archive_entry* entry = nullptr;
  while (archive_read_next_header(in, &entry) == ARCHIVE_OK) {
    std::string content(static_cast<std::size_t>(archive_entry_size(entry)), ' ');
    archive_read_data(in, content.data(), content.size());
    out += std::string(archive_entry_pathname(entry)) + "=" + content + "\n";
    EXPECT_EQ(archive_entry_mtime(entry), 0);
    EXPECT_EQ(archive_entry_uid(entry), 0);
  }
  archive_read_free(in);
  return out;
}

TEST(BuildContext, HoldsWhatTheIgnoreFileLeavesSortedByPath) {
  const FakeDisk disk(Files{{"/project/web/Dockerfile", "FROM x\n"},
                            {"/project/web/.dockerignore", "node_modules\n*.log\n"},
                            {"/project/web/src/b.js", "b"},
                            {"/project/web/src/a.js", "a"},
                            {"/project/web/node_modules/x.js", "x"},
                            {"/project/web/err.log", "e"}});
  const auto context = read_context(build_of(), disk);
  ASSERT_TRUE(context) << context.error().message;
  EXPECT_EQ(listing(bytes_of(*pack(*context, disk))),
            ".dockerignore=node_modules\n*.log\n\nDockerfile=FROM x\n\nsrc/=\nsrc/a.js=a\nsrc/b.js=b\n");
}

TEST(BuildContext, TheSameFilesGiveTheSameBytesAndTheSizeIsExact) {
  const FakeDisk disk(Files{{"/project/web/Dockerfile", "FROM x\n"}, {"/project/web/a", std::string(300000, 'a')}});
  const auto context = read_context(build_of(), disk);
  ASSERT_TRUE(context);
  const auto source = pack(*context, disk);
  const std::string once = bytes_of(*source);
  EXPECT_EQ(source->size_bytes(), once.size());
  ASSERT_TRUE(source->rewind());
  EXPECT_EQ(bytes_of(*source), once);
}

TEST(BuildContext, ADockerfileThatIsIgnoredOrOutsideOrInlineIsAddedUnderItsOwnName) {
  const FakeDisk disk(Files{{"/project/web/Dockerfile", "FROM x\n"},
                            {"/project/web/.dockerignore", "Dockerfile\n.dockerignore\n"},
                            {"/project/other/Dockerfile", "FROM y\n"},
                            {"/project/web/a", "a"}});
  const auto ignored = read_context(build_of(), disk);
  ASSERT_TRUE(ignored);
  EXPECT_EQ(ignored->dockerfile, ".defang.Dockerfile");
  EXPECT_EQ(listing(bytes_of(*pack(*ignored, disk))), "a=a\n.defang.Dockerfile=FROM x\n\n");
  const auto outside = read_context(build_of("../other/Dockerfile"), disk);
  ASSERT_TRUE(outside);
  EXPECT_EQ(listing(bytes_of(*pack(*outside, disk))), "a=a\n.defang.Dockerfile=FROM y\n\n");
  auto inlined = build_of("");
  inlined.inline_dockerfile = "FROM z";
  const auto context = read_context(inlined, disk);
  ASSERT_TRUE(context);
  EXPECT_EQ(listing(bytes_of(*pack(*context, disk))), "a=a\n.defang.Dockerfile=FROM z\n");
}

TEST(BuildContext, WhatIsAppendedEndsTheDockerfileAndTheFileItselfStays) {
  const FakeDisk disk(Files{{"/project/web/Dockerfile", "FROM x"}});
  auto build = build_of();
  build.appended = "USER app\n";
  const auto context = read_context(build, disk);
  ASSERT_TRUE(context);
  EXPECT_EQ(listing(bytes_of(*pack(*context, disk))), "Dockerfile=FROM x\n.defang.Dockerfile=FROM x\nUSER app\n\n");
  EXPECT_NE(image_tag(build, *context), image_tag(build_of(), read_context(build_of(), disk).value()));
}

TEST(BuildContext, WithoutAFolderItHoldsTheDockerfileOnly) {
  const FakeDisk disk(Files{{"/project/web/a", "a"}});
  graph::BuildImage build{.context = {}, .inline_dockerfile = "FROM x", .appended = "WORKDIR /srv\n"};
  const auto context = read_context(build, disk);
  ASSERT_TRUE(context);
  EXPECT_EQ(listing(bytes_of(*pack(*context, disk))), ".defang.Dockerfile=FROM x\nWORKDIR /srv\n\n");
}

TEST(BuildContext, TheDockerfilesOwnIgnoreFileWins) {
  const FakeDisk disk(Files{{"/project/web/api.Dockerfile", "FROM x\n"},
                            {"/project/web/api.Dockerfile.dockerignore", "*\n!keep\n"},
                            {"/project/web/.dockerignore", "keep\n"},
                            {"/project/web/keep", "k"}});
  const auto context = read_context(build_of("api.Dockerfile"), disk);
  ASSERT_TRUE(context);
  EXPECT_EQ(listing(bytes_of(*pack(*context, disk))), "keep=k\n.defang.Dockerfile=FROM x\n\n");
}

TEST(ImageTag, ChangesWithEverythingThatTheImageIsBuiltFromAndWithNothingElse) {
  FakeDisk disk(Files{{"/project/web/Dockerfile", "FROM x\n"}, {"/project/web/a", "a"}});
  const auto tag = [&](const graph::BuildImage& build) { return image_tag(build, *read_context(build, disk)); };
  const std::string first = tag(build_of());
  EXPECT_EQ(first.size(), 32u);
  EXPECT_EQ(tag(build_of()), first);
  auto other = build_of();
  other.target = "test";
  EXPECT_NE(tag(other), first);
  other = build_of();
  other.args = {{"V", "1"}};
  EXPECT_NE(tag(other), first);
  disk.files["/project/web/a"] = "b";
  EXPECT_NE(tag(build_of()), first);
}

TEST(BuildContext, AFileThatGrowsWhileItIsPackedIsAnError) {
  FakeDisk disk(Files{{"/project/web/Dockerfile", "FROM x\n"}, {"/project/web/a", "a"}});
  const auto context = read_context(build_of(), disk);
  ASSERT_TRUE(context);
  disk.files["/project/web/a"] = "aa";
  EXPECT_EQ(bytes_of(*pack(*context, disk)), "error: `a` changed while the build context was packed");
}

}  // namespace
}  // namespace defang::deploy
