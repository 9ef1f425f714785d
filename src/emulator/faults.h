#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "emulator/core.h"

namespace defang::emulator {

/// Azure on a bad day, by script. Rows are read once; how often each has struck is kept in the store, so that a kill
/// does not strike again after the restart.
///
///   {"faults": [{"method": "PUT", "path": "<regular expression>", "request": 7, "nth": 2, "times": 1, "do": "kill"},
///   ...]}
///
/// `request`: the request of that number since the state was made; `nth`: from the nth match on; `times`: at most that
/// often (default 1, 0: always). `do`: "kill" (before anything is done), "kill-after" (done and written, but not
/// answered), "drop", "drop-after", "status" with `status`, `code`, `message`, `retryAfter` or a whole `body`, "delay"
/// with `seconds` of Azure's time, "lag" with `seconds` by which what is written here is usable later than its
/// operation says (Redis: `resourceState`).
class Faults {
 public:
  static Result<Faults> read(Disk& disk, const std::filesystem::path& file);
  Faults() = default;

  struct Strike {
    enum class What { kill, drop, status, delay, lag } what = What::status;
    bool after = false;
    double seconds = 0;
    Answer answer;
  };
  /// What befalls this request, if anything; counts it.
  std::optional<Strike> strike(Core& core, const Request& request) const;
  bool empty() const { return rows_.empty(); }

 private:
  std::vector<Json> rows_;
};

}  // namespace defang::emulator
