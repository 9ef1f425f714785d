#include <fmt/format.h>

#include <mutex>

#include "rest/credential_kinds.h"
#include "rest/token_answer.h"
#include "support/text.h"

namespace defang::rest {
namespace {

/// ARM-5: a cold `az` can take longer than 30 s.
constexpr auto kLongestRun = std::chrono::seconds(90);

/// A program that people signed in with, and that prints a token.
struct Tool {
  std::string name;     // "Azure CLI"
  std::string command;  // "az account get-access-token"
  std::string sign_in;  // "az login": both the advice and what the tool says when nobody is signed in
  std::vector<std::string> (*arguments)(const TokenRequest& request, const std::string& tenant);
};

std::vector<std::string> az_arguments(const TokenRequest& request, const std::string& tenant) {
  std::vector<std::string> words = {"az", "account", "get-access-token", "--resource", request.audience, "-o", "json"};
  if (!tenant.empty()) words.insert(words.end(), {"--tenant", tenant});
  return words;
}

std::vector<std::string> azd_arguments(const TokenRequest& request, const std::string& tenant) {
  std::vector<std::string> words = {"azd",      "auth", "token",      "--scope", request.audience + "/.default",
                                    "--output", "json", "--no-prompt"};
  if (!tenant.empty()) words.insert(words.end(), {"--tenant-id", tenant});
  return words;
}

class ToolCredential : public Credential {
 public:
  ToolCredential(Tool tool, Processes& processes, Clock& clock, std::string tenant)
      : tool_(std::move(tool)), processes_(processes), clock_(clock), tenant_(std::move(tenant)) {}

  std::string name() const override { return tool_.name; }

  Result<AccessToken> get_token(const TokenRequest& request, std::stop_token stop) override {
    const Processes::Command command{.arguments = tool_.arguments(request, tenant_), .limit = kLongestRun};
    auto ended = [&] {
      const std::scoped_lock lock(one_at_a_time_);  // several at once slow each other down past any limit (ARM-5)
      return processes_.run(command, stop);
    }();
    if (!ended) return fail(cannot_run(std::move(ended).error()));
    if (ended->exit_code != 0) return fail(refused(*ended));
    return token_in(ended->output, clock_.now(), "`" + tool_.command + "`");
  }

 private:
  Error cannot_run(Error error) const {
    if (error.code == "program-not-found") {
      return {.kind = Error::Kind::refused,
              .code = "credential-not-applicable",
              .message = fmt::format("the {} (`{}`) is not installed", tool_.name, split(tool_.command, ' ')[0])};
    }
    if (error.code == "process-too-slow")
      error.help = fmt::format("run `{}` by hand to see what it waits for", tool_.command);
    return error.during(fmt::format("asking the {} for a token", tool_.name));
  }

  Error refused(const Processes::Ended& ended) const {
    const std::string said(trim(ended.error_output));
    const bool nobody = said.find(tool_.sign_in) != std::string::npos && said.find("AADSTS") == std::string::npos;
    if (nobody) {
      return {.kind = Error::Kind::refused,
              .code = "credential-not-applicable",
              .message = fmt::format("the {} is not signed in (`{}`)", tool_.name, tool_.sign_in)};
    }
    Error error{.kind = Error::Kind::refused,
                .code = "tool-failed",
                .message = fmt::format("`{}` failed: {}", tool_.command,
                                       said.empty() ? "it said nothing" : said.substr(0, 1000)),
                .help = fmt::format("sign in again with `{}`", tool_.sign_in)};
    return error.during(fmt::format("asking the {} for a token", tool_.name));
  }

  Tool tool_;
  Processes& processes_;
  Clock& clock_;
  std::string tenant_;
  std::mutex one_at_a_time_;
};

}  // namespace

std::unique_ptr<Credential> make_azure_cli_credential(Processes& processes, Clock& clock, std::string tenant) {
  return std::make_unique<ToolCredential>(Tool{"Azure CLI", "az account get-access-token", "az login", az_arguments},
                                          processes, clock, std::move(tenant));
}

std::unique_ptr<Credential> make_developer_cli_credential(Processes& processes, Clock& clock, std::string tenant) {
  return std::make_unique<ToolCredential>(
      Tool{"Azure Developer CLI", "azd auth token", "azd auth login", azd_arguments}, processes, clock,
      std::move(tenant));
}

}  // namespace defang::rest
