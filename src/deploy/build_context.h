#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "compose/ignore_rules.h"
#include "graph/graph.h"
#include "rest/http_transport.h"
#include "support/disk.h"

/// From a folder to what a builder is sent: the files that `.dockerignore` leaves, as a reproducible gnutar in gzip.
namespace defang::deploy {

/// What a build context holds, read once without keeping any file in memory.
struct BuildContext {
  struct Entry {
    std::string path;  // relative to the context, with slashes
    Disk::Entry::Kind kind = Disk::Entry::Kind::file;
    std::uint64_t size_bytes = 0;
    bool executable = false;
    std::string link_target;
  };
  std::string folder;          // absolute
  std::vector<Entry> entries;  // sorted by path, a folder before what is in it
  std::string dockerfile;      // its path in the archive; empty for buildpacks
  std::string dockerfile_text;
  bool dockerfile_added = false;  // not among the entries (ignored, inline, or outside): packed under a name of our own
  std::uint64_t size_bytes = 0;   // of all files, unpacked
  std::string content_digest;     // over names, kinds, executable bits and contents
};

/// The Dockerfile's own ignore file (`Dockerfile.dockerignore`) wins over the context's. Docker docs, "Filename and
/// location". `dockerfile` is empty where none is named in the context.
Result<compose::IgnoreRules> read_ignore_rules(const std::filesystem::path& context, const std::string& dockerfile,
                                               const Disk& disk);

/// Walks the folder and reads every file once, for the digest. Sockets, pipes and devices are left out, as BuildKit
/// does.
Result<BuildContext> read_context(const graph::BuildImage& build, const Disk& disk);

/// The tag of the image: digest of everything that it is built from (design.md section 4). 32 hex digits.
std::string image_tag(const graph::BuildImage& build, const BuildContext& context);

/// The archive, made in several threads while it is read: memory does not grow with the context. Times and owners are 0
/// and modes normalised, so that the same files always give the same bytes. A file that changed since `read_context` is
/// an error.
std::shared_ptr<rest::BodySource> pack(BuildContext context, const Disk& disk);

/// "node_modules (312.4 MB)": the largest first-level entries, for a context that is slow to send.
std::vector<std::pair<std::string, std::uint64_t>> largest_entries(const BuildContext& context, std::size_t count);

}  // namespace defang::deploy
