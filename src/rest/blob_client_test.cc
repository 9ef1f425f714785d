#include "rest/blob_client.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <mutex>

#include "rest/fake_transport.h"
#include "rest/url.h"
#include "support/digest.h"

namespace defang::rest {
namespace {

using namespace std::chrono_literals;

struct Fixture {
  FakeClock clock;
  FakeTransport transport;
  std::unique_ptr<Random> random = make_seeded_random(7);
  std::unique_ptr<Pipeline> pipeline = make_pipeline({.transport = transport, .clock = clock, .random = *random});
  BlobClient blobs{{"acct", "https://acct.blob.core.windows.net/", Secret(base64("0123456789abcdef0123456789abcdef"))},
                   *pipeline,
                   clock};
};

TEST(StringToSign, IsTheOneOfTheDocumentation) {
  const HttpRequest request{
      .url = "https://myaccount.blob.core.windows.net/mycontainer?restype=container&comp=metadata&timeout=20",
      .headers = {{"x-ms-version", "2015-02-21"}, {"x-ms-date", "Fri, 26 Jun 2015 23:39:12 GMT"}}};
  EXPECT_EQ(string_to_sign(request, "myaccount", 0),
            "GET\n\n\n\n\n\n\n\n\n\n\n\nx-ms-date:Fri, 26 Jun 2015 23:39:12 GMT\nx-ms-version:2015-02-21\n"
            "/myaccount/mycontainer\ncomp:metadata\nrestype:container\ntimeout:20");
}

// The expected signatures of the next two tests were computed with Microsoft's own Python SDK for the same key and
// time.
TEST(BlobClient, SignsAsMicrosoftsSdkDoes) {
  Fixture f;
  f.transport.then(404).then(201).then(201);
  ASSERT_TRUE(f.blobs.put("c", "a b", text_source(std::string(std::size_t{8} << 20, 'x')),
                          {.conditions = {.lease_id = "L1"}}, {}));
  HttpRequest first = f.transport.requests()[1];
  EXPECT_TRUE(first.url.starts_with("https://acct.blob.core.windows.net/c/a%20b?comp=block&blockid=MDAwMDAwMDAt"));
  EXPECT_EQ(first.headers.get("x-ms-date"), "Thu, 01 Jan 2026 00:00:00 GMT");
  EXPECT_FALSE(first.headers.has("x-ms-client-request-id"));
  HttpRequest signed_request{
      .method = "PUT",
      .url = "https://acct.blob.core.windows.net/c/a%20b?comp=block&blockid=MDAwMDAwMDA%3D",
      .headers = {
          {"x-ms-date", "Thu, 01 Jan 2026 00:00:00 GMT"}, {"x-ms-version", "2022-11-02"}, {"x-ms-lease-id", "L1"}}};
  EXPECT_EQ(base64(hmac_sha256("0123456789abcdef0123456789abcdef", string_to_sign(signed_request, "acct", 3))),
            "LfAlaX/V81JjX2bVKAgGC/+QKd0RRxHiUcvw+a+YwcU=");
  EXPECT_EQ(first.headers.get("Authorization"),
            "SharedKey acct:" + base64(hmac_sha256("0123456789abcdef0123456789abcdef",
                                                   string_to_sign(first, "acct", first.body.size()))));
}

TEST(BlobClient, MakesUrlsThatOpenOneBlob) {
  Fixture f;
  EXPECT_EQ(f.blobs.blob_sas("uploads", "a b/c.tar.gz", "r", 1h),
            "https://acct.blob.core.windows.net/uploads/a%20b/"
            "c.tar.gz?sv=2022-11-02&sr=b&spr=https&se=2026-01-01T01%3A00%3A00Z&sp=r"
            "&sig=TIFuwVLquqdFMcVo2jyoSjcTLmFqX995TfEitOvxN1s%3D");
}

/// What storage remembers of blocks; the n-th is refused.
struct Blocks {
  explicit Blocks(int refused = 0) : refused_(refused) {}
  Result<HttpResponse> operator()(const HttpRequest& request) {
    const std::scoped_lock lock(mutex_);
    const auto at = request.url.find("blockid=");
    if (request.method == "GET") {
      std::string names;
      for (const auto& [id, content] : sent) names += "<Block><Name>" + id + "</Name><Size>1</Size></Block>";
      return HttpResponse{200, {}, "<BlockList><UncommittedBlocks>" + names + "</UncommittedBlocks></BlockList>"};
    }
    if (at == std::string::npos) return HttpResponse{201, {{"ETag", "\"e\""}}, ""};
    if (++puts == refused_) return HttpResponse{403, {}, "<Error><Code>AuthenticationFailed</Code></Error>"};
    EXPECT_EQ(request.headers.get("Content-MD5"), md5_base64(request.body));
    sent[query_pairs(request.url.substr(request.url.find('?') + 1)).back().second] = request.body;
    return HttpResponse{201, {}, ""};
  }
  std::map<std::string, std::string> sent;
  int puts = 0;

