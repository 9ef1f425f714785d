#include "emulator/role_condition.h"

#include <gtest/gtest.h>

#include "emulator/emulator_testing.h"

namespace defang::emulator {
namespace {

constexpr const char* kReader = "acdd72a7-3385-48ef-bd42-f606fba81ae7";
constexpr const char* kPull = "7f951dda-4ed3-4680-a7ca-43fe172d538d";
constexpr const char* kOwner = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635";
constexpr const char* kAdministrator = "f58310d9-a9f6-439a-9e8d-f62e7b41a168";  // of role assignments

constexpr const char* kWrite = "Microsoft.Authorization/roleAssignments/write";
constexpr const char* kDelete = "Microsoft.Authorization/roleAssignments/delete";

ConditionAttributes of(const std::string& source, const std::string& role, const std::string& type = "ServicePrincipal",
                       const std::string& principal = "00000000-0000-4000-8000-000000000001") {
  const auto name = [&](const char* attribute) {
    return "@" + source + "[microsoft.authorization/roleassignments:" + attribute + "]";
  };
  return {{name("roledefinitionid"), {role}}, {name("principaltype"), {type}}, {name("principalid"), {principal}}};
}

bool allows(const std::string& text, const std::string& action, const ConditionAttributes& attributes = {}) {
  const auto condition = RoleCondition::parse(text);
  EXPECT_TRUE(condition) << text << ": " << condition.error();
  return condition && condition->allows(action, attributes);
}

std::string fault_of(const std::string& text) {
  const auto condition = RoleCondition::parse(text);
  return condition ? "" : condition.error();
}

/// As "Examples to delegate Azure role assignment management with conditions", Microsoft Learn, writes it.
const std::string kDelegation = R"((
 (
  !(ActionMatches{'Microsoft.Authorization/roleAssignments/write'})
 )
 OR
 (
  @Request[Microsoft.Authorization/roleAssignments:RoleDefinitionId] ForAnyOfAnyValues:GuidEquals {acdd72a7-3385-48ef-bd42-f606fba81ae7, 7f951dda-4ed3-4680-a7ca-43fe172d538d}
  AND
  @Request[Microsoft.Authorization/roleAssignments:PrincipalType] ForAnyOfAnyValues:StringEqualsIgnoreCase {'ServicePrincipal'}
 )
)
AND
(
 (
  !(ActionMatches{'Microsoft.Authorization/roleAssignments/delete'})
 )
 OR
 (
  @Resource[Microsoft.Authorization/roleAssignments:RoleDefinitionId] ForAnyOfAnyValues:GuidEquals {acdd72a7-3385-48ef-bd42-f606fba81ae7, 7f951dda-4ed3-4680-a7ca-43fe172d538d}
  AND
  @Resource[Microsoft.Authorization/roleAssignments:PrincipalType] ForAnyOfAnyValues:StringEqualsIgnoreCase {'ServicePrincipal'}
 )
))";

TEST(RoleCondition, OfADelegationHoldsForItsRolesAndTypesOnly) {
  EXPECT_TRUE(allows(kDelegation, kWrite, of("request", kReader)));
  EXPECT_TRUE(allows(kDelegation, kWrite, of("request", kPull, "serviceprincipal")));
  EXPECT_FALSE(allows(kDelegation, kWrite, of("request", kOwner)));
  EXPECT_FALSE(allows(kDelegation, kWrite, of("request", kReader, "User")));
  EXPECT_TRUE(allows(kDelegation, kDelete, of("resource", kPull)));
  EXPECT_FALSE(allows(kDelegation, kDelete, of("resource", kOwner)));
  EXPECT_FALSE(allows(kDelegation, kDelete, of("resource", kPull, "Group")));
}

TEST(RoleCondition, LetsActionsThroughThatItDoesNotName) {
  EXPECT_TRUE(allows(kDelegation, "Microsoft.Authorization/roleAssignments/read"));
}

TEST(RoleCondition, AsksTheRequestForAWriteAndTheResourceForADelete) {
  EXPECT_FALSE(allows(kDelegation, kWrite, of("resource", kReader)));
  EXPECT_FALSE(allows(kDelegation, kDelete, of("request", kReader)));
}

TEST(RoleCondition, IsNeverTrueByNegatingWhatNobodyKnows) {
  const std::string other = "@Request[Microsoft.Authorization/roleAssignments:PrincipalType] StringEquals 'User'";
  EXPECT_FALSE(allows(other, kWrite));
  EXPECT_FALSE(allows("!(" + other + ")", kWrite));
  EXPECT_FALSE(allows("NOT " + other + " AND ActionMatches{'*'}", kWrite));
  EXPECT_TRUE(allows(other + " || ActionMatches{'*'}", kWrite));
  EXPECT_TRUE(allows("!(" + other + " && !(ActionMatches{'*'}))", kWrite));
}

