// The whole loader over one file that has three companions, both ways of loading. A project comes out, or an error says
// why not.
#include "compose/load.h"

#include "fuzz.h"

void examine(std::string_view input) {
  using namespace defang;
  const FakeDisk disk(
      {{"/project/compose.yaml", std::string(input)},
       {"/project/other.yaml", "services: {base: {image: x, ports: [\"80\"]}}\n"},
       {"/project/again.yaml", "include: [compose.yaml]\nservices: {c: {extends: {file: compose.yaml, service: a}}}\n"},
       {"/project/a.env", "A=1\nB=\"${A}\"\n"}});
  for (const auto loader : {compose::LoadOptions::Loader::compose, compose::LoadOptions::Loader::defang}) {
    Diagnostics diagnostics;
    const compose::LoadOptions options{
        .loader = loader, .files = {"compose.yaml"}, .environment = {{"HOME", "/home"}, {"V", "value"}, {"N", "3"}}};
    const auto project = compose::load(options, disk, diagnostics);
    PROMISE(project.has_value() != diagnostics.has_errors());
    for (const auto& diagnostic : diagnostics.all()) {
      PROMISE(!diagnostic.code.empty());
      PROMISE(!to_text(diagnostic).empty());
    }
    if (!project) continue;
    compose::to_json(project->canonical);
    compose::to_yaml(project->canonical);
  }
}