 private:
  int refused_;
  std::mutex mutex_;
};

const std::string kLongBody = std::string(std::size_t{8} << 20, 'a') + std::string(std::size_t{8} << 20, 'b') + "tail";

TEST(BlobClient, SendsLongBodiesInBlocksThatAppearAtOnce) {
  Blocks storage;
  Fixture f;
  for (int i = 0; i < 5; ++i) f.transport.then([&](const HttpRequest& request) { return storage(request); });
  EXPECT_EQ(f.blobs.put("c", "b", text_source(kLongBody), {.metadata = {{"k", "v"}}}, {}).value(), "\"e\"");
  const HttpRequest commit = f.transport.last();
  std::string joined, list;
  for (const auto& [id, content] : storage.sent) {  // ids sort as they follow each other
    joined += content;
    list += "<Latest>" + id + "</Latest>";
  }
  EXPECT_TRUE(joined == kLongBody);
  EXPECT_EQ(commit.body, "<?xml version=\"1.0\" encoding=\"utf-8\"?><BlockList>" + list + "</BlockList>");
  EXPECT_EQ(commit.headers.get("x-ms-meta-k"), "v");
  EXPECT_FALSE(f.transport.requests()[1].headers.has("x-ms-meta-k"));
}

/// Gives what a compressor gives: pieces of any size.
class OddPieces : public BodySource {
 public:
  std::uint64_t size_bytes() const override { return kLongBody.size(); }
  Result<std::size_t> read(char* buffer, std::size_t size) override {
    const std::size_t got = kLongBody.copy(buffer, std::min<std::size_t>(size, 4999), at_);
    at_ += got;
    return got;
  }
  Result<void> rewind() override { return {}; }

