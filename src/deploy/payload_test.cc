#include "deploy/payload.h"

#include <gtest/gtest.h>

#include "arm/graph_json.h"

namespace defang::deploy {
namespace {

Payload example() {
  Payload payload;
  auto& prepared = payload.prepared;
  graph::Resource vault;
  vault.id = "vault";
  vault.type = "Microsoft.KeyVault/vaults";
  prepared.graph.add(vault);
  prepared.graph.add(
      graph::Action{.id = "file/key", .what = graph::WriteSecret{"vault", "k", graph::FileRecipe{"/home/me/key"}}});
  prepared.scope = {"shop", "test", "sub", "rg", "westus3"};
  prepared.names = {"the-vault", "thestorage"};
  prepared.fingerprint = "f1";
  prepared.patience = {{"web", std::chrono::seconds(90)}};
  prepared.may_stop = {"db"};
  prepared.registries = {{"shared.azurecr.io", plan::SharedRegistry{.id = "/shared", .by_repository = true}}};
  payload.options = {.force = true, .rebuild = true, .is_part = true, .delete_data = {"cache"}, .gave_rights = true};
  payload.contexts = {{"build/web", {"0123", "Dockerfile"}}};
  return payload;
}

TEST(Payload, ReadBackIsTheSame) {
  const auto written = write_payload(example());
  const auto read = read_payload(written);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(write_payload(*read), written);
  EXPECT_EQ(read->prepared.scope.group, "rg");
  EXPECT_EQ(read->prepared.names.storage, "thestorage");
  EXPECT_EQ(read->contexts.at("build/web").tag, "0123");
  EXPECT_EQ(read->prepared.patience.at("web"), std::chrono::seconds(90));
  EXPECT_EQ(read->prepared.may_stop, std::set<std::string>{"db"});
  EXPECT_EQ(read->options.delete_data, std::set<std::string>{"cache"});
  EXPECT_FALSE(read->options.keeps_events);
  EXPECT_TRUE(read->options.gave_rights);
  EXPECT_TRUE(read->prepared.registries.at("shared.azurecr.io")->by_repository);
}

TEST(Payload, OfADownSaysWhatStays) {
  Payload payload;
  payload.down = TeardownOptions{.scope = {"shop", "test", "sub", "rg", "westus3"}, .keep_data = false};
  payload.prepared.scope = payload.down->scope;
  const auto read = read_payload(write_payload(payload));
  ASSERT_TRUE(read) << read.error().message;
  ASSERT_TRUE(read->down);
  EXPECT_EQ(read->down->scope.group, "rg");
  EXPECT_TRUE(read->down->keep_vault);
  EXPECT_FALSE(read->down->keep_data);
  EXPECT_FALSE(read_payload(write_payload(example()))->down);
}

TEST(Payload, OfAnotherVersionIsRefused) {
  EXPECT_EQ(read_payload("").error().code, "payload-invalid");
  EXPECT_EQ(read_payload("{}").error().code, "payload-invalid");
  EXPECT_EQ(read_payload(R"({"v":1})").error().code, "payload-invalid");
  EXPECT_EQ(read_payload(R"({"v":2,"graph":{}})").error().code, "graph-invalid");
}

}  // namespace
}  // namespace defang::deploy
