// `defang emulator ...`: starts this program again in the background, and talks about it.
#include "emulator/emulator.h"

#include <fmt/format.h>
#include <signal.h>

#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "cli/session.h"
#include "emulator/engines/root_mount.h"
#include "support/text.h"

namespace defang::cli {

namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr auto kStartLimit = std::chrono::seconds(60);
constexpr auto kStopLimit = std::chrono::seconds(90);  // containers that do not heed SIGTERM have 30 of them
constexpr auto kLook = std::chrono::milliseconds(20);

fs::path state_folder(const Arguments& arguments, const Context& context) {
  if (!arguments.state_folder.empty()) return fs::absolute(arguments.state_folder);
  return emulator_state_folder(context.environment);
}

Result<emulator::Options> options_of(const Arguments& arguments, const Context& context) {
  emulator::Options options{.state_folder = state_folder(arguments, context), .engine = arguments.engine};
  const auto wrong = [](std::string message) { return fail(Error::Kind::invalid, "usage", std::move(message)); };
  if (arguments.port) {
    if (*arguments.port < 0 || *arguments.port > 65535)
      return wrong(fmt::format("port {} is not in the range 0 to 65535", *arguments.port));
    options.port = static_cast<std::uint16_t>(*arguments.port);
  }
  if (!arguments.time_scale.empty()) {
    char* end = nullptr;
    options.time_scale = std::strtod(arguments.time_scale.c_str(), &end);
    if (*end != '\0' || !(options.time_scale > 0))
      return wrong(fmt::format("time scale `{}` is not a number above 0", arguments.time_scale));
  }
  if (arguments.dns_port) {
    if (*arguments.dns_port < 0 || *arguments.dns_port > 65535)
      return wrong(fmt::format("port {} is not in the range 0 to 65535", *arguments.dns_port));
    options.dns_port = static_cast<std::uint16_t>(*arguments.dns_port);
  }
  if (!arguments.zone_file.empty()) options.zone_file = fs::absolute(arguments.zone_file);
  if (arguments.seed) options.seed = static_cast<std::uint64_t>(*arguments.seed);
  if (!arguments.faults.empty()) options.faults = fs::absolute(arguments.faults);
  if (!arguments.request_log.empty()) options.request_log = fs::absolute(arguments.request_log);
  if (!arguments.role.empty()) options.role = arguments.role;
  if (!arguments.base_images.empty()) options.base_images = fs::absolute(arguments.base_images);
  return options;
}

Json to_json(const emulator::Description& running) {
  return {{"environment", running.environment}, {"endpoint", running.endpoint}, {"dns", running.dns},
          {"ingress", running.ingress},         {"pid", running.pid},           {"state", running.state.string()}};
}

int report(const Error& error, const Arguments& arguments, Context& context) {
  print(error, arguments, context);
  return error.code == "usage" ? exit_input_wrong : exit_code_of(error);
}

void print_running(const emulator::Description& running, const Arguments& arguments, Context& context) {
  if (arguments.json)
    context.out.write(to_json(running).dump(2) + "\n");
  else
    context.out.write(fmt::format("The emulator answers at {} (process {}, state in {})\n", running.endpoint,
                                  running.pid, running.state.string()) +
                      fmt::format("Its name server is 127.0.0.1, port {}; public apps answer by host name at {}\n",
                                  running.dns.substr(running.dns.find(':') + 1), running.ingress));
  if (running.engine == "none" && !running.engines_left_out.empty())
    context.err.write(
        fmt::format("note: no containers run here ({}); everything else does\n", join(running.engines_left_out, "; ")));
}

std::string last_lines(const std::string& text, std::size_t count) {
  auto lines = split(trim(text), '\n');
  if (lines.size() > count) lines.erase(lines.begin(), lines.end() - static_cast<std::ptrdiff_t>(count));
  return join(lines, "\n");
}

std::vector<std::string> background_arguments(const Arguments& arguments, const emulator::Options& options,
                                              const Context& context) {
  std::vector<std::string> words = {context.program_path,          "emulator", "start",       "--foreground", "--state",
                                    options.state_folder.string(), "--engine", options.engine};
  const auto add = [&](std::string name, const std::string& value) {
    if (!value.empty()) words.insert(words.end(), {std::move(name), value});
  };
  add("--port", arguments.port ? fmt::format("{}", *arguments.port) : "");
  add("--dns-port", arguments.dns_port ? fmt::format("{}", *arguments.dns_port) : "");
  add("--zone-file", options.zone_file.string());
  add("--time-scale", arguments.time_scale);
  add("--seed", arguments.seed ? fmt::format("{}", *arguments.seed) : "");
  add("--faults", options.faults.string());
  add("--request-log", options.request_log.string());
  add("--role", arguments.role);
  add("--base-images", options.base_images.string());
  if (arguments.fresh_subscription) words.emplace_back("--fresh-subscription");
  return words;
}

/// Until the child has written that it answers; an early end is an error with the last lines of its log.
Result<emulator::Description> wait_until_it_answers(Processes::Child& child, const emulator::Options& options,
                                                    Context& context) {
  const auto log = emulator::log_file(options.state_folder);
  const auto until = context.clock.elapsed() + kStartLimit;
  while (context.clock.elapsed() < until) {
    TRY_ASSIGN(const auto running, emulator::describe(context.disk, options.state_folder));
    if (running && running->pid == child.pid()) return *running;
    if (child.exit_code()) {
      const auto text = context.disk.read(log);
      // Nothing said: on a full disk there was no room for it.
      if (!text || text->empty()) TRY(context.disk.write(log, std::string(4096, ' ')));
      return fail(Error::Kind::refused, "emulator-not-started",
                  "the emulator ended at once: " + last_lines(text ? *text : "", 3));
    }
    if (!context.clock.sleep_for(kLook, context.stop)) return stopped();
  }
  return fail(Error::Kind::refused, "emulator-not-started",
              fmt::format("the emulator does not answer; its log is {}", log.string()));
}

int run_in_foreground(const emulator::Options& options, const Arguments& arguments, Context& context) {
  if (options.engine != "none") {
    if (const auto ready = emulator::restart_where_root_is_mounted(options.state_folder / "root"); !ready)
      print(ready.error(), arguments, context);
  }
  const auto random = arguments.seed ? make_seeded_random(options.seed) : make_system_random();
  const emulator::World world{context.clock, context.disk, context.processes, *random};
  const auto served = emulator::serve(options, world, context.stop, [&](const emulator::Description& running) {
    print_running(running, arguments, context);
  });
  return served ? exit_done : report(served.error(), arguments, context);
}

Result<void> stop_running(const emulator::Description& running, Context& context) {
  ::kill(running.pid, SIGTERM);
  const auto until = context.clock.elapsed() + kStopLimit;
  while (context.clock.elapsed() < until) {
    TRY_ASSIGN(const auto still, emulator::describe(context.disk, running.state));
    if (!still) return {};
    if (!context.clock.sleep_for(kLook, context.stop)) return stopped();
  }
  return fail(Error::Kind::refused, "emulator-not-stopped", fmt::format("process {} does not end", running.pid));
}

}  // namespace