 private:
  std::size_t at_ = 0;
};

TEST(BlobClient, SendsAllOfABodyThatComesInOddPieces) {
  Blocks storage;
  Fixture f;
  for (int i = 0; i < 5; ++i) f.transport.then([&](const HttpRequest& request) { return storage(request); });
  ASSERT_TRUE(f.blobs.put("c", "b", std::make_shared<OddPieces>(), {}, {}));
  std::string joined;
  for (const auto& [id, content] : storage.sent) joined += content;
  EXPECT_TRUE(joined == kLongBody);
}

TEST(BlobClient, SendsWhatAnEarlierAttemptLeftBehindNotAgain) {
  Blocks storage(3);
  Fixture f;
  for (int i = 0; i < 12; ++i) f.transport.then([&](const HttpRequest& request) { return storage(request); });
  EXPECT_EQ(f.blobs.put("c", "b", text_source(kLongBody), {}, {}).error().code, "AuthenticationFailed");
  EXPECT_EQ(storage.sent.size(), 2u);
  storage.puts = 100;
  EXPECT_TRUE(f.blobs.put("c", "b", text_source(kLongBody), {}, {}));
  EXPECT_EQ(storage.puts, 101);
  EXPECT_EQ(storage.sent.size(), 3u);
}

TEST(BlobClient, SendsShortBodiesInOneRequestUnderConditions) {
  Fixture f;
  f.transport.then(412, {{"x-ms-error-code", "ConditionNotMet"}},
                   "\xef\xbb\xbf<?xml "
                   "version=\"1.0\"?><Error><Code>ConditionNotMet</Code><Message>No.\nRequestId:1</Message></Error>");
  const auto put = f.blobs.put("c", "state", text_source("{}"), {.conditions = {.if_match = "\"e1\""}}, {});
  ASSERT_FALSE(put);
  EXPECT_EQ(put.error().code, "ConditionNotMet");
  EXPECT_EQ(put.error().message, "No.");
  EXPECT_EQ(f.transport.last().headers.get("If-Match"), "\"e1\"");
  EXPECT_EQ(f.transport.last().headers.get("x-ms-blob-type"), "BlockBlob");
}

TEST(BlobClient, TellsAnAbsentBlobFromARefusal) {
  Fixture f;
  f.transport.then(404, {{"x-ms-error-code", "BlobNotFound"}}).then(403, {{"x-ms-error-code", "AuthenticationFailed"}});
  EXPECT_FALSE(f.blobs.get("c", "b", {}).value());
  EXPECT_EQ(f.blobs.get("c", "b", {}).error().code, "AuthenticationFailed");
}

TEST(BlobClient, IsContentWithAContainerThatExists) {
  Fixture f;
  f.transport.then(409, {{"x-ms-error-code", "ContainerAlreadyExists"}})
      .then(409, {{"x-ms-error-code", "ContainerBeingDeleted"}})
      .then(201);
  EXPECT_TRUE(f.blobs.create_container("c", {}));
  EXPECT_TRUE(f.blobs.create_container("c", {}));
  EXPECT_EQ(f.transport.requests().size(), 3u);
}

TEST(BlobClient, LeasesUnderAnIdOfItsOwn) {
  Fixture f;
  f.transport.then(201, {{"x-ms-lease-id", "L1"}}).then(409, {{"x-ms-error-code", "LeaseAlreadyPresent"}}).then(200);
  EXPECT_EQ(f.blobs.acquire_lease("c", "lock", 60s, "L1", {}).value(), "L1");
  EXPECT_EQ(f.transport.last().headers.get("x-ms-lease-duration"), "60");
  EXPECT_EQ(f.transport.last().headers.get("x-ms-proposed-lease-id"), "L1");
  EXPECT_EQ(f.blobs.acquire_lease("c", "lock", 60s, "L2", {}).error().code, "LeaseAlreadyPresent");
  EXPECT_TRUE(f.blobs.renew_lease("c", "lock", "L1", {}));
  EXPECT_EQ(f.transport.last().headers.get("x-ms-lease-action"), "renew");
}

TEST(BlobClient, ReadsRangesAndProperties) {
  Fixture f;
  f.transport.then(200, {{"Content-Length", "766"}, {"X-Ms-Meta-Complete", "successful"}, {"ETag", "e"}})
      .then(206, {}, "abc")
      .then(416, {{"x-ms-error-code", "InvalidRange"}});
  const auto properties = f.blobs.look_at("c", "b", {}).value();
  EXPECT_EQ(properties->size_bytes, 766u);
  EXPECT_EQ(properties->metadata.at("complete"), "successful");
  EXPECT_EQ(f.blobs.get_range("c", "b", 10, 13, {}).value(), "abc");
  EXPECT_EQ(f.transport.last().headers.get("x-ms-range"), "bytes=10-12");
  EXPECT_EQ(f.blobs.get_range("c", "b", 900, 1000, {}).value(), "");
}

TEST(BlobClient, ListsAllPages) {
  Fixture f;
  f.transport
      .then(200, {},
            "\xef\xbb\xbf<?xml "
            "version=\"1.0\"?><EnumerationResults><Blobs><Blob><Name>a&amp;b</Name></Blob></Blobs><NextMarker>m1</"
            "NextMarker></EnumerationResults>")
      .then(200, {},
            "<EnumerationResults><Blobs><Blob><Name>c</Name></Blob></Blobs><NextMarker /></EnumerationResults>");
  EXPECT_EQ(f.blobs.list("c", "p/", {}).value(), (std::vector<std::string>{"a&b", "c"}));
  EXPECT_EQ(f.transport.last().url,
            "https://acct.blob.core.windows.net/c?restype=container&comp=list&prefix=p%2F&marker=m1");
}

TEST(BlobClient, SendsNoAuthorizationToASignedUrl) {
  Fixture f;
  f.transport.then(201);
  EXPECT_TRUE(put_to_sas(*f.pipeline, "https://x.blob.test/c/b?sig=a%2Bb", text_source("ctx"), {}));
  EXPECT_FALSE(f.transport.last().headers.has("Authorization"));
  EXPECT_EQ(f.transport.last().headers.get("x-ms-blob-type"), "BlockBlob");
  EXPECT_EQ(f.transport.last().body, "ctx");
}

}  // namespace
}  // namespace defang::rest