struct Row {
  const char* condition;  // of the request's PrincipalType, a User
  bool holds;
};
class OfPrincipalType : public testing::TestWithParam<Row> {};
TEST_P(OfPrincipalType, Compares) {
  EXPECT_EQ(
      allows(std::string("@Request[Microsoft.Authorization/roleAssignments:PrincipalType] ") + GetParam().condition,
             kWrite, of("request", kReader, "User")),
      GetParam().holds);
}
INSTANTIATE_TEST_SUITE_P(, OfPrincipalType,
                         testing::Values(Row{"StringEquals 'User'", true}, Row{"stringEquals 'User'", true},
                                         Row{"StringEquals 'user'", false}, Row{"StringEqualsIgnoreCase 'user'", true},
                                         Row{"StringEquals {'User'}", true}, Row{"StringNotEquals 'Group'", true},
                                         Row{"StringNotEqualsIgnoreCase 'USER'", false},
                                         Row{"ForAnyOfAnyValues:StringEquals {'Group', 'User'}", true},
                                         Row{"ForAnyOfAnyValues:StringEquals {'Group', 'Device'}", false},
                                         Row{"ForAllOfAnyValues:StringEqualsIgnoreCase {'group', 'user'}", true},
                                         Row{"ForAnyOfAllValues:StringNotEquals {'Group', 'Device'}", true},
                                         Row{"ForAnyOfAllValues:StringNotEquals {'Group', 'User'}", false},
                                         Row{"ForAllOfAllValues:StringEquals {'User', 'Group'}", false}));

TEST(RoleCondition, ComparesPrincipals) {
  const std::string one =
      "@Request[Microsoft.Authorization/roleAssignments:PrincipalId] GuidEquals "
      "00000000-0000-4000-8000-00000000000A";
  EXPECT_TRUE(allows(one, kWrite, of("request", kReader, "User", "00000000-0000-4000-8000-00000000000a")));
  EXPECT_FALSE(allows(one, kWrite, of("request", kReader, "User")));
  EXPECT_TRUE(allows("!(" + one + ")", kWrite, of("request", kReader, "User")));
}

TEST(RoleCondition, BindsAndBeforeOr) {
  const std::string yes = "ActionMatches{'*/write'}", no = "ActionMatches{'*/delete'}";
  EXPECT_TRUE(allows(yes + " OR " + no + " AND " + no, kWrite));
  EXPECT_FALSE(allows("(" + yes + " OR " + no + ") AND " + no, kWrite));
}

TEST(RoleCondition, OutsideWhatIsKnownIsRefusedWithTheReason) {
  const std::string type = "@Request[Microsoft.Authorization/roleAssignments:PrincipalType] ";
  const std::string role = "@Request[Microsoft.Authorization/roleAssignments:RoleDefinitionId] ";
  for (const auto& [text, fault] : std::initializer_list<std::pair<std::string, std::string>>{
           {"", "it ends where `(`, `!`, `ActionMatches`, `@Request` or `@Resource` was expected"},
           {"(ActionMatches{'a'}", "it ends where `)` was expected"},
           {"ActionMatches{'a'} XOR ActionMatches{'b'}", "at 'XOR ActionMatches{'b': expected `AND`, `OR` or the end"},
           {"ActionMatches{a}", "at 'a}': expected an action in single quotes"},
           {"SubOperationMatches{'Blob.List'}",
            "at 'SubOperationMatches{': expected `(`, `!`, `ActionMatches`, `@Request` or `@Resource`"},
           {"@Principal[Microsoft.Directory/x:y] StringEquals 'a'",
            "at '@Principal[Microsoft': expected `@Request` or "
            "`@Resource`"},
           {"@Request[Microsoft.Storage/x:Path] StringEquals 'a'",
            "attribute 'Microsoft.Storage/x:Path' is not known of the request"},
           {"@Request[Microsoft.Storage/storageAccounts/blobServices/containers:Name] StringEquals 'a'",
            "attribute 'Microsoft.Storage/storageAccounts/blobServices/containers:Name' is not known of the request"},
           {type + "StringLike 'S*'", "operator 'StringLike' is not known"},
           {type + "GuidEquals " + kReader,
            "'GuidEquals' does not compare values of attribute "
            "'Microsoft.Authorization/roleAssignments:PrincipalType'"},
           {type + "StringEquals User", "at 'User': expected a text in single quotes"},
           {type + "StringEquals {'a', 'b'}",
            "'StringEquals' compares with one value; several want 'ForAnyOfAnyValues:StringEquals'"},
           {type + "ForAnyOfAnyValues:StringEquals 'a'", "at ''a'': expected `{`"},
           {type + "ForAnyOfAnyValues:StringEquals {'a'", "it ends where `,` or `}` was expected"},
           {role + "GuidEquals 'Reader'", "'Reader' is no GUID"},
           {std::string(101, '(') + "x", "it nests deeper than 100 levels"},
           {std::string(9000, '('), "it is longer than 8192 characters"}})
    EXPECT_EQ(fault_of(text), fault) << text;
}

