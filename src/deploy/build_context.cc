#include "deploy/build_context.h"

#include <archive.h>
#include <archive_entry.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <thread>

#include "compose/ignore_rules.h"
#include "deploy/diagnostics.h"
#include "deploy/parallel_gzip.h"
#include "support/digest.h"
#include "support/text.h"

namespace defang::deploy {
namespace {

namespace fs = std::filesystem;
using compose::IgnoreRules;
using EntryKind = Disk::Entry::Kind;

// A Dockerfile that is not part of the context travels under this name.
constexpr std::string_view kAddedDockerfile = ".defang.Dockerfile";
constexpr std::size_t kPieceBytes = 65536;
// Neither the digest nor the archive depends on it.
const std::size_t kThreads = std::clamp<std::size_t>(std::thread::hardware_concurrency(), 1, 8);

fs::path dockerfile_path(const std::string& context, const std::string& dockerfile) {
  return (fs::path(context) / dockerfile).lexically_normal();
}

class Walk {
 public:
  Walk(const Disk& disk, const IgnoreRules& rules, BuildContext& context)
      : disk_(disk), rules_(rules), context_(context) {}

  Result<void> folder(const std::string& relative, const IgnoreRules::Verdict& verdict) {
    TRY_ASSIGN(const auto entries, disk_.list(fs::path(context_.folder) / relative));
    for (const auto& entry : entries)
      TRY(take(relative.empty() ? entry.name : relative + "/" + entry.name, entry, verdict));
    return {};
  }

 private:
  Result<void> take(const std::string& path, const Disk::Entry& entry, const IgnoreRules::Verdict& parent) {
    if (entry.kind == EntryKind::other) return {};
    const auto verdict = rules_.judge(path, parent);
    if (!verdict.ignored) add(path, entry);
    if (entry.kind == EntryKind::folder && (!verdict.ignored || rules_.may_bring_back_below(path)))
      return folder(path, verdict);
    return {};
  }

  void add(const std::string& path, const Disk::Entry& entry) {
    add_parents(path);
    if (!taken_.insert(path).second) return;
    context_.entries.push_back({.path = path,
                                .kind = entry.kind,
                                .size_bytes = entry.kind == EntryKind::file ? entry.size_bytes : 0,
                                .executable = entry.kind == EntryKind::file && (entry.mode & 0100) != 0,
                                .link_target = entry.link_target});
  }

  /// The ignored folders above something that an exception brought back.
  void add_parents(const std::string& path) {
    for (auto slash = path.find('/'); slash != std::string::npos; slash = path.find('/', slash + 1)) {
      std::string parent = path.substr(0, slash);
      if (taken_.insert(parent).second)
        context_.entries.push_back({.path = std::move(parent), .kind = EntryKind::folder});
    }
  }

  const Disk& disk_;
  const IgnoreRules& rules_;
  BuildContext& context_;
  std::set<std::string> taken_;
};

/// Every index below `count` once, in several threads; the first error in their order.
Result<void> in_threads(std::size_t count, const std::function<Result<void>(std::size_t)>& each) {
  std::atomic<std::size_t> next = 0;
  std::vector<std::optional<Error>> errors(count);
  {
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i < std::min(kThreads, count); ++i)
      threads.emplace_back([&] {
        for (std::size_t index = next++; index < count; index = next++)
          if (auto done = each(index); !done) errors[index] = done.error();
      });
  }
  for (auto& error : errors)
    if (error) return fail(std::move(*error));
  return {};
}

/// The digest of one file, and its size as it was read, not as the folder said.
Result<std::string> digest_file(const Disk& disk, const fs::path& path, std::uint64_t& size) {
  Sha256 digest;
  std::vector<char> piece(kPieceBytes);
  size = 0;
  TRY_ASSIGN(const auto file, disk.open(path));
  while (true) {
    TRY_ASSIGN(const std::size_t count, file->read(piece.data(), piece.size()));
    if (count == 0) return digest.finish_hex();
    digest.update({piece.data(), count});
    size += count;
  }
}

Result<void> digest_contents(const Disk& disk, BuildContext& context) {
  auto& entries = context.entries;
  std::vector<std::string> digests(entries.size());
  TRY(in_threads(entries.size(), [&](std::size_t i) -> Result<void> {
    if (entries[i].kind != EntryKind::file) return {};
    TRY_ASSIGN(digests[i], digest_file(disk, fs::path(context.folder) / entries[i].path, entries[i].size_bytes));
    return {};
  }));
  Sha256 digest;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const auto& entry = entries[i];
    digest.update(fmt::format("{}\n{}{}\n{}\n{}\n{}\n", entry.path, static_cast<int>(entry.kind),
                              entry.executable ? "x" : "", entry.link_target, entry.size_bytes, digests[i]));
    context.size_bytes += entry.size_bytes;
  }
  context.content_digest = digest.finish_hex();
  return {};
}

