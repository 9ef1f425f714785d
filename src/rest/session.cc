#include "rest/session.h"

namespace defang::rest {

Result<std::unique_ptr<Session>> open_session(const SessionParts& parts, std::stop_token stop) {
  auto session = std::make_unique<Session>();
  const PipelineParts unsigned_parts{.transport = parts.transport,
                                     .clock = parts.clock,
                                     .random = parts.random,
                                     .user_agent = parts.user_agent,
                                     .log = parts.log};
  session->unsigned_pipeline = make_pipeline(unsigned_parts);
  TRY_ASSIGN(session->cloud, find_cloud(parts.environment, *session->unsigned_pipeline, stop));
  session->credential = make_default_credential(parts.environment, session->cloud.authority,
                                                *session->unsigned_pipeline, parts.processes, parts.clock);
  session->tokens = std::make_unique<TokenCache>(*session->credential, parts.clock);
  PipelineParts signed_parts = unsigned_parts;
  signed_parts.tokens = session->tokens.get();
  session->pipeline = make_pipeline(signed_parts);
  session->arm = make_arm_client(session->cloud, *session->pipeline, parts.clock);
  return session;
}

}  // namespace defang::rest
