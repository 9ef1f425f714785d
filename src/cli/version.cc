#include "cli/commands.h"

namespace defang::cli {

int run_version(const Arguments& arguments, Context& context) {
  context.out.write(arguments.json ? "{\"version\":\"" DEFANG_VERSION "\"}\n" : "defang " DEFANG_VERSION "\n");
  return exit_done;
}

}  // namespace defang::cli
