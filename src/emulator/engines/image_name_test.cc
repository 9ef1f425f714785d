#include "emulator/engines/image_name.h"

#include <gtest/gtest.h>

namespace defang::emulator {
namespace {

std::string parts(std::string_view text) {
  const auto name = parse_image_name(text);
  return name ? name->server + "|" + name->repository + "|" + name->reference() : "no name";
}

TEST(ImageName, IsTakenApart) {
  EXPECT_EQ(parts("busybox"), "|busybox|latest");
  EXPECT_EQ(parts("library/node:20-alpine"), "|library/node|20-alpine");
  EXPECT_EQ(parts("localhost:5001/team/web:v1"), "localhost:5001|team/web|v1");
  EXPECT_EQ(parts("ghcr.io/a/b@sha256:" + std::string(64, 'a')), "ghcr.io|a/b|sha256:" + std::string(64, 'a'));
}

TEST(ImageName, RefusesWhatNoRegistryWouldTake) {
  for (const auto* text : {"", "Web", "web:", "a b", "web@sha256:1", "localhost:5001/"})
    EXPECT_EQ(parts(text), "no name");
}

}  // namespace
}  // namespace defang::emulator
