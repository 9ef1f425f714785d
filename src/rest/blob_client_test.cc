#include "rest/blob_client.h"

#include <gtest/gtest.h>

#include "rest/fake_transport.h"
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
  f.transport.then(201).then(201).then(201);
  ASSERT_TRUE(
      f.blobs.put("c", "a b", text_source(std::string(9'000'000, 'x')), {.conditions = {.lease_id = "L1"}}, {}));
  HttpRequest first = f.transport.requests()[0];
  EXPECT_EQ(first.url, "https://acct.blob.core.windows.net/c/a%20b?comp=block&blockid=MDAwMDAwMDA%3D");
  EXPECT_EQ(first.headers.get("x-ms-date"), "Thu, 01 Jan 2026 00:00:00 GMT");
  EXPECT_FALSE(first.headers.has("x-ms-client-request-id"));
  HttpRequest signed_request{
      .method = "PUT",
      .url = first.url,
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

TEST(BlobClient, SendsLongBodiesInBlocksThatAppearAtOnce) {
  Fixture f;
  f.transport.then(201).then(201).then(201, {{"ETag", "\"e\""}});
  const std::string body = std::string(8 * 1024 * 1024, 'a') + "tail";
  EXPECT_EQ(f.blobs.put("c", "b", text_source(body), {.metadata = {{"k", "v"}}}, {}).value(), "\"e\"");
  const auto requests = f.transport.requests();
  ASSERT_EQ(requests.size(), 3u);
  EXPECT_EQ(requests[1].body, "tail");
  EXPECT_EQ(requests[2].body,
            "<?xml version=\"1.0\" "
            "encoding=\"utf-8\"?><BlockList><Latest>MDAwMDAwMDA=</Latest><Latest>MDAwMDAwMDE=</Latest></BlockList>");
  EXPECT_EQ(requests[2].headers.get("x-ms-meta-k"), "v");
  EXPECT_FALSE(requests[0].headers.has("x-ms-meta-k"));
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
