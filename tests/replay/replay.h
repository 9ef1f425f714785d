#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "trace.h"

namespace defang::replay {

struct OperationRow {
  int number = 0, succeeded = 0, failed = 0;
  int cut_off = 0;     // the recorder's client lost interest before the end, or before the resource showed
  int unrecorded = 0;  // nothing but the first answer was recorded
  int polls = 0;
};
struct ListRow {
  int number = 0, of_several_pages = 0, pages = 0, items = 0;
};
struct ErrorRow {
  int kept = 0;      // told with Azure's code, message and request id
  int absent = 0;    // "there is no such thing", which is an answer and no failure
  int overcome = 0;  // the same request succeeded when it was sent again
};
struct TraceRow {
  std::string name;
  int requests = 0, operations = 0, lists = 0, errors = 0;
  int answers = 0;  // of Resource Manager that are none of these: a resource, a poll, a write that was done at once
  int others = 0;   // of other services, and none of these; not driven
};

/// What became of everything recorded when our poller and clients met it again.
class Replay {
 public:
  void drive(const Trace& trace);

  std::map<std::string, OperationRow> operations;          // by "type METHOD"
  std::map<std::string, ListRow> lists;                    // by what is listed
  std::map<std::pair<int, std::string>, ErrorRow> errors;  // by status and code
  std::vector<TraceRow> traces;
  std::vector<std::string> stuck;  // operations that never ended, with what we say about them
  std::vector<std::string> wrong;  // whatever ended otherwise than recorded

 private:
  void drive_operation(const Trace& trace, std::size_t index);
  void drive_list(const Trace& trace, std::size_t index);
  void drive_error(const Trace& trace, std::size_t index);
  void drive_answer(const Trace& trace, std::size_t index);
};

/// The tables of docs/recorded-traffic.md.
std::string markdown(const Replay& replay);

}  // namespace defang::replay
