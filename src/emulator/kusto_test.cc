#include "emulator/kusto.h"

#include <gtest/gtest.h>

namespace defang::emulator {
namespace {

std::optional<KustoTable> fruit(std::string_view name) {
  if (name != "Fruit") return std::nullopt;
  return KustoTable{
      .columns = {{"When", "datetime"}, {"Name", "string"}, {"Count", "int"}, {"tags", "dynamic"}},
      .rows = {{{"When", "2026-01-01T00:00:01Z"}, {"Name", "apple"}, {"Count", 3}, {"tags", {{"a-b", "x"}}}},
               {{"When", "2026-01-01T00:00:01.5Z"}, {"Name", "Pear"}, {"Count", 1}, {"tags", nullptr}},
               {{"When", "2026-01-01T00:00:03Z"}, {"Name", "plum"}, {"Count", 2}, {"tags", {{"a-b", ""}}}}}};
}

/// The names of the rows, or what was said against the query.
std::string names(std::string_view query) {
  const auto table = run_kusto(query, fruit);
  if (!table) return table.error().code;
  std::string out;
  for (const auto& row : table->rows) out += text_at(row, "Name") + " ";
  return out;
}

TEST(Kusto, KeepsTheRowsThatAreWanted) {
  EXPECT_EQ(names("Fruit"), "apple Pear plum ");
  EXPECT_EQ(names("Fruit | where Name == 'pear'"), "");
  EXPECT_EQ(names("Fruit | where Name =~ 'pear'"), "Pear ");
  EXPECT_EQ(names("Fruit | where Name != \"apple\" and Count < 2"), "Pear ");
  EXPECT_EQ(names("Fruit | where Name in ('apple', 'plum')"), "apple plum ");
  EXPECT_EQ(names("Fruit | where Name in~ ('APPLE')"), "apple ");
  EXPECT_EQ(names("Fruit | where Name startswith 'p' and (Count == 2 or Count == 7)"), "plum ");
  EXPECT_EQ(names("Fruit | where When >= datetime(2026-01-01T00:00:01.5Z)"), "Pear plum ");
  EXPECT_EQ(names("Fruit | where isnotempty(tags['a-b'])"), "apple ");
  EXPECT_EQ(names("Fruit | where not(isempty(tags['a-b']))"), "apple ");
}

TEST(Kusto, OrdersAndCutsOff) {
  EXPECT_EQ(names("Fruit | order by When"), "plum Pear apple ");
  EXPECT_EQ(names("Fruit | sort by Count asc | take 2"), "Pear plum ");
}

TEST(Kusto, ShowsTheColumnsThatAreAskedFor) {
  const auto table = run_kusto("Fruit | where Count == 3 | project Fruit = Name, tag = tags['a-b'], When", fruit);
  ASSERT_TRUE(table);
  EXPECT_EQ(dump(table->rows[0]), R"({"Fruit":"apple","tag":"x","When":"2026-01-01T00:00:01Z"})");
  EXPECT_EQ(table->columns[2].type, "datetime");
}

TEST(Kusto, AUnionThatIsFuzzyNeedsOneTableOnly) {
  EXPECT_EQ(names("union isfuzzy=true Vegetables, Fruit | take 1"), "apple ");
  EXPECT_EQ(names("union Vegetables, Fruit | take 1"), "SemanticError");
  EXPECT_EQ(names("union isfuzzy=true Vegetables, Roots"), "SemanticError");
  EXPECT_EQ(names("union isfuzzy=true (datatable(When:datetime)[]), Roots | order by When"), "");
  EXPECT_EQ(names("union isfuzzy=true (datatable(When:datetime)[]), Fruit | take 1"), "apple ");
  EXPECT_EQ(names("datatable(When:datetime)[1]"), "EmulatorNotImplemented");
}

TEST(Kusto, SaysWhatItCannotDo) {
  EXPECT_EQ(names("Fruit | where Colour == 'red'"), "SemanticError");
  EXPECT_EQ(names("Fruit | summarize count() by Name"), "EmulatorNotImplemented");
  EXPECT_EQ(names("Fruit | where strlen(Name) > 2"), "EmulatorNotImplemented");
  EXPECT_EQ(names("Fruit | where Name == 'open"), "SyntaxError");
  EXPECT_EQ(names("Fruit where"), "SyntaxError");
  EXPECT_EQ(names("Fruit | where Name == "), "SyntaxError");
  EXPECT_EQ(names(""), "SyntaxError");
}

}  // namespace
}  // namespace defang::emulator
