#include "emulator/deployments/expression.h"

#include <gtest/gtest.h>

#include "emulator/deployments/template.h"

namespace defang::emulator {
namespace {

Surroundings at_group() {
  return {.subscription = "s",
          .tenant = "t",
          .group = {{"id", "/subscriptions/s/resourceGroups/g"}, {"name", "g"}, {"location", "westus3"}},
          .deployment = {{"name", "d"}}};
}

/// The value as JSON, or the code of the error.
std::string value_of(const std::string& text, const Surroundings& in = at_group()) {
  const auto value = evaluated(Json(text), in);
  return value ? dump(*value) : value.error().code;
}

TEST(TemplateExpressions, GiveWhatTheDocumentationSays) {
  const std::pair<const char*, const char*> kExamples[] = {
      {"[concat('a', 'b', 1)]", R"("ab1")"},
      {"[concat(createArray(1), createArray(2))]", "[1,2]"},
      {"[format('{0}-{1}-{{}}', 'a', 2)]", R"("a-2-{}")"},
      {"[toLower('ABC')]", R"("abc")"},
      {"[if(equals('a', 'b'), 1, div(7, 2))]", "3"},
      {"[last(split('a/b/c', '/'))]", R"("c")"},
      {"[split('a;b,c', createArray(';', ','))]", R"(["a","b","c"])"},
      {"[substring('one two', 4, 3)]", R"("two")"},
      {"[resourceGroup().Location]", R"("westus3")"},
      {"[resourceId('Microsoft.App/jobs', 'j')]",
       R"("/subscriptions/s/resourceGroups/g/providers/Microsoft.App/jobs/j")"},
      {"[resourceId('other', 'Microsoft.KeyVault/vaults/secrets', 'v', 'k')]",
       R"("/subscriptions/s/resourceGroups/other/providers/Microsoft.KeyVault/vaults/v/secrets/k")"},
      {"[subscriptionResourceId('A.B/c', 'd')]", R"("/subscriptions/s/providers/A.B/c/d")"},
      {"[extensionResourceId(resourceGroup().id, 'A.B/c', 'd')]",
       R"("/subscriptions/s/resourceGroups/g/providers/A.B/c/d")"},
      {"[union(createObject('a', 1), createObject('b', 2))]", R"({"a":1,"b":2})"},
      {"[createArray('x', 'y')[1]]", R"("y")"},
      {"[uriComponent('a b/c')]", R"("a%20b%2Fc")"},
      {"[json('{\"a\": 0.25}').a]", "0.25"},
      {"['it''s']", R"("it's")"},
      {"[coalesce(null(), 'x')]", R"("x")"},
      {"[dateTimeAdd('2026-02-17 23:37:15Z', 'PT1H')]", R"("2026-02-18T00:37:15Z")"},
      {"[contains('Abc', 'A')]", "true"},
      {"[padLeft('1', 3, '0')]", R"("001")"},
  };
  for (const auto& [text, expected] : kExamples) EXPECT_EQ(value_of(text), expected) << text;
}

TEST(TemplateExpressions, AreOnlyWhatStandsInSingleBrackets) {
  EXPECT_EQ(value_of("[[x]"), R"("[x]")");
  EXPECT_EQ(value_of("[x] y"), R"("[x] y")");
  EXPECT_EQ(value_of("[[x"), R"("[[x")");
}

TEST(TemplateExpressions, RefuseWhatTheyCannotEvaluate) {
  for (const char* text : {"[nonsense('a')]", "[concat('a']", "[concat('a') b]", "[div(1, 0)]", "[first()]",
                           "[utcNow()]", "[reference('a')]", "[createArray(1)[3]]", "[resourceGroup().size]", "[-]",
                           "[]", "[format('{1}', 'a')]", "[resourceId('A.B/c/d', 'e')]", "[parameters('a')]"})
    EXPECT_EQ(value_of(text), "InvalidTemplate") << text;
  EXPECT_EQ(value_of("[cidrSubnet('10.0.0.0/16', 24, 0)]"), "EmulatorNotImplemented");
  EXPECT_EQ(value_of("[" + std::string(5000, '(') + "]"), "InvalidTemplate");
}

TEST(TemplateExpressions, EvaluateOnlyTheBranchThatIsTaken) {
  EXPECT_EQ(value_of("[if(true(), 'a', div(1, 0))]"), R"("a")");
}

TEST(TemplateExpressions, RepeatAProperty) {
  const Json value = {
      {"copy", {{{"name", "ports"}, {"count", 2}, {"input", {{"port", "[add(80, copyIndex('ports'))]"}}}}}}};
  EXPECT_EQ(dump(*evaluated(value, at_group())), R"({"ports":[{"port":80},{"port":81}]})");
}

TEST(OutputName, LosesItsCapitalsAsAzuresDo) {
  EXPECT_EQ(output_name("WEBSITE_URL"), "websitE_URL");
  EXPECT_EQ(output_name("AZURE_CONTAINER_REGISTRY_ENDPOINT"), "azurE_CONTAINER_REGISTRY_ENDPOINT");
  EXPECT_EQ(output_name("NewNSG"), "newNSG");
}

TEST(StrictJson, TakesWhatAzureCliSends) {
  EXPECT_EQ(strict_json("{\"mode\": true, template:{ // why\n \"a\": \"two\nlines\" /* more */}}"),
            "{\"mode\": true, \"template\":{ \n \"a\": \"two\\nlines\" }}");
}

}  // namespace
}  // namespace defang::emulator
