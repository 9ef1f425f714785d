#include <fmt/format.h>

#include "rest/azure_error.h"
#include "rest/credential_kinds.h"
#include "rest/pipeline.h"
#include "rest/token_answer.h"
#include "rest/url.h"

namespace defang::rest {
namespace {

/// Both kinds are one GET on this machine that says for whom the token is and who we may be.
class ManagedIdentity : public Credential {
 public:
  ManagedIdentity(std::string kind, HttpRequest request, std::string client_id, Pipeline& pipeline, Clock& clock)
      : kind_(std::move(kind)),
        request_(std::move(request)),
        client_id_(std::move(client_id)),
        pipeline_(pipeline),
        clock_(clock) {}

  std::string name() const override { return kind_; }

  Result<AccessToken> get_token(const TokenRequest& request, std::stop_token stop) override {
    HttpRequest get = request_;
    get.url = with_query(get.url, "resource", request.audience);
    if (!client_id_.empty()) get.url = with_query(get.url, "client_id", client_id_);
    const auto asked = clock_.now();
    auto response = pipeline_.send(std::move(get), {.audience = ""}, stop);
    if (!response) return fail(std::move(response.error().during("asking the " + kind_ + " for a token")));
    if (response->status != 200) return fail(refused(*response));
    return token_in(response->body, asked, "the " + kind_);
  }

 private:
  Error refused(const HttpResponse& response) const {
    Error error = error_of(response);
    error.help = client_id_.empty()
                     ? "several user-assigned identities: AZURE_CLIENT_ID says which; none: assign one"  // ARM-8
                     : "AZURE_CLIENT_ID must be the client id of an identity that is assigned here";
    return error.during("asking the " + kind_ + " for a token");
  }

  std::string kind_;
  HttpRequest request_;
  std::string client_id_;
  Pipeline& pipeline_;
  Clock& clock_;
};

}  // namespace

std::unique_ptr<Credential> make_app_identity_credential(std::string endpoint, Secret header, std::string client_id,
                                                         Pipeline& unsigned_pipeline, Clock& clock) {
  HttpRequest request{.url = with_query(std::move(endpoint), "api-version", "2019-08-01"),
                      .headers = {{"X-IDENTITY-HEADER", header.reveal()}}};
  return std::make_unique<ManagedIdentity>("managed identity of this app", std::move(request), std::move(client_id),
                                           unsigned_pipeline, clock);
}

std::unique_ptr<Credential> make_machine_identity_credential(std::string host, std::string client_id,
                                                             Pipeline& unsigned_pipeline, Clock& clock) {
  HttpRequest request{.url = host + "/metadata/identity/oauth2/token?api-version=2018-02-01",
                      .headers = {{"Metadata", "true"}}};
  return std::make_unique<ManagedIdentity>("managed identity of this machine", std::move(request), std::move(client_id),
                                           unsigned_pipeline, clock);
}

}  // namespace defang::rest