Result<void> find_dockerfile(const graph::BuildImage& build, const Disk& disk, BuildContext& context) {
  if (!build.inline_dockerfile.empty()) {
    context.dockerfile_text = build.inline_dockerfile;
    context.dockerfile_added = true;
  } else {
    const auto path = dockerfile_path(build.context, build.dockerfile);
    TRY_ASSIGN(context.dockerfile_text, disk.read(path));
    const std::string relative = path.lexically_relative(fs::path(build.context).lexically_normal()).generic_string();
    context.dockerfile = relative;
    context.dockerfile_added =
        std::ranges::none_of(context.entries, [&](const auto& entry) { return entry.path == relative; });
  }
  if (!build.appended.empty()) {
    context.dockerfile_text += "\n" + build.appended;
    context.dockerfile_added = true;
  }
  if (context.dockerfile_added) context.dockerfile = kAddedDockerfile;
  return {};
}

/// gnutar, produced step by step as the reader asks for more.
class Tar : public rest::BodySource {
 public:
  Tar(BuildContext context, const Disk& disk) : context_(std::move(context)), disk_(disk) { start(); }
  ~Tar() override { drop(); }
  Tar(const Tar&) = delete;
  Tar& operator=(const Tar&) = delete;

  std::uint64_t size_bytes() const override { return context_.size_bytes; }  // about: nobody sends it as it is

  Result<std::size_t> read(char* buffer, std::size_t size) override {
    while (at_ == output_.size() && !finished_) {
      output_.clear();
      at_ = 0;
      TRY(step());
    }
    const std::size_t count = output_.copy(buffer, size, at_);
    at_ += count;
    return count;
  }

  Result<void> rewind() override {
    drop();
    start();
    return {};
  }

 private:
  static la_ssize_t take(archive*, void* self, const void* bytes, std::size_t size) {
    auto& tar = *static_cast<Tar*>(self);
    if (tar.is_dropped_) return -1;
    tar.output_.append(static_cast<const char*>(bytes), size);
    return static_cast<la_ssize_t>(size);
  }

  /// Without the rest: it would be zeros for all that is missing of a file.
  void drop() {
    is_dropped_ = true;
    archive_write_free(archive_);
    is_dropped_ = false;
  }

  void start() {
    archive_ = archive_write_new();
    archive_write_set_format_gnutar(archive_);
    archive_write_set_bytes_in_last_block(archive_, 1);
    archive_write_open(archive_, this, nullptr, take, nullptr);
    output_.clear();
    at_ = next_ = 0;
    file_.reset();
    finished_ = dockerfile_done_ = false;
  }

  Result<void> step() {
    if (file_) return write_piece();
    if (next_ < context_.entries.size()) return begin(context_.entries[next_++]);
    if (context_.dockerfile_added && !dockerfile_done_) return write_dockerfile();
    finished_ = true;
    return check(archive_write_close(archive_));
  }

  Result<void> header(const BuildContext::Entry& entry) {
    archive_entry* row = archive_entry_new();
    archive_entry_set_pathname(row, (entry.kind == EntryKind::folder ? entry.path + "/" : entry.path).c_str());
    archive_entry_set_filetype(row, entry.kind == EntryKind::folder ? AE_IFDIR
                                    : entry.kind == EntryKind::link ? AE_IFLNK
                                                                    : AE_IFREG);
    archive_entry_set_perm(row, entry.kind == EntryKind::link                         ? 0777
                                : entry.kind == EntryKind::folder || entry.executable ? 0755
                                                                                      : 0644);
    if (entry.kind == EntryKind::link) archive_entry_set_symlink(row, entry.link_target.c_str());
    archive_entry_set_size(row, static_cast<la_int64_t>(entry.size_bytes));
    archive_entry_set_mtime(row, 0, 0);
    const int code = archive_write_header(archive_, row);
    archive_entry_free(row);
    return check(code);
  }

