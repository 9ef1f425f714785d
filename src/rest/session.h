#pragma once

#include <functional>
#include <memory>
#include <stop_token>
#include <string>

#include "rest/arm_client.h"
#include "rest/cloud.h"
#include "rest/credential.h"
#include "rest/http_transport.h"
#include "rest/pipeline.h"
#include "support/clock.h"
#include "support/digest.h"
#include "support/process.h"
#include "support/result.h"

namespace defang::rest {

struct SessionParts {
  HttpTransport& transport;
  Clock& clock;
  Random& random;
  Processes& processes;
  Environment environment;  // AZURE_*; of the process, or the emulator's
  std::string user_agent = "defang";
  std::function<void(const std::string& line)> log;
};

/// Everything needed to talk to one cloud as one identity, put together in the right order.
struct Session {
  Cloud cloud;
  std::unique_ptr<Pipeline> unsigned_pipeline;  // SAS, account keys, public addresses
  std::unique_ptr<Credential> credential;
  std::unique_ptr<TokenCache> tokens;
  std::unique_ptr<Pipeline> pipeline;  // signs in where Call::audience says for whom
  std::unique_ptr<ArmClient> arm;
};

/// Finds the cloud; signs in only with the first request. Must not outlive its parts.
Result<std::unique_ptr<Session>> open_session(const SessionParts& parts, std::stop_token stop);

}  // namespace defang::rest
