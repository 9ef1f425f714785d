#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "arm/graph_json.h"
#include "arm/template.h"
#include "compose/load.h"
#include "plan/plan.h"
#include "plan/variables.h"

/// Each folder beside this file is a case: compose.yaml and what else lies there is the input. Expected are graph.txt,
/// template.json, variables.txt (what containers find in their environment) and diagnostics.txt; only the last is there
/// where the project is refused.
namespace defang {
namespace {

namespace fs = std::filesystem;

const fs::path kFolder = DEFANG_GOLDEN;
constexpr const char* kOutputs[] = {"graph.txt", "template.json", "diagnostics.txt", "variables.txt"};

bool accepts() { return std::getenv("DEFANG_ACCEPT") != nullptr; }

std::string read(const fs::path& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

std::vector<std::string> case_names() {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(kFolder))
    if (entry.is_directory()) names.push_back(entry.path().filename().string());
  std::ranges::sort(names);
  return names;
}

/// The inputs of a case as the files of /project.
FakeDisk disk_of(const fs::path& folder) {
  std::map<std::string, std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    const auto name = entry.path().lexically_relative(folder).string();
    if (!entry.is_regular_file() || std::ranges::find(kOutputs, name) != std::end(kOutputs)) continue;
    files["/project/" + name] = read(entry.path());
  }
  return FakeDisk(std::move(files));
}

/// What a case named "contributor...", "private..." or "shared..." assumes of Azure.
plan::Facts facts_of(const std::string& name) {
  plan::Facts facts;
  facts.principal_id = "11111111-1111-1111-1111-111111111111";
  facts.principal_type = "ServicePrincipal";
  if (name.starts_with("pinned"))
    facts.image_digests = {{"ghcr.io/us/web:1", "sha256:" + std::string(64, 'a')},
                           {"busybox", "sha256:" + std::string(64, 'b')},
                           {"localhost:5000/down:1", ""}};
  if (name.starts_with("private")) facts.registry_users = {{"docker.io", {"me"}}, {"ghcr.io", {"us"}}};
  facts.can_assign_roles = !name.starts_with("contributor");
  if (name.starts_with("shared")) {
    const std::string id =
        "/subscriptions/22222222-2222-2222-2222-222222222222/resourceGroups/team/providers/"
        "Microsoft.ContainerRegistry/registries/";
    using Pull = plan::SharedRegistry::Pull;
    facts.registries = {{"ours.azurecr.io", plan::SharedRegistry{.id = id + "ours", .pull = Pull::can_be_granted}},
                        {"theirs.azurecr.io", plan::SharedRegistry{.id = id + "theirs", .pull = Pull::granted}},
                        {"elsewhere.azurecr.io", std::nullopt}};
  }
  return facts;
}

void compare(const fs::path& path, const std::string& actual) {
  if (accepts()) {
    if (actual.empty())
      fs::remove(path);
    else
      std::ofstream(path, std::ios::binary) << actual;
    return;
  }
  EXPECT_EQ(fs::exists(path) ? read(path) : "", actual) << path << " differs; ./dev test --accept rewrites it";
}

/// Whoever carries the plan out elsewhere has the same.
void expect_survives_writing(const graph::ResourceGraph& graph) {
  const auto written = arm::write_graph(graph);
  const auto read = arm::read_graph(written);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(graph::to_text(*read), graph::to_text(graph));
  EXPECT_EQ(arm::to_plan_json(*read), arm::to_plan_json(graph));
  EXPECT_EQ(arm::write_graph(*read), written);
}

class Golden : public testing::TestWithParam<std::string> {};

TEST_P(Golden, GivesWhatWasReviewed) {
  const auto folder = kFolder / GetParam();
  const auto disk = disk_of(folder);
  const plan::Stack stack{.name = "test",
                          .subscription_id = "22222222-2222-2222-2222-222222222222",
                          .tenant_id = "33333333-3333-3333-3333-333333333333"};
  Diagnostics diagnostics;
  compose::LoadOptions options;
  options.project_name = GetParam();
  std::string graph_text, template_text, variables, messages;
  if (const auto project = compose::load(options, disk, diagnostics)) {
    auto facts = facts_of(GetParam());
    plan::look_at_disk(*project, disk, facts);
    const auto graph = plan::build_graph(*project, stack, facts, diagnostics);
    if (!diagnostics.has_errors()) {
      graph_text = graph::to_text(graph);
      expect_survives_writing(graph);
      template_text = arm::to_template(graph, {.subscription_id = stack.subscription_id,
                                               .tenant_id = stack.tenant_id,
                                               .group = plan::resource_group_name(project->name, stack)});
      for (const auto& one : plan::variables_of(graph, *project))
        variables += one.service + " " + one.name + "=" + one.value + "\n";
    }
  }
  for (const auto& diagnostic : diagnostics.all()) messages += to_text(diagnostic);
  compare(folder / "graph.txt", graph_text);
  compare(folder / "template.json", template_text);
  compare(folder / "variables.txt", variables);
  compare(folder / "diagnostics.txt", messages);
}

INSTANTIATE_TEST_SUITE_P(Cases, Golden, testing::ValuesIn(case_names()), [](const auto& golden) {
  auto name = golden.param;
  std::ranges::replace(name, '-', '_');
  return name;
});

}  // namespace
}  // namespace defang
