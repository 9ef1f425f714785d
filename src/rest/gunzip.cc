#include "rest/gunzip.h"

#include <zlib.h>

#include <array>

namespace defang::rest {
namespace {

constexpr int kGzipWindow = 15 + 16;  // the largest window, and gzip's own header and sum
constexpr std::size_t kPieceBytes = std::size_t{64} * 1024;

}  // namespace

struct Gunzip::State {
  z_stream stream{};
  bool whole = true;  // an empty body, too
  std::array<char, kPieceBytes> plain;
};

Gunzip::Gunzip() : state_(std::make_unique<State>()) { inflateInit2(&state_->stream, kGzipWindow); }
Gunzip::~Gunzip() { inflateEnd(&state_->stream); }

Result<void> Gunzip::take(std::string_view packed, const BodySink& to) {
  auto& [stream, whole, plain] = *state_;
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
  stream.avail_in = static_cast<uInt>(packed.size());
  for (bool more = !packed.empty(); more;) {
    if (whole) inflateReset(&stream);  // several members may follow each other (RFC 1952 2.2)
    stream.next_out = reinterpret_cast<Bytef*>(plain.data());
    stream.avail_out = static_cast<uInt>(plain.size());
    const int result = inflate(&stream, Z_NO_FLUSH);
    whole = result == Z_STREAM_END;
    if (!whole && result != Z_OK && result != Z_BUF_ERROR)
      return fail(Error::Kind::invalid, "answer-invalid", "what says that it is gzip cannot be unpacked");
    if (const auto count = plain.size() - stream.avail_out; count > 0) TRY(to({plain.data(), count}));
    more = stream.avail_in > 0 || (!whole && stream.avail_out == 0);
  }
  return {};
}

bool Gunzip::is_whole() const { return state_->whole; }

}  // namespace defang::rest
