#include "deploy/program_image.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "support/digest.h"

namespace defang::deploy {
namespace {

using Json = nlohmann::json;

/// ELF headers of 64 bits, with program headers of the given types behind them.
std::string elf(char machine, const std::vector<char>& types) {
  std::string bytes(
      "\x7f"
      "ELF\x02\x01",
      6);
  bytes.resize(64);
  bytes[18] = machine;
  bytes[32] = 64;  // where the program headers begin
  bytes[54] = 56;  // how long one is
  bytes[56] = static_cast<char>(types.size());
  for (const char type : types) bytes += type + std::string(55, '\0');
  return bytes;
}

TEST(WhyNotAlone, KnowsProgramsThatNeedNothing) {
  EXPECT_EQ(why_not_alone(elf(62, {1, 1, 4})), std::nullopt);
  EXPECT_EQ(why_not_alone(elf(62, {1, 3, 1})), "it needs shared libraries");
  EXPECT_EQ(why_not_alone(elf(static_cast<char>(183), {1})), "it is no program for linux/amd64");  // arm64
  EXPECT_EQ(why_not_alone("#!/bin/sh\n"), "it is no program for linux/amd64");
  EXPECT_EQ(why_not_alone(""), "it is no program for linux/amd64");
}

TEST(ProgramImage, NamesWhatItHoldsByDigest) {
  const auto image = make_program_image(elf(62, {1}), "authorities");
  ASSERT_TRUE(image);
  const auto manifest = Json::parse(image->manifest);
  EXPECT_EQ(image->manifest_digest, "sha256:" + sha256_hex(image->manifest));
  ASSERT_EQ(image->blobs.size(), 2u);
  for (const auto& blob : image->blobs) EXPECT_EQ(blob.digest, "sha256:" + sha256_hex(blob.content));
  EXPECT_EQ(manifest["layers"][0]["digest"], image->blobs[0].digest);
  EXPECT_EQ(manifest["config"]["digest"], image->blobs[1].digest);
  EXPECT_EQ(manifest["config"]["size"], image->blobs[1].content.size());
  const auto config = Json::parse(image->blobs[1].content);
  EXPECT_EQ(config["config"]["Entrypoint"], Json::array({"/defang"}));
  EXPECT_EQ(config["rootfs"]["diff_ids"].size(), 1u);
}

TEST(ProgramImage, IsTheSameForTheSameProgram) {
  EXPECT_EQ(make_program_image(elf(62, {1}), "a")->manifest_digest,
            make_program_image(elf(62, {1}), "a")->manifest_digest);
  EXPECT_NE(make_program_image(elf(62, {1}), "a")->manifest_digest,
            make_program_image(elf(62, {1}), "b")->manifest_digest);
}

TEST(ProgramImage, OfWhatCannotStandAloneIsRefused) {
  const auto image = make_program_image("#!/bin/sh\n", "a");
  ASSERT_FALSE(image);
  EXPECT_EQ(image.error().code, "program-not-alone");
}

}  // namespace
}  // namespace defang::deploy
