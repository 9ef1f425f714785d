#pragma once

#include <string>
#include <vector>

#include "providers/stack_scope.h"

namespace defang::providers {

/// A model that services talk to, by the name that they say.
struct ModelDeployment {
  std::string name;   // of the deployment: what clients send as `model`
  std::string model;  // "gpt-5-mini"
  std::string service;
  SourceSpan origin;
};

inline constexpr std::string_view kModels = "models";
inline constexpr std::string_view kModelsKey = "secret/models";

/// The stack's account, with the door to it.
std::vector<graph::Resource> model_account(const StackScope& scope);
/// Deployments of an account are written one after another (AI-12): `after` is the one before.
graph::Resource model_deployment(const StackScope& scope, const ModelDeployment& deployment, const std::string& after);
std::string model_node(const std::string& name);
/// AI-4: what OpenAI's clients take as their base URL.
graph::Value::Text model_base_url();
graph::Reference model_key();
std::vector<std::string> model_zones();  // AI-8

/// The model for a name of Compose: an alias ("chat-default", "embedding-default"), a model of OpenAI's, or what comes
/// nearest.
std::string model_for(std::string_view wanted);

}  // namespace defang::providers
