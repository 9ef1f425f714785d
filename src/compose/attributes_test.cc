#include "compose/attributes.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

namespace defang::compose {
namespace {

TEST(AttributeTable, HasEachPathOnce) {
  std::set<std::string_view> paths;
  for (const AttributeRow& row : attributes()) EXPECT_TRUE(paths.insert(row.path).second) << row.path;
}

TEST(AttributeTable, EveryListAndMapOfNamesSaysWhatItHolds) {
  for (const AttributeRow& row : attributes()) {
    if (row.type != Type::list && row.type != Type::names) continue;
    const Shape* shape = &compose_file();
    std::string_view rest = row.path;
    while (!rest.empty()) {  // "services.*.ports[]"
      const bool is_item = rest.starts_with("[]");
      const std::string_view part = is_item ? "[]" : rest.substr(0, rest.find_first_of(".["));
      shape = is_item || part == "*" ? shape->each : shape->keys.at(part);
      rest.remove_prefix(part.size());
      if (rest.starts_with('.')) rest.remove_prefix(1);
    }
    EXPECT_NE(shape->each, nullptr) << row.path;
  }
}

TEST(AttributeTable, ARowLikeAnotherHasItsKeys) {
  const Shape* update = compose_file().key("services")->each->key("deploy")->key("update_config");
  const Shape* rollback = compose_file().key("services")->each->key("deploy")->key("rollback_config");
  EXPECT_EQ(update->key_names(), rollback->key_names());
  EXPECT_FALSE(rollback->key_names().empty());
}

}  // namespace
}  // namespace defang::compose
