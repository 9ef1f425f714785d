#include <gtest/gtest.h>

#include "emulator/emulator_testing.h"
#include "emulator/providers/blob_access.h"
#include "emulator/providers/blob_store.h"
#include "support/text.h"

namespace defang::emulator {
namespace {

using namespace std::chrono_literals;

class Storage : public testing::Test {
 protected:
  Storage() { bench.put(bench.group("g"), {{"location", "westus3"}}); }
  Json body() {
    return {{"location", "westus3"},
            {"kind", "StorageV2"},
            {"sku", {{"name", "Standard_LRS"}}},
            {"properties", {{"accessTier", "Hot"}}}};
  }
  void make() {
    bench.put(id, body());
    bench.wait(18s);
    endpoint = text_at(bench.get(id).json, "properties.primaryEndpoints.blob");
    endpoint.pop_back();
    key = text_at(bench.post(id + "/listKeys").json["keys"][0], "value");
  }
  /// Signed with the account's key.
  Bench::Got call(const std::string& method, const std::string& target, const std::string& content = "",
                  rest::Headers headers = {}) {
    headers.set("x-ms-version", "2022-11-02");
    headers.set("x-ms-date", "Thu, 01 Jan 2026 00:00:00 GMT");
    headers.set("Content-Length", std::to_string(content.size()));
    Request request{.method = method, .target = target};
    request.headers = headers;
    parse_target(request);
    headers.set(
        "Authorization",
        "SharedKey shopstate:" + base64(hmac_sha256(from_base64(key), blobs::shared_key_string(request, "shopstate"))));
    return bench.send(method, endpoint + target, content.empty() ? Json() : Json(content), headers, Bench::nobody);
  }

