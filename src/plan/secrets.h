#pragma once

#include <string>
#include <vector>

#include "plan/planning.h"

/// Vault secrets of a plan and the apps' use of them.
namespace defang::plan {

/// The action that reads a config's current version, made when first asked for.
std::string config_node(Planning& plan, const std::string& name, const std::string& service, const SourceSpan& span);

/// The action that carries a file of this machine into the vault, made when first asked for.
std::string file_node(Planning& plan, const std::string& path, const std::string& service, const SourceSpan& span);

/// A text with config in it is a secret of its own: the app's template would show the rest in clear.
struct ComposedText {
  std::string what;   // "web/DATABASE_URL": names node and vault secret
  std::string where;  // for notes: "`DATABASE_URL`"
  std::string because;
  std::string service;  // whose text it is
  SourceSpan span;
};
/// The action that puts it together and writes it into the vault, made when first asked for.
std::string composed_node(Planning& plan, const ComposedText& text, const std::vector<compose::TextPiece>& pieces);

/// What reads a value from the vault's data plane waits for the right to: owning the vault does not suffice (KV-9).
/// Last of the steps, when all that is made with values is in the graph.
void order_reads_of_values(Planning& plan);

/// Adds the app's secret for what `secret_node` writes, and returns its name there. It ends in the version, so that a
/// new value is exactly one new revision (CA-92).
graph::Value::Text use_secret(Planning& plan, providers::Workload& workload, const std::string& secret_node);

}  // namespace defang::plan
