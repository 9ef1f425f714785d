// Packs a folder as a build context. usage: our_packer FOLDER >ARCHIVE; the digest of its contents goes to standard
// error.
#include <unistd.h>

#include <cstdio>
#include <string>

#include "deploy/build_context.h"
#include "support/disk.h"

int main(int argc, char** argv) {
  using namespace defang;
  if (argc != 2) return 2;
  const auto disk = make_real_disk();
  const graph::BuildImage build{.service = "web", .context = argv[1]};
  const auto context = deploy::read_context(build, *disk);
  if (!context) return std::fprintf(stderr, "%s\n", context.error().message.c_str()), 1;
  const auto archive = deploy::pack(*context, *disk);
  std::string piece(std::size_t{1} << 20, '\0');
  while (true) {
    const auto count = archive->read(piece.data(), piece.size());
    if (!count) return std::fprintf(stderr, "%s\n", count.error().message.c_str()), 1;
    if (*count == 0) break;
    if (::write(STDOUT_FILENO, piece.data(), *count) != static_cast<ssize_t>(*count)) return 1;
  }
  std::fprintf(stderr, "%s\n", context->content_digest.c_str());
  return 0;
}
