#pragma once

#include <optional>

#include "arm/template.h"
#include "cli/command.h"
#include "compose/project.h"
#include "deploy/teardown.h"
#include "plan/plan.h"

namespace defang::cli {

/// A project with its plan, for the commands that show it.
struct Planned {
  compose::Project project;
  plan::Stack stack;
  graph::ResourceGraph graph;
  Diagnostics diagnostics;
  std::vector<deploy::KeptStore> kept;  // empty offline

  arm::TemplateScope template_scope() const;
};

/// Loads and plans what the arguments name, asking Azure unless they say --offline. Diagnostics and errors are printed;
/// nothing: the command ends with `exit_code`.
std::optional<Planned> make_plan(const Arguments& arguments, Context& context, int& exit_code);

}  // namespace defang::cli
