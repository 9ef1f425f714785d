#pragma once

#include <memory>
#include <stop_token>
#include <string>

#include "cli/command.h"
#include "cli/session.h"

namespace defang::cli {

/// A cloud that was found, with nobody signed in yet.
struct SignedOut {
  std::unique_ptr<rest::HttpTransport> transport;
  std::unique_ptr<rest::Pipeline> pipeline;
  std::shared_ptr<std::atomic<bool>> answered;  // see PipelineParts
  rest::Cloud cloud;
};
/// `fence` may be nullptr.
Result<SignedOut> reach_cloud(const StackSettings& settings, const rest::WriteFence* fence, const Arguments& arguments,
                              Context& context);

/// The tenant that a subscription is at home in, which the cloud tells everybody; empty where it does not.
std::string home_tenant(const SignedOut& cloud, const std::string& subscription_id, std::stop_token stop);

}  // namespace defang::cli