  Bench bench;
  std::string id = bench.group("g") + "/providers/Microsoft.Storage/storageAccounts/shopstate";
  std::string endpoint, key;
};

TEST_F(Storage, IsMadeByAnOperationThatEndsWithTheAccount) {
  const auto made = bench.put(id, body());
  EXPECT_EQ(made.status, 202);
  EXPECT_EQ(made.body, "");
  EXPECT_EQ(made.headers.get("Content-Type"), "text/plain; charset=utf-8");
  EXPECT_EQ(made.headers.get("Retry-After"), "17");
  EXPECT_EQ(bench.poll(made.headers.get("Location")).status, 202);
  bench.wait(18s);
  const auto end = bench.poll(made.headers.get("Location"));
  EXPECT_EQ(end.status, 200);
  EXPECT_EQ(text_at(end.json, "properties.provisioningState"), "Succeeded");
}

TEST_F(Storage, RefusesANameThatAzureWouldRefuse) {
  EXPECT_EQ(bench.put(bench.group("g") + "/providers/Microsoft.Storage/storageAccounts/Shop-State", body()).code(),
            "AccountNameInvalid");
}

TEST_F(Storage, GivesBackWhatWasPutAndParts) {
  make();
  EXPECT_EQ(call("PUT", "/state?restype=container").status, 201);
  EXPECT_EQ(call("PUT", "/state/a%20b/c.txt", "hello world", {{"x-ms-blob-type", "BlockBlob"}}).status, 201);
  EXPECT_EQ(call("GET", "/state/a%20b/c.txt").body, "hello world");
  const auto part = call("GET", "/state/a%20b/c.txt", "", {{"x-ms-range", "bytes=6-"}});
  EXPECT_EQ(part.status, 206);
  EXPECT_EQ(part.body, "world");
  EXPECT_EQ(part.headers.get("Content-Range"), "bytes 6-10/11");
  EXPECT_EQ(call("HEAD", "/state/none").headers.get("x-ms-error-code"), "BlobNotFound");
}

TEST_F(Storage, RefusesAWrongKey) {
  make();
  key = base64("not the key");
  const auto answer = call("PUT", "/state?restype=container");
  EXPECT_EQ(answer.status, 403);
  EXPECT_EQ(answer.headers.get("x-ms-error-code"), "AuthenticationFailed");
}

TEST_F(Storage, ListsInTheOrderOfNamesWithAByteOrderMark) {
  make();
  call("PUT", "/state?restype=container");
  for (const char* name : {"b", "B", "a/1", "a/2"})
    call("PUT", std::string("/state/") + name, "x", {{"x-ms-blob-type", "BlockBlob"}});
  const auto list = call("GET", "/state?restype=container&comp=list&delimiter=%2F");
  EXPECT_TRUE(list.body.starts_with("\xEF\xBB\xBF<?xml"));
  EXPECT_LT(list.body.find("<Name>B</Name>"), list.body.find("<BlobPrefix><Name>a/</Name></BlobPrefix>"));
  EXPECT_LT(list.body.find("<Name>a/</Name>"), list.body.find("<Name>b</Name>"));
}

TEST_F(Storage, JoinsBlocksInTheOrderOfTheList) {
  make();
  call("PUT", "/state?restype=container");
  call("PUT", "/state/big?comp=block&blockid=MQ%3D%3D", "one");
  call("PUT", "/state/big?comp=block&blockid=Mg%3D%3D", "two");
  EXPECT_EQ(call("PUT", "/state/big?comp=blocklist",
                 "<?xml version=\"1.0\"?><BlockList><Latest>Mg==</Latest><Latest>MQ==</Latest></BlockList>")
                .status,
            201);
  EXPECT_EQ(call("GET", "/state/big").body, "twoone");
}

TEST_F(Storage, GuardsABlobByItsLeaseUntilItRunsOut) {
  make();
  call("PUT", "/state?restype=container");
  call("PUT", "/state/lock", "x", {{"x-ms-blob-type", "BlockBlob"}});
  const rest::Headers acquire = {{"x-ms-lease-action", "acquire"}, {"x-ms-lease-duration", "15"}};
  const auto lease = call("PUT", "/state/lock?comp=lease", "", acquire);
  EXPECT_EQ(lease.status, 201);
  EXPECT_EQ(call("PUT", "/state/lock?comp=lease", "", acquire).headers.get("x-ms-error-code"), "LeaseAlreadyPresent");
  EXPECT_EQ(call("PUT", "/state/lock", "y", {{"x-ms-blob-type", "BlockBlob"}}).headers.get("x-ms-error-code"),
            "LeaseIdMissing");
  EXPECT_EQ(call("PUT", "/state/lock", "y",
                 {{"x-ms-blob-type", "BlockBlob"}, {"x-ms-lease-id", lease.headers.get("x-ms-lease-id")}})
                .status,
            201);
  bench.wait(16s);
  EXPECT_EQ(call("PUT", "/state/lock?comp=lease", "", acquire).status, 201);
}

TEST_F(Storage, HonoursConditions) {
  make();
  call("PUT", "/state?restype=container");
  const auto put = call("PUT", "/state/a", "x", {{"x-ms-blob-type", "BlockBlob"}});
  EXPECT_EQ(call("PUT", "/state/a", "y", {{"x-ms-blob-type", "BlockBlob"}, {"If-None-Match", "*"}}).status, 409);
  EXPECT_EQ(call("PUT", "/state/a", "y", {{"x-ms-blob-type", "BlockBlob"}, {"If-Match", "\"0x1\""}}).status, 412);
  EXPECT_EQ(
      call("PUT", "/state/a", "y", {{"x-ms-blob-type", "BlockBlob"}, {"If-Match", put.headers.get("ETag")}}).status,
      201);
}

TEST_F(Storage, OpensABlobToWhoHasASignedUrlAndNothingElse) {
  make();
  call("PUT", "/state?restype=container");
  std::string url;
  {
    const Core::Lock guard(bench.core);
    url = blobs::sas_url(bench.core, id, "state", "a", "cr", 3600);
  }
  EXPECT_EQ(bench.send("PUT", url, Json("hello"), {{"x-ms-blob-type", "BlockBlob"}}, Bench::nobody).status, 201);
  EXPECT_EQ(bench.send("GET", url, Json(), {}, Bench::nobody).body, "hello");
  EXPECT_EQ(bench.send("DELETE", url, Json(), {}, Bench::nobody).status, 403);
  EXPECT_EQ(bench.send("GET", replace_all(url, "/state/a?", "/state/b?"), Json(), {}, Bench::nobody).status, 403);
  EXPECT_EQ(bench.send("GET", url).status, 400);  // both signature and token
  bench.wait(3601s);
  EXPECT_EQ(bench.send("GET", url, Json(), {}, Bench::nobody).status, 403);
}

TEST_F(Storage, WantsADataRoleOfABearer) {
  make();
  call("PUT", "/state?restype=container");
  const auto answer =
      bench.send("GET", endpoint + "/state/a", Json(), {{"x-ms-version", "2022-11-02"}}, "https://storage.azure.com");
  EXPECT_EQ(answer.status, 403);
  EXPECT_EQ(answer.headers.get("x-ms-error-code"), "AuthorizationPermissionMismatch");
}

TEST_F(Storage, SurvivesARestartWithItsBlobs) {
  FakeClock clock;
  FakeDisk disk;
  std::string url;
  {
    Bench first(clock, disk);
    first.put(first.group("g"), {{"location", "westus3"}});
    const std::string account = first.group("g") + "/providers/Microsoft.Storage/storageAccounts/shopstate";
    first.put(account, body());
    const Core::Lock guard(first.core);
    blobs::create_container(first.core, account, "state");
    blobs::write_blob(first.core, account, "state", "a", blobs::Kind::append, "one ");
    blobs::append(first.core, account, "state", "a", "two");
    url = blobs::sas_url(first.core, account, "state", "a", "r", 60);
  }
  Bench again(clock, disk);
  EXPECT_EQ(again.send("GET", url, Json(), {}, Bench::nobody).body, "one two");
}

TEST_F(Storage, HasNfsSharesOnPremiumAccountsOnly) {
  make();
  const auto share = [](const std::string& account, const std::string& name) {
    return account + "/fileServices/default/shares/" + name;
  };
  const Json nfs = {{"properties", {{"enabledProtocols", "NFS"}, {"shareQuota", 100}}}};
  EXPECT_EQ(bench.put(share(id, "data"), nfs).status, 400);
  EXPECT_EQ(bench.put(share(id, "data"), {{"properties", {{"shareQuota", 5}}}}).status, 201);
  EXPECT_EQ(bench.get(share(id, "data")).json["properties"]["enabledProtocols"], "SMB");
  const std::string premium = bench.group("g") + "/providers/Microsoft.Storage/storageAccounts/shopfiles";
  Json account = body();
  account["kind"] = "FileStorage";
  account["sku"]["name"] = "Premium_LRS";
  account["properties"].erase("accessTier");
  bench.put(premium, account);
  bench.wait(18s);
  EXPECT_EQ(bench.put(share(premium, "data"), nfs).status, 201);
  EXPECT_EQ(bench.get(share(premium, "data")).json["properties"]["enabledProtocols"], "NFS");
  EXPECT_EQ(bench.put(share(premium, "small"), {{"properties", {{"shareQuota", 5}}}}).status, 400);
}

}  // namespace
}  // namespace defang::emulator
