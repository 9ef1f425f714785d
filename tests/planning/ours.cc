// Times planning without network, as `defang plan --offline --format json` does it. usage: our_planner COMPOSE_FILE
// ROUNDS; standard output: for each round the milliseconds of loading, of making the graph, of writing the plan.
#include <chrono>
#include <cstdio>
#include <cstdlib>

#include "arm/template.h"
#include "compose/load.h"
#include "plan/plan.h"

int main(int argc, char** argv) {
  using namespace defang;
  using Clock = std::chrono::steady_clock;
  if (argc != 3) return 2;
  const auto disk = make_real_disk();
  const compose::LoadOptions options{.files = {argv[1]}};
  const auto ms = [](Clock::duration time) { return std::chrono::duration<double, std::milli>(time).count(); };
  for (int left = std::atoi(argv[2]); left > 0; --left) {
    Diagnostics diagnostics;
    const auto begin = Clock::now();
    const auto project = compose::load(options, *disk, diagnostics);
    if (!project) break;
    const auto loaded = Clock::now();
    plan::Facts facts;
    plan::look_at_disk(*project, *disk, facts);
    const auto graph = plan::build_graph(*project, {}, facts, diagnostics);
    const auto planned = Clock::now();
    const auto text = arm::to_plan_json(graph);
    const auto written = Clock::now();
    if (diagnostics.has_errors() || text.empty()) {
      for (const auto& one : diagnostics.all()) std::fprintf(stderr, "%s\n", one.message.c_str());
      return 1;
    }
    std::printf("%.3f %.3f %.3f\n", ms(loaded - begin), ms(planned - loaded), ms(written - planned));
  }
  return 0;
}
