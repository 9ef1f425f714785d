#include <gtest/gtest.h>

#include "azure/costs.h"
#include "azure/location.h"
#include "azure/names.h"
#include "azure/resource_id.h"
#include "azure/resource_types.h"
#include "azure/roles.h"

namespace defang::azure {
namespace {

TEST(ResourceId, TakesApartAChildResource) {
  const auto id = ResourceId::parse(
      "/subscriptions/S/resourceGroups/g/providers/Microsoft.App/managedEnvironments/env/storages/share");
  ASSERT_TRUE(id);
  EXPECT_EQ(id->subscription_id(), "S");
  EXPECT_EQ(id->group_name(), "g");
  EXPECT_EQ(id->type(), "Microsoft.App/managedEnvironments/storages");
  EXPECT_EQ(id->name(), "env/share");
  EXPECT_EQ(id->last_name(), "share");
  EXPECT_EQ(id->parent()->text(), "/subscriptions/S/resourceGroups/g/providers/Microsoft.App/managedEnvironments/env");
  EXPECT_EQ(id->parent()->parent()->text(), "/subscriptions/S/resourceGroups/g");
  EXPECT_EQ(id->parent()->parent()->parent()->text(), "/subscriptions/S");
  EXPECT_FALSE(id->parent()->parent()->parent()->parent());
}

TEST(ResourceId, ComparesWithoutCase) {
  EXPECT_EQ(*ResourceId::parse("/subscriptions/s/resourcegroups/G/providers/microsoft.app/containerapps/web"),
            ResourceId::resource("S", "g", "Microsoft.App/containerApps", "web"));
}

TEST(ResourceId, BuildsExtensionsAndTheirScope) {
  const auto registry = ResourceId::resource("s", "g", "Microsoft.ContainerRegistry/registries", "r");
  const auto role = registry.extension("Microsoft.Authorization/roleAssignments", "guid");
  EXPECT_EQ(role.text(),
            "/subscriptions/s/resourceGroups/g/providers/Microsoft.ContainerRegistry/registries/r/providers/"
            "Microsoft.Authorization/roleAssignments/guid");
  EXPECT_EQ(role.type(), "Microsoft.Authorization/roleAssignments");
  EXPECT_EQ(*role.parent(), registry);
}

TEST(ResourceId, KnowsGroupsAndSubscriptions) {
  EXPECT_EQ(ResourceId::group("s", "g").type(), "Microsoft.Resources/resourceGroups");
  EXPECT_EQ(ResourceId::group("s", "g").name(), "g");
  EXPECT_EQ(ResourceId::subscription("s").group_name(), "");
}

TEST(ResourceId, RefusesWhatIsNoId) {
  for (const char* text : {"", "/", "web", "/subscriptions", "/subscriptions/s/resourceGroups",
                           "/subscriptions/s/resourceGroups/g/providers/Microsoft.App/containerApps",
                           "/subscriptions/s//g/providers/Microsoft.App/containerApps/web", "/a/b"})
    EXPECT_FALSE(ResourceId::parse(text)) << text;
}

TEST(ResourceTypes, AreFoundWithoutCase) {
  const auto* type = find_resource_type("microsoft.app/CONTAINERAPPS");
  ASSERT_TRUE(type);
  EXPECT_EQ(type->api_version, "2026-01-01");
  EXPECT_EQ(type->put, ResourceType::Put::long_running);
  EXPECT_FALSE(find_resource_type("Microsoft.App/nothing"));
}

std::string app_name(std::string_view wanted) {
  return legal_name(*find_resource_type("Microsoft.App/containerApps"), wanted, wanted);
}

TEST(Names, StayWhereTheyAreLegal) { EXPECT_EQ(app_name("web-1"), "web-1"); }

TEST(Names, BecomeLowerCaseWithDashes) { EXPECT_EQ(app_name("My_web.App"), "my-web-app"); }

TEST(Names, AreShortenedWithAHashOfTheWholeWish) {
  const auto a = app_name("a-service-with-a-name-that-nobody-can-type-1");
  const auto b = app_name("a-service-with-a-name-that-nobody-can-type-2");
  EXPECT_EQ(a.size(), 32u);
  EXPECT_NE(a, b);
  EXPECT_FALSE(name_fault(*find_resource_type("Microsoft.App/containerApps"), a));
}

TEST(Names, AvoidReservedWords) {
  for (const char* word : {"login", "login-page", "access", "office", "mymicrosoft", "9lives", "x", "a__b", "-_-"}) {
    const auto name = app_name(word);
    EXPECT_FALSE(is_reserved_name(name)) << name;
    EXPECT_FALSE(name_fault(*find_resource_type("Microsoft.App/containerApps"), name)) << name;
    EXPECT_NE(name, word);
  }
}

TEST(Names, OfGlobalTypesAlwaysEndInAHash) {
  const auto& storage = *find_resource_type("Microsoft.Storage/storageAccounts");
  const auto name = unique_name(storage, "My-Project_default", "seed");
  EXPECT_EQ(name.size(), 24u);
  EXPECT_TRUE(name.starts_with("myprojectdefault")) << name;
  EXPECT_FALSE(name_fault(storage, name));
  EXPECT_NE(name, unique_name(storage, "My-Project_default", "other seed"));
}

TEST(Names, SayWhatIsWrongWithThem) {
  const auto& app = *find_resource_type("Microsoft.App/containerApps");
  EXPECT_EQ(name_fault(app, "Web"), "may hold only lower-case letters, digits and `-`");
  EXPECT_EQ(name_fault(app, "a--b"), "must not contain `--`");
  EXPECT_EQ(name_fault(app, "1a"), "must start with a letter");
  EXPECT_EQ(name_fault(app, "a-"), "must end with a letter or digit");
}

TEST(Location, IsWrittenWithoutBlanksAndShownAsAzureShowsIt) {
  EXPECT_EQ(Location::parse("West US 3")->text(), "westus3");
  EXPECT_EQ(display_name(*Location::parse("westus3")), "West US 3");
  EXPECT_FALSE(Location::parse("west/us"));
  EXPECT_FALSE(Location::parse(""));
}

TEST(Roles, AreNamedByTheirWholeId) {
  EXPECT_EQ(role_definition_id("s", Role::acr_pull),
            "/subscriptions/s/providers/Microsoft.Authorization/roleDefinitions/7f951dda-4ed3-4680-a7ca-43fe172d538d");
}

TEST(Costs, OfWhatIsNotUsedAreSaidWhereTheyAreKnown) {
  EXPECT_EQ(idle_cost_of("microsoft.network/privateEndpoints"), "its address by the hour and each GB that passes");
  EXPECT_EQ(idle_cost_of("Microsoft.ManagedIdentity/userAssignedIdentities"), "");
}

}  // namespace
}  // namespace defang::azure