  Result<void> begin(const BuildContext::Entry& entry) {
    TRY(header(entry));
    if (entry.kind != EntryKind::file) return {};
    TRY_ASSIGN(file_, disk_.open(fs::path(context_.folder) / entry.path));
    left_ = entry.size_bytes;
    return {};
  }

  Result<void> write_piece() {
    const std::string& path = context_.entries[next_ - 1].path;
    std::array<char, kPieceBytes> piece;
    TRY_ASSIGN(const std::size_t count, file_->read(piece.data(), piece.size()));
    if (count > left_ || (count == 0 && left_ > 0)) return fail(file_changed(path));
    if (count == 0) {
      file_.reset();
      return {};
    }
    left_ -= count;
    if (archive_write_data(archive_, piece.data(), count) < 0) return check(ARCHIVE_FATAL);
    return {};
  }

  Result<void> write_dockerfile() {
    dockerfile_done_ = true;
    const std::string& text = context_.dockerfile_text;
    TRY(header({.path = std::string(kAddedDockerfile), .kind = EntryKind::file, .size_bytes = text.size()}));
    if (archive_write_data(archive_, text.data(), text.size()) < 0) return check(ARCHIVE_FATAL);
    return {};
  }

  Result<void> check(int code) {
    if (code >= ARCHIVE_WARN) return {};
    const char* text = archive_error_string(archive_);
    return fail(Error::Kind::invalid, "archive", fmt::format("cannot pack the build context: {}", text ? text : "?"));
  }

  BuildContext context_;
  const Disk& disk_;
  archive* archive_ = nullptr;
  std::string output_;
  std::size_t at_ = 0;
  std::size_t next_ = 0;
  std::unique_ptr<Disk::Reader> file_;
  std::uint64_t left_ = 0;
  bool finished_ = false, dockerfile_done_ = false, is_dropped_ = false;
};

}  // namespace

Result<IgnoreRules> read_ignore_rules(const fs::path& context, const std::string& dockerfile, const Disk& disk) {
  std::vector<fs::path> candidates;
  if (!dockerfile.empty())
    candidates.push_back(dockerfile_path(context.string(), dockerfile).string() + ".dockerignore");
  candidates.push_back(context / ".dockerignore");
  for (const auto& path : candidates) {
    if (!disk.is_file(path)) continue;
    TRY_ASSIGN(const std::string text, disk.read(path));
    auto rules = IgnoreRules::parse(text);
    if (!rules) return fail(std::move(rules.error().during(fmt::format("reading `{}`", path.string()))));
    return rules;
  }
  return IgnoreRules{};
}

Result<BuildContext> read_context(const graph::BuildImage& build, const Disk& disk) {
  BuildContext context;
  context.folder = build.context;
  if (build.context.empty()) {
    TRY(find_dockerfile(build, disk, context));
    return context;
  }
  const bool is_named = build.inline_dockerfile.empty() && !build.dockerfile.empty();
  TRY_ASSIGN(const IgnoreRules rules, read_ignore_rules(build.context, is_named ? build.dockerfile : "", disk));
  TRY(Walk(disk, rules, context).folder("", {}));
  TRY(digest_contents(disk, context));
  if (!build.dockerfile.empty() || !build.inline_dockerfile.empty()) TRY(find_dockerfile(build, disk, context));
  return context;
}

std::string image_tag(const graph::BuildImage& build, const BuildContext& context) {
  Sha256 digest;
  digest.update(fmt::format("v2\n{}\n{}\n{}\n{}\n{}\n", context.content_digest, context.dockerfile,
                            sha256_hex(context.dockerfile_text), build.target, build.platform));
  for (const auto& [name, value] : build.args) digest.update(fmt::format("{}={}:{}\n", name, value.size(), value));
  return digest.finish_hex().substr(0, 32);
}

std::shared_ptr<rest::BodySource> pack(BuildContext context, const Disk& disk) {
  return gzipped(std::make_shared<Tar>(std::move(context), disk), kThreads);
}

std::vector<std::pair<std::string, std::uint64_t>> largest_entries(const BuildContext& context, std::size_t count) {
  std::map<std::string, std::uint64_t> sizes;
  for (const auto& entry : context.entries) sizes[entry.path.substr(0, entry.path.find('/'))] += entry.size_bytes;
  std::vector<std::pair<std::string, std::uint64_t>> out(sizes.begin(), sizes.end());
  std::ranges::stable_sort(out, std::greater{}, [](const auto& row) { return row.second; });
  if (out.size() > count) out.resize(count);
  return out;
}

}  // namespace defang::deploy