/// An identity that may give Reader and AcrPull to service principals in group g.
class Delegate : public testing::Test {
 protected:
  Delegate() {
    for (const char* name : {"g", "other"}) bench.put(bench.group(name), {{"location", "westus3"}});
    delegate = bench.core.create_principal("delegate", 0).object_id;
    EXPECT_EQ(bench.put(assignment("g", 1), body(kAdministrator, "ServicePrincipal", kDelegation)).status, 201);
    bench.wait(std::chrono::seconds(61));
  }

  std::string assignment(const std::string& group, int number) {
    return bench.group(group) +
           "/providers/Microsoft.Authorization/roleAssignments/00000000-0000-4000-8000-00000000000" +
           std::to_string(number);
  }
  Json body(const std::string& role, const std::string& type, const std::string& condition = "") {
    Json properties = {{"roleDefinitionId", "/subscriptions/" + bench.subscription() +
                                                "/providers/Microsoft.Authorization/roleDefinitions/" + role},
                       {"principalId", delegate},
                       {"principalType", type}};
    if (!condition.empty()) {
      properties["condition"] = condition;
      properties["conditionVersion"] = "2.0";
    }
    return {{"properties", std::move(properties)}};
  }
  Bench::Got as_delegate(const std::string& method, const std::string& id, const Json& sent = Json()) {
    const auto token = bench.core.issue_token(delegate, "https://management.azure.com");
    return bench.send(method, id + "?api-version=2022-04-01", sent, {{"Authorization", "Bearer " + token}},
                      Bench::nobody);
  }

  Bench bench;
  std::string delegate;
};

TEST_F(Delegate, GivesAndTakesWhatItsConditionNames) {
  EXPECT_EQ(as_delegate("PUT", assignment("g", 2), body(kReader, "ServicePrincipal")).status, 201);
  EXPECT_EQ(as_delegate("DELETE", assignment("g", 2)).status, 200);
}

TEST_F(Delegate, GivesNoOtherRoleToNoOtherTypeAndInNoOtherGroup) {
  for (const auto& [id, sent] : {std::pair(assignment("g", 2), body(kOwner, "ServicePrincipal")),
                                 std::pair(assignment("g", 2), body(kReader, "User")),
                                 std::pair(assignment("other", 2), body(kReader, "ServicePrincipal"))}) {
    const auto refused = as_delegate("PUT", id, sent);
    EXPECT_EQ(refused.status, 403);
    EXPECT_EQ(refused.code(), "AuthorizationFailed");
  }
}

TEST_F(Delegate, TakesNoOtherRole) {
  bench.put(assignment("g", 2), body(kOwner, "ServicePrincipal"));
  EXPECT_EQ(as_delegate("DELETE", assignment("g", 2)).code(), "AuthorizationFailed");
  EXPECT_EQ(as_delegate("DELETE", assignment("g", 1)).code(), "AuthorizationFailed") << "its own";
}

TEST_F(Delegate, CannotMakeAnotherRoleOutOfOneThatItMayGive) {
  bench.put(assignment("g", 2), body(kReader, "ServicePrincipal"));
  EXPECT_EQ(as_delegate("PUT", assignment("g", 2), body(kOwner, "ServicePrincipal")).code(), "AuthorizationFailed");
}

TEST_F(Delegate, AConditionThatIsNotUnderstoodIsRefusedWhenItIsWritten) {
  const auto refused = bench.put(assignment("g", 3), body(kReader, "ServicePrincipal", "@Request[x] Equals 'y'"));
  EXPECT_EQ(refused.status, 400);
  EXPECT_EQ(refused.code(), "InvalidCondition");
  EXPECT_EQ(text_at(refused.json, "error.message"),
            "The given role assignment condition is invalid: attribute 'x' is not known of the request.");
  Json old = body(kReader, "ServicePrincipal", kDelegation);
  old["properties"]["conditionVersion"] = "1.0";
  EXPECT_EQ(bench.put(assignment("g", 3), old).code(), "InvalidConditionVersion");
}

TEST_F(Delegate, OfOneContainerReadsThatOneOnly) {
  constexpr const char* kBlobReader = "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1";
  constexpr const char* kRead = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read";
  EXPECT_EQ(
      bench
          .put(assignment("g", 4),
               body(kBlobReader, "ServicePrincipal",
                    "@Resource[Microsoft.Storage/storageAccounts/blobServices/containers:Name] stringEquals 'foo'"))
          .status,
      201);
  bench.wait(std::chrono::seconds(61));
  const auto container =
      bench.group("g") + "/providers/Microsoft.Storage/storageAccounts/a/blobServices/default/containers/";
  EXPECT_TRUE(bench.core.may(delegate, kRead, container + "foo", true));
  EXPECT_FALSE(bench.core.may(delegate, kRead, container + "bar", true));
}

}  // namespace
}  // namespace defang::emulator
