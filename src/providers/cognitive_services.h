#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "providers/stack_scope.h"

namespace defang::providers {

/// A version of a model that a region offers to new deployments (AI-11), by its cheapest kind of deployment.
struct OfferedModel {
  std::string format = "OpenAI", name, version;
  bool is_default = false;  // the version that new deployments get
  bool embeds = false;      // else it chats
  std::string sku = "GlobalStandard";
  std::int64_t free = 0;  // thousands of tokens a minute that the subscription has left of it (AI-13)
};

/// A deployment that the stack's account has now: it is kept as long as the project could want it.
struct LiveModel {
  std::string format, name, version, sku;
  std::int64_t capacity = 0;
};

/// What planning knows of models; of a plan that asks nobody, nothing.
struct ModelFacts {
  std::vector<OfferedModel> offered;
  std::map<std::string, LiveModel> live;  // by the name of the deployment
  bool account_is_deleted = false;        // softly: its name is taken until it is restored (AI-5)
};

/// The model for a name of Compose, and why.
struct ModelChoice {
  std::string format = "OpenAI", name, version, sku = "GlobalStandard";
  std::int64_t capacity = 10;  // thousands of tokens a minute (AI-10): 1 refuses most requests
  std::string reason;          // "`ai/llama3.3` is not offered here; ..."
  std::string fault;           // why there is none; empty: there is one
};
/// `wanted`: an alias ("chat-default", "embedding-large"), a name with or without its maker ("ai/llama3.3",
/// "openai/gpt-4o-mini"), or anything else, which becomes a default.
ModelChoice choose_model(std::string_view deployment, std::string_view wanted, const ModelFacts* facts);

/// A model that services talk to, by the name that they say.
struct ModelDeployment {
  std::string name;  // of the deployment: what clients send as `model`
  ModelChoice model;
  std::string service;
  SourceSpan origin;
};

inline constexpr std::string_view kModels = "models";
inline constexpr std::string_view kModelsKey = "secret/models";

/// The stack's account, with the door to it.
std::vector<graph::Resource> model_account(const StackScope& scope, const ModelFacts* facts = nullptr);
std::string model_account_name(const StackScope& scope);
/// The name of a deployment as Azure has it: `ai/llama3.3` is none.
std::string model_deployment_name(const std::string& wanted);
/// Deployments of an account are written one after another (AI-12): `after` is the one before.
graph::Resource model_deployment(const StackScope& scope, const ModelDeployment& deployment, const std::string& after);
std::string model_node(const std::string& name);
/// AI-4: what OpenAI's clients take as their base URL.
graph::Value::Text model_base_url();
/// AI-16: what clients for Azure OpenAI take as their endpoint, and the version of the API that they must name.
graph::Value::Text model_endpoint();
inline constexpr std::string_view kModelApiVersion = "2024-10-21";
graph::Reference model_key();
std::vector<std::string> model_zones();  // AI-8

}  // namespace defang::providers
