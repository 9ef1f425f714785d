#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "rest/credential.h"

/// What the chain of credential.h is made of.
namespace defang::rest {

/// An application that signs in at Entra's v2 endpoint (ARM-1).
struct Application {
  std::string kind;  // "service principal": what messages call it
  std::string tenant, client_id;
};
/// What proves that we are the application: form fields, made for each request.
using Proof = std::function<Result<std::vector<std::pair<std::string, std::string>>>(std::stop_token stop)>;
std::unique_ptr<Credential> make_application_credential(Application application, Proof proof, std::string authority,
                                                        Pipeline& unsigned_pipeline, Clock& clock);
Proof secret_proof(Secret client_secret);
/// A token that somebody else made out for us: workload identity federation (ARM-9). Read again each time, as it ages.
Proof assertion_proof(std::function<Result<std::string>(std::stop_token stop)> assertion);
/// A token that we sign with the key in `pem`, which holds the certificate as well.
/// "Microsoft identity platform application authentication certificate credentials", Microsoft Learn.
Result<Proof> certificate_proof(const std::string& pem, const Application& application, const std::string& authority,
                                Clock& clock);

/// The one of the App Service family, which Container Apps have too (ARM-8).
std::unique_ptr<Credential> make_app_identity_credential(std::string endpoint, Secret header, std::string client_id,
                                                         Pipeline& unsigned_pipeline, Clock& clock);
/// The one of virtual machines (ARM-7). `host` is "http://169.254.169.254".
std::unique_ptr<Credential> make_machine_identity_credential(std::string host, std::string client_id,
                                                             Pipeline& unsigned_pipeline, Clock& clock);

/// What `az login` left: runs `az account get-access-token` (ARM-4). `tenant` may be empty.
std::unique_ptr<Credential> make_azure_cli_credential(Processes& processes, Clock& clock, std::string tenant);
/// What `azd auth login` left: runs `azd auth token`.
std::unique_ptr<Credential> make_developer_cli_credential(Processes& processes, Clock& clock, std::string tenant);

}  // namespace defang::rest
