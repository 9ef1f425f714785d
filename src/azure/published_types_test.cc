#include <gtest/gtest.h>

#include <filesystem>

#include "azure/resource_types.h"
#include "support/text.h"

namespace defang::azure {
namespace {

namespace fs = std::filesystem;

/// Azure's published schemas, one file a type and version; no part of this repository.
const fs::path kTypes = fs::path(DEFANG_SOURCE_DIR) / "../shared/azure-api/types";

/// Types that no published schema covers: they are read or started, never written.
bool is_read_only(std::string_view type) { return type == "Microsoft.ContainerRegistry/registries/runs"; }

TEST(ResourceTypes, AreKnownToAzureInTheVersionThatWeSend) {
  if (!fs::exists(kTypes)) GTEST_SKIP() << "Azure's published schemas are not here";
  for (const auto& row : resource_types()) {
    if (is_read_only(row.type)) continue;
    const auto file = replace_all(std::string(row.type), "/", "_") + "@" + std::string(row.api_version) + ".json";
    EXPECT_TRUE(fs::exists(kTypes / file)) << file;
  }
}

}  // namespace
}  // namespace defang::azure
