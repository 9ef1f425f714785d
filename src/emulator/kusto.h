#pragma once

#include <expected>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "emulator/json.h"

/// As much of the Kusto query language as clients of logs and of Resource Graph need here: `union`, `where`, `project`,
/// `order by`, `take` (Microsoft Learn, "Kusto Query Language"). The rest is refused by name, never ignored.
namespace defang::emulator {

struct KustoTable {
  struct Column {
    std::string name;
    std::string type;  // "string", "datetime", "dynamic"
  };
  std::vector<Column> columns;
  std::vector<Json> rows;  // objects by column; a missing member is null
};

struct KustoError {
  std::string code;  // "SyntaxError", "SemanticError", "EmulatorNotImplemented"
  std::string message;
};

/// Nothing: there is no table of that name.
using FindTable = std::function<std::optional<KustoTable>(std::string_view name)>;

/// Pure but for `find`.
std::expected<KustoTable, KustoError> run_kusto(std::string_view query, const FindTable& find);

}  // namespace defang::emulator
