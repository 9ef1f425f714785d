// What the program does with blobs, done with a server that is not ours. usage: azurite_blobs ENDPOINT MEGABYTES
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "deploy/build_context.h"
#include "rest/blob_client.h"
#include "rest/http_transport.h"
#include "support/disk.h"
#include "support/text.h"

namespace defang {
namespace {

using namespace std::chrono_literals;

/// Published with Azurite: the account that every installation has.
constexpr auto kAccount = "devstoreaccount1";
constexpr auto kKey = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";
constexpr std::size_t kMegabyte = std::size_t{1} << 20;

int failures = 0;
void expect(bool holds, std::string_view what) {
  if (holds) return;
  ++failures;
  fmt::print("not so: {}\n", what);
}
template <class T>
std::string code_of(const Result<T>& result) {
  return result ? "" : result.error().code;
}

/// Loses the connection before the n-th block; counts the blocks that go through.
class Wire : public rest::HttpTransport {
 public:
  explicit Wire(rest::HttpTransport& inner) : inner_(inner) {}
  Result<rest::HttpResponse> send(const rest::HttpRequest& request, std::stop_token stop) override {
    const bool is_block = request.url.find("comp=block&") != std::string::npos;
    if (is_block && breaks_after >= 0 && blocks >= breaks_after)
      return fail(Error::Kind::refused, "cut", "the cable is cut");
    auto answer = inner_.send(request, stop);
    if (is_block && answer && answer->status == 201) ++blocks;
    return answer;
  }
  std::atomic<int> blocks = 0;
  int breaks_after = -1;

 private:
  rest::HttpTransport& inner_;
};

/// One file of bytes that cannot be compressed, made while they are read.
class GeneratedDisk : public FakeDisk {
 public:
  explicit GeneratedDisk(std::uint64_t size) : size_(size) {}
  Result<std::unique_ptr<Reader>> open(const std::filesystem::path&) const override {
    return std::make_unique<Bytes>(size_);
  }
  Result<std::vector<Entry>> list(const std::filesystem::path&) const override {
    return std::vector<Entry>{
        {.name = "data", .kind = Entry::Kind::file, .size_bytes = size_, .mode = 0644, .link_target = ""}};
  }

 private:
  class Bytes : public Reader {
   public:
    explicit Bytes(std::uint64_t left) : left_(left) {}
    Result<std::size_t> read(char* buffer, std::size_t size) override {
      size = static_cast<std::size_t>(std::min<std::uint64_t>(size, left_));
      for (std::size_t i = 0; i < size; i += sizeof state_) {
        state_ ^= state_ << 13, state_ ^= state_ >> 7, state_ ^= state_ << 17;  // xorshift64
        std::memcpy(buffer + i, &state_, std::min(sizeof state_, size - i));
      }
      left_ -= size;
      return size;
    }

