#pragma once

#include <map>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "support/clock.h"
#include "support/diagnostic.h"
#include "support/digest.h"
#include "support/disk.h"
#include "support/process.h"

namespace defang::cli {

/// Where a command prints. Results go to `out`, everything else to `err`.
class Stream {
 public:
  virtual ~Stream() = default;
  virtual void write(std::string_view text) = 0;
  virtual bool is_terminal() const = 0;
  struct Size {
    int columns = 0, rows = 0;
  };
  virtual Size size() const = 0;  // of the terminal; 0 where there is none
};

/// The world as a command sees it.
struct Context {
  Disk& disk;
  Clock& clock;
  Processes& processes;
  Random& random;
  Stream& out;
  Stream& err;
  std::map<std::string, std::string> environment;
  std::string standard_input();  // read whole, once; for `-f -` and values from a pipe
  bool input_is_terminal = false;
  enum class Echo { shown, hidden };
  /// One line from the terminal; nothing when it ends there or a stop is asked for.
  std::optional<std::string> ask(std::string_view question, Echo echo);
  std::stop_token stop;      // Ctrl-C
  std::string program_path;  // this program, for starting itself again

  std::string variable(const std::string& name) const;  // empty when unset
};

/// design.md section 5.
enum ExitCode { exit_done = 0, exit_world_refused = 1, exit_input_wrong = 2, exit_interrupted = 130 };

/// What may stand on the command line, for all commands together: an option means the same everywhere.
struct Arguments {
  // of every command
  std::string stack;         // -s
  std::string provider;      // -P
  std::string project_name;  // -p
  std::vector<std::string> files;
  std::string folder;  // -C
  bool json = false;
  bool verbose = false;
  bool quiet = false;
  bool debug = false;
  bool non_interactive = false;
  std::string color = "auto";

  // loading
  std::vector<std::string> env_files;
  std::vector<std::string> profiles;
  std::string project_directory;
  std::string loader = "defang";
  bool no_interpolate = false;
  bool no_consistency = false;
  std::string format;  // of `config` and `plan`
  bool list_services = false, list_images = false, list_profiles = false, list_variables = false;
  bool list_networks = false, list_volumes = false, list_models = false;
  std::string hash;  // "*" or services, comma separated
  std::string output;
  std::string export_folder;
  bool all_subscriptions = false;

  // deploying
  bool offline = false;
  bool yes = false;
  bool build = false;
  bool force = false;
  std::string pull;
  bool detach = false;
  bool dry_run = false;
  bool remove = false;  // of `down`: with the config
  bool delete_data = false;
  std::vector<std::string> delete_data_of;
  bool no_wait = false;
  std::optional<int> wait_timeout_seconds;

  // logs
  bool follow = false;
  std::string since;
  std::optional<int> tail;
  std::string type;

  // config
  bool random = false;
  bool env = false;
  bool if_not_set = false;
  std::string env_file;  // with the values to set

  // registry
  std::string username;
  bool password_stdin = false;

  // emulator
  std::string state_folder;
  std::optional<int> port;
  std::string time_scale;
  std::string engine = "auto";
  std::string faults;
  std::optional<int> seed;
  std::string request_log;
  std::string role;
  std::string base_images;
  bool fresh_subscription = false;
  bool shell_exports = false;  // status --env
  bool foreground = false;
  std::optional<int> dns_port;
  std::string zone_file;

  std::string input;  // of `api`: a file, or `-`

  // db
  bool url = false;
  std::string image;

  std::vector<std::string> words;  // what follows the options: services, NAME=VALUE ...
};

/// One option: its spelling for the command line, where its value goes, and its help line.
struct Option {
  std::string_view flags;  // "-f,--file"
  std::variant<bool Arguments::*, std::string Arguments::*, std::vector<std::string> Arguments::*,
               std::optional<int> Arguments::*>
      target;
  std::string_view value;  // "PATH"; empty for a switch
  std::string_view help;
  std::vector<std::string_view> choices = {};  // empty: anything
};

/// One command. A command lives in the file with its name; its row stands in commands.cc.
struct Command {
  std::string_view path;               // "compose up"
  std::vector<std::string_view> also;  // other paths for the same: "up"
  std::string_view summary;
  std::vector<std::span<const Option>> options;
  std::string_view words;  // "[SERVICE...]"; empty: none are taken
  int (*run)(const Arguments&, Context&);
};
const std::vector<Command>& commands();

/// Prints diagnostics as design.md section 5 says: text on stderr, or one JSON document {"diagnostics": [...]} on
/// stdout.
void print(const Diagnostics& diagnostics, const Arguments& arguments, Context& context);
/// The world's error, with the Compose line that asked where there is one. Never shows a secret.
void print(const Error& error, const Arguments& arguments, Context& context);
/// The exit code that an error means: 130 for a stop, otherwise 1.
int exit_code_of(const Error& error);

}  // namespace defang::cli
