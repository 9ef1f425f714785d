#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "deploy/azure_access.h"
#include "deploy/engine.h"
#include "deploy/fake_arm.h"

namespace defang::deploy {

class FakePipeline : public rest::Pipeline {
 public:
  std::function<Result<rest::HttpResponse>(const rest::HttpRequest&)> answer;
  std::vector<std::string> requests;

  Result<rest::HttpResponse> send(rest::HttpRequest request, const rest::Call&, std::stop_token) override {
    const std::lock_guard lock(mutex_);
    requests.push_back(request.method + " " + request.url);
    if (!answer) return fail(Error::Kind::refused, "nothing-scripted", request.url);
    return answer(request);
  }

 private:
  std::mutex mutex_;
};

class FakeCredential : public rest::Credential {
 public:
  std::string name() const override { return "fake"; }
  Result<rest::AccessToken> get_token(const rest::TokenRequest&, std::stop_token) override {
    return rest::AccessToken{Secret("token"), std::chrono::system_clock::time_point::max()};
  }
};

class FakeProcesses : public Processes {
 public:
  std::vector<Command> commands;
  std::function<Result<Ended>(const Command&)> answer;

  Result<Ended> run(const Command& command, std::stop_token) override {
    commands.push_back(command);
    if (!answer) return fail(Error::Kind::refused, "program-not-found", command.arguments.at(0));
    return answer(command);
  }
  Result<std::unique_ptr<Child>> start(const Background&) override {
    return fail(Error::Kind::refused, "program-not-found", "none");
  }
};

/// A world in memory for this room's tests.
struct FakeAccess {
  FakeClock clock;
  FakeArm arm{clock};
  FakePipeline pipeline, unsigned_pipeline;
  FakeCredential credential;
  rest::WriteFence fence;
  rest::TokenCache tokens{credential, clock};
  rest::Cloud cloud;
  FakeDisk disk;
  FakeProcesses processes;
  std::unique_ptr<Random> random = make_seeded_random(1);
  AzureAccess access{arm, pipeline, unsigned_pipeline, fence, tokens, cloud, "tenant", clock, *random, disk, processes};
};

/// A run's view of one node, for actions on their own.
class FakeScope : public NodeScope {
 public:
  FakeScope(const graph::ResourceGraph& graph) : graph_(graph) {}
  StackScope place{"shop", "test", "sub", "rg", "westus3"};
  std::map<std::string, std::string> values;  // "node|path" -> value
  std::vector<std::string> lines, states;
  bool fresh = false;
  std::chrono::seconds patience{0};

  const StackScope& stack() const override { return place; }
  const graph::ResourceGraph& graph() const override { return graph_; }
  Result<nlohmann::ordered_json> resolve(const graph::Reference& reference) override {
    const auto found = values.find(reference.node + "|" + reference.path);
    if (found == values.end()) return fail(Error::Kind::invalid, "no-such-output", reference.path);
    return found->second;
  }
  std::optional<nlohmann::json> body_of(const std::string& node) const override {
    const auto found = bodies.find(node);
    return found == bodies.end() ? std::nullopt : std::optional(found->second);
  }
  std::map<std::string, nlohmann::json> bodies;
  void waiting(const std::string& state) override { states.push_back(state); }
  void log(const std::string& line) override { lines.push_back(line); }
  bool rights_are_fresh() const override { return fresh; }
  bool force() const override { return false; }
  bool rebuild() const override { return false; }
  std::chrono::seconds patience_with(const std::string&) const override { return patience; }

 private:
  const graph::ResourceGraph& graph_;
};

}  // namespace defang::deploy