   private:
    std::uint64_t left_, state_ = 88172645463325252u;
  };
  std::uint64_t size_;
};

struct Bench {
  explicit Bench(const std::string& endpoint) : account{kAccount, endpoint, Secret(kKey)} {}
  std::unique_ptr<Clock> clock = make_system_clock();
  std::unique_ptr<Random> random = make_system_random();
  std::unique_ptr<rest::HttpTransport> transport = std::move(*rest::make_beast_transport({}));
  Wire wire{*transport};
  std::unique_ptr<rest::Pipeline> pipeline =
      rest::make_pipeline({.transport = wire, .clock = *clock, .random = *random});
  rest::StorageAccount account;
  rest::BlobClient blobs{account, *pipeline, *clock};
};

void conditions(Bench& b) {
  const auto first = b.blobs.put("state", "run.json", rest::text_source("one"), {.metadata = {{"hash", "a1"}}}, {});
  expect(first && !first->empty(), "a blob has an ETag: " + code_of(first));
  expect(code_of(b.blobs.put("state", "run.json", rest::text_source("x"), {.conditions = {.if_none_match = "*"}},
                             {})) == "BlobAlreadyExists",
         "If-None-Match: * refuses what exists");
  const auto second =
      b.blobs.put("state", "run.json", rest::text_source("two"), {.conditions = {.if_match = first.value_or("")}}, {});
  expect(second.has_value(), "If-Match takes the ETag: " + code_of(second));
  expect(code_of(b.blobs.put("state", "run.json", rest::text_source("x"),
                             {.conditions = {.if_match = first.value_or("")}}, {})) == "ConditionNotMet",
         "If-Match refuses an old ETag");
  const auto read = b.blobs.get("state", "run.json", {});
  expect(read && *read && (*read)->content == "two", "what was written is read");
  expect(b.blobs.get_range("state", "run.json", 1, 3, {}).value_or("") == "wo", "a range is read");
  expect(b.blobs.get_range("state", "run.json", 9, 12, {}).value_or("?").empty(), "behind the end is nothing");
  const auto absent = b.blobs.get("state", "none", {});
  expect(absent && !*absent, "an absent blob is no error");
  const auto properties = b.blobs.look_at("state", "run.json", {});
  expect(properties && *properties && (*properties)->size_bytes == 3, "the size is told");
  expect(b.blobs.remove("state", "run.json", {}, {}).has_value(), "a blob is deleted");
  expect(b.blobs.remove("state", "run.json", {}, {}).has_value(), "twice, too");
}

void leases(Bench& b) {
  const std::string mine = "11111111-1111-1111-1111-111111111111", other = "22222222-2222-2222-2222-222222222222";
  expect(b.blobs.put("state", "lease", rest::text_source(""), {}, {}).has_value(), "an empty blob is written");
  expect(b.blobs.acquire_lease("state", "lease", 15s, mine, {}).value_or("") == mine, "a lease is taken");
  expect(b.blobs.acquire_lease("state", "lease", 15s, mine, {}).value_or("") == mine, "and by the same once more");
  expect(code_of(b.blobs.acquire_lease("state", "lease", 15s, other, {})) == "LeaseAlreadyPresent", "by nobody else");
  expect(code_of(b.blobs.put("state", "lease", rest::text_source("x"), {}, {})) == "LeaseIdMissing",
         "without it nothing is written");
  expect(b.blobs.put("state", "lease", rest::text_source("x"), {.conditions = {.lease_id = mine}}, {}).has_value(),
         "with it, something is");
  expect(b.blobs.renew_lease("state", "lease", mine, {}).has_value(), "a lease is renewed");
  expect(code_of(b.blobs.renew_lease("state", "lease", other, {})) == "LeaseIdMismatchWithLeaseOperation",
         "by its holder only");
  expect(b.blobs.release_lease("state", "lease", mine, {}).has_value(), "and given back");
  expect(b.blobs.acquire_lease("state", "lease", 15s, other, {}).value_or("") == other, "then somebody else has it");
  expect(b.blobs.break_lease("state", "lease", {}).has_value(), "a lease is broken");
  expect(b.blobs.acquire_lease("state", "lease", 15s, mine, {}).value_or("") == mine, "and free again");
}

void lists_and_appends(Bench& b) {
  expect(b.blobs.create_append_blob("state", "events", {}).has_value(), "an append blob is made");
  expect(b.blobs.create_append_blob("state", "events", {}).has_value(), "and kept where it exists");
  for (const char* line : {"one\n", "two\n"})
    expect(b.blobs.append("state", "events", line, {}).has_value(), "a line is added");
  const auto events = b.blobs.get("state", "events", {});
  expect(events && *events && (*events)->content == "one\ntwo\n", "lines follow each other");
  for (const char* name : {"runs/1 & a", "runs/2", "other"})
    expect(b.blobs.put("lists", name, rest::text_source("x"), {}, {}).has_value(), "a name may hold anything");
  expect(b.blobs.list("lists", "runs/", {}).value_or(std::vector<std::string>()) ==
             std::vector<std::string>{"runs/1 & a", "runs/2"},
         "names are listed by their beginning");
  const auto slot = b.blobs.blob_sas("lists", "slot", "cw", 1h);
  expect(rest::put_to_sas(*b.pipeline, slot, rest::text_source("by signature"), {}).has_value(),
         "a signed URL lets write");
  const auto by_url = b.pipeline->send({.url = b.blobs.blob_sas("lists", "slot", "r", 1h)}, {}, {});
  expect(by_url && by_url->body == "by signature", "and read");
}

void uploads(Bench& b, std::uint64_t megabytes) {
  GeneratedDisk disk(megabytes * kMegabyte);
  const graph::BuildImage build{.service = "web", .context = "/context"};
  const auto context = deploy::read_context(build, disk);
  if (!context) return expect(false, "the context is read: " + context.error().message);
  const auto put = [&] {
    return b.blobs.put("uploads", "context.tar.gz", deploy::pack(*context, disk), {.content_type = "application/gzip"},
                       {});
  };
  b.wire.breaks_after = static_cast<int>(megabytes / 16);
  expect(code_of(put()) == "cut", "an upload breaks off");
  const int before = b.wire.blocks;
  b.wire.breaks_after = -1;
  const auto begin = b.clock->elapsed();
  const auto whole = put();
  const double seconds = static_cast<double>((b.clock->elapsed() - begin).count()) / 1000;
  expect(whole.has_value(), "and is resumed: " + code_of(whole));
  const auto found = b.blobs.look_at("uploads", "context.tar.gz", {});
  const auto size = found && *found ? (*found)->size_bytes : 0;
  const auto blocks = static_cast<int>((size + 8 * kMegabyte - 1) / (8 * kMegabyte));
  expect(size > megabytes * kMegabyte, "all of it is there");
  expect(b.wire.blocks == blocks, fmt::format("no block is sent twice: {} sent of {}", b.wire.blocks.load(), blocks));
  fmt::print("{} MB in {} blocks, {} of them before the break; the rest in {:.1f} s\n", megabytes, blocks, before,
             seconds);
}

int run(const std::string& endpoint, std::uint64_t megabytes) {
  Bench b(endpoint);
  for (const char* container : {"state", "lists", "uploads", "uploads"}) {
    const auto made = b.blobs.create_container(container, {});
    expect(made.has_value(), "a container is made, or there: " + code_of(made));
  }
  conditions(b);
  leases(b);
  lists_and_appends(b);
  uploads(b, megabytes);
  return failures == 0 ? 0 : 1;
}

}  // namespace
}  // namespace defang

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  return defang::run(argv[1], std::strtoull(argv[2], nullptr, 10));
}