int run_emulator_start(const Arguments& arguments, Context& context) {
  auto options = options_of(arguments, context);
  if (!options) return report(options.error(), arguments, context);
  options->fresh_subscription = arguments.fresh_subscription;
  if (arguments.foreground) return run_in_foreground(*options, arguments, context);
  const auto running = emulator::describe(context.disk, options->state_folder);
  if (!running) return report(running.error(), arguments, context);
  if (*running) {
    print_running(**running, arguments, context);
    return exit_done;
  }
  if (const auto made = context.disk.make_folder(options->state_folder); !made)
    return report(made.error(), arguments, context);
  [[maybe_unused]] const auto removed = context.disk.remove(emulator::log_file(options->state_folder));
  auto child = context.processes.start({.arguments = background_arguments(arguments, *options, context),
                                        .environment = {},
                                        .folder = {},
                                        .output = emulator::log_file(options->state_folder),
                                        .detached = true});
  if (!child) return report(child.error(), arguments, context);
  const auto started = wait_until_it_answers(**child, *options, context);
  if (!started) return report(started.error(), arguments, context);
  print_running(*started, arguments, context);
  return exit_done;
}

int run_emulator_stop(const Arguments& arguments, Context& context) {
  const auto running = emulator::describe(context.disk, state_folder(arguments, context));
  if (!running) return report(running.error(), arguments, context);
  if (!*running) {
    context.err.write("no emulator runs\n");
    return exit_done;
  }
  const auto ended = stop_running(**running, context);
  return ended ? exit_done : report(ended.error(), arguments, context);
}

int run_emulator_status(const Arguments& arguments, Context& context) {
  const auto running = emulator::describe(context.disk, state_folder(arguments, context));
  if (!running) return report(running.error(), arguments, context);
  if (!*running) {
    if (arguments.json)
      context.out.write(Json{{"environment", nullptr},
                             {"endpoint", nullptr},
                             {"pid", nullptr},
                             {"state", state_folder(arguments, context).string()}}
                            .dump(2) +
                        "\n");
    if (!arguments.json) context.err.write("no emulator runs; start one with `defang emulator start`\n");
    return exit_world_refused;
  }
  if (arguments.shell_exports) {
    for (const auto& [name, value] : (*running)->environment)
      context.out.write(fmt::format("export {}='{}'\n", name, value));
    return exit_done;
  }
  print_running(**running, arguments, context);
  return exit_done;
}

int run_emulator_reset(const Arguments& arguments, Context& context) {
  const fs::path folder = state_folder(arguments, context);
  const auto running = emulator::describe(context.disk, folder);
  if (!running) return report(running.error(), arguments, context);
  if (*running)
    if (const auto ended = stop_running(**running, context); !ended) return report(ended.error(), arguments, context);
  // Only a folder that is an emulator's: `--state /home/me` must not empty a home.
  if (context.disk.is_folder(folder) && !context.disk.is_file(folder / "journal.jsonl")) {
    return report({.kind = Error::Kind::refused,
                   .code = "not-a-state-folder",
                   .message = fmt::format("{} holds no emulator's state", folder.string())},
                  arguments, context);
  }
  emulator::sweep(folder, context.disk, context.processes);
  const auto removed = context.disk.remove(folder);
  return removed ? exit_done : report(removed.error(), arguments, context);
}

int run_emulator_logs(const Arguments& arguments, Context& context) {
  const auto text = context.disk.read(emulator::log_file(state_folder(arguments, context)));
  if (!text) return report(text.error(), arguments, context);
  context.out.write(*text);
  return exit_done;
}

}  // namespace defang::cli
