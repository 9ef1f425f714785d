#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <vector>

#include "deploy/azure_access.h"
#include "deploy/engine.h"
#include "deploy/pin_images.h"
#include "deploy/vault_secrets.h"
#include "plan/plan.h"
#include "rest/blob_client.h"

/// What a run leaves behind in the stack's storage, and what is there when the next one begins. Azure stays the state:
/// the record only tells whether somebody else has changed something meanwhile, and saves asking where nobody has
/// (design.md section 4). Without it every resource is asked and compared.
namespace defang::deploy {

/// Kept as the blob `runs/last.json`.
struct StackRecord {
  /// `fingerprint` of the plan that was carried out to its end; empty: the last run did not come to an end.
  std::string plan;
  bool can_assign_roles = true;  // with which it was planned
  /// By id in lower case: the resource's mark (StackView) when the run ended.
  std::map<std::string, std::string> marks;
  /// By id in lower case: the `scale` that was written to an app.
  std::map<std::string, nlohmann::json> scales;
  std::string secrets, roles;  // StackView's
  PinnedImages images;
  /// Facts' of this run, and of earlier ones those whose grants could not be taken back yet.
  plan::SharedRegistries registries;
};
std::string to_text(const StackRecord& record);
/// As the record and the payload of a run have them.
nlohmann::json registries_json(const plan::SharedRegistries& registries);
plan::SharedRegistries registries_of(const nlohmann::json& json);
/// Nothing for what is not of this format: another version wrote it, or it is damaged.
std::optional<StackRecord> parse_record(const std::string& text);

/// What a few lists show of a stack.
struct StackView {
  bool exists = false;  // its resource group
  /// By id in lower case, of every resource in the group's list: when Azure changed it last, its state, and the hash of
  /// ours. Another mark means that something has happened.
  std::map<std::string, std::string> marks;
  std::vector<nlohmann::json> apps;  // bodies
  std::vector<VaultSecret> secrets;
  std::string roles;  // digest of the assignments within the group, and of ours on the record's registries
  std::optional<StackRecord> record;
};
std::string digest_of(const std::vector<VaultSecret>& secrets);

/// The stack's own, by name.
struct StackNames {
  std::string vault, storage;
};
/// What cannot be read of the record is as if it were not there; without one only marks are read.
Result<StackView> look_at_stack(const AzureAccess& access, const StackScope& scope, const StackNames& names,
                                std::stop_token stop);
/// Of the last run, for who shows what the next one would do; none where that cannot be read.
PinnedImages recorded_images(const AzureAccess& access, const StackScope& scope, const StackNames& names,
                             std::stop_token stop);
/// Marks, secrets and roles, when a run is over that leaves these registries.
Result<StackView> look_again(const AzureAccess& access, const StackScope& scope, const StackNames& names,
                             const plan::SharedRegistries& registries, std::stop_token stop);
/// Assignments of the stack's own outside of its group: on those of these registries where whoever deployed may give
/// roles.
std::vector<azure::ResourceId> grants_on(const plan::SharedRegistries& registries, const StackScope& scope);
Result<void> keep_record(rest::BlobClient& blobs, const StackRecord& record, std::stop_token stop);

/// Of the plan and of everything on this machine that it is carried out with: build contexts, files.
Result<std::string> fingerprint(const graph::ResourceGraph& graph, const Disk& disk);

/// Whether a run would find everything as the last one left it, and what it left was up. Pure.
bool is_as_left(const StackView& view, const std::string& fingerprint);

/// What a run leaves. `before` is from its beginning, `after` from its end; a resource that changed meanwhile though
/// the run did not write it keeps its old mark, so that the next run looks at it. `written`: ids in lower case. Pure.
std::map<std::string, std::string> marks_to_keep(const StackView& before, const StackView& after,
                                                 const std::set<std::string>& written);

}  // namespace defang::deploy
