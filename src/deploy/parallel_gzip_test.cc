#include "deploy/parallel_gzip.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <algorithm>

#include "rest/blob_client.h"
#include "support/digest.h"

namespace defang::deploy {
namespace {

constexpr std::size_t kMegabyte = std::size_t{1} << 20, kPiece = kMegabyte / 4;

std::string all_of(rest::BodySource& source) {
  std::string all;
  std::string piece(100'000, '\0');
  while (true) {
    const auto count = source.read(piece.data(), piece.size());
    if (!count) return "error: " + count.error().message;
    if (*count == 0) return all;
    all.append(piece, 0, *count);
  }
}

/// By zlib, which checks the sum and the length; one member only.
std::string unzipped(const std::string& bytes) {
  z_stream stream{};
  inflateInit2(&stream, 15 + 16);
  std::string plain(8 * kMegabyte, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(plain.data());
  stream.avail_out = static_cast<uInt>(plain.size());
  const int result = inflate(&stream, Z_FINISH);
  const bool whole = result == Z_STREAM_END && stream.avail_in == 0;
  plain.resize(stream.total_out);
  inflateEnd(&stream);
  return whole ? plain : "not a gzip file";
}

std::string text_of(std::size_t size) {
  const auto random = make_seeded_random(size);
  std::string text;
  while (text.size() < size) text += random->bytes(20) + std::string(30, 'x');
  text.resize(size);
  return text;
}

TEST(Gzipped, GivesTheSameBytesInAnyNumberOfThreads) {
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, kPiece - 1, kPiece, kPiece + 1, 5 * kMegabyte}) {
    const std::string text = text_of(size);
    const std::string alone = all_of(*gzipped(rest::text_source(text), 1));
    EXPECT_TRUE(unzipped(alone) == text) << size;
    for (const std::size_t threads : {2u, 7u})
      EXPECT_TRUE(all_of(*gzipped(rest::text_source(text), threads)) == alone) << size << " in " << threads;
  }
}

TEST(Gzipped, KnowsItsSizeAndStartsAgain) {
  const std::string text = text_of(3 * kMegabyte);
  const auto source = gzipped(rest::text_source(text), 3);
  const auto size = source->size_bytes();
  const std::string once = all_of(*source);
  EXPECT_EQ(once.size(), size);
  ASSERT_TRUE(source->rewind());
  std::string some(1000, '\0');
  ASSERT_TRUE(source->read(some.data(), some.size()));
  ASSERT_TRUE(source->rewind());  // in the middle
  EXPECT_TRUE(all_of(*source) == once);
}

/// Breaks off after some bytes.
class Broken : public rest::BodySource {
 public:
  std::uint64_t size_bytes() const override { return 0; }
  Result<std::size_t> read(char* buffer, std::size_t size) override {
    if (given_ >= 3 * kMegabyte) return fail(Error::Kind::refused, "gone", "the file is gone");
    std::fill_n(buffer, size, 'x');
    given_ += size;
    return size;
  }
  Result<void> rewind() override {
    given_ = 0;
    return {};
  }

 private:
  std::size_t given_ = 0;
};

TEST(Gzipped, HandsAnErrorOn) {
  const auto source = gzipped(std::make_shared<Broken>(), 4);
  EXPECT_EQ(all_of(*source), "error: the file is gone");
  EXPECT_EQ(all_of(*source), "error: the file is gone");
}

}  // namespace
}  // namespace defang::deploy
