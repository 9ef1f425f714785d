#include <fmt/format.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <algorithm>
#include <array>

#include "rest/azure_error.h"
#include "rest/credential_kinds.h"
#include "rest/pipeline.h"
#include "rest/token_answer.h"
#include "rest/url.h"
#include "support/digest.h"
#include "support/text.h"

namespace defang::rest {
namespace {

constexpr auto kAssertionLifetime = std::chrono::minutes(10);
constexpr auto kAssertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// What Entra's codes mean for whoever set the variables. "Microsoft Entra authentication error codes", Microsoft
/// Learn.
struct EntraCode {
  std::string_view code, help;
};
constexpr auto kEntraCodes = std::to_array<EntraCode>({
    {"AADSTS700016", "AZURE_CLIENT_ID names no application of the tenant in AZURE_TENANT_ID"},
    {"AADSTS7000215",
     "AZURE_CLIENT_SECRET is not the secret's value; Azure shows it only once, beside an id that looks alike"},
    {"AADSTS7000222", "the client secret has expired: create a new one for the application"},
    {"AADSTS7000229", "the application has no service principal in this tenant: `az ad sp create --id <client id>`"},
    {"AADSTS700027", "the application does not know this certificate: upload its public part to the application"},
    {"AADSTS700024", "the assertion is too old or not yet valid: look at this machine's clock"},
    {"AADSTS700211", "the application has no federated credential whose issuer is that of the assertion"},
    {"AADSTS700212", "the application's federated credential names another audience than the assertion"},
    {"AADSTS700213",
     "the application has no federated credential whose subject is that of the assertion; for GitHub Actions it names "
     "repository and branch or environment"},
    {"AADSTS90002", "AZURE_TENANT_ID names no tenant"},
    {"AADSTS900023", "AZURE_TENANT_ID is neither a tenant's id nor its domain"},
});

std::string help_for(const std::string& message) {
  const auto found = std::ranges::find_if(kEntraCodes, [&](const EntraCode& entry) {
    return message.find(std::string(entry.code) + ":") != std::string::npos;
  });
  return found == kEntraCodes.end()
             ? "check AZURE_TENANT_ID, AZURE_CLIENT_ID and what proves the application's identity"
             : std::string(found->help);
}

class ApplicationCredential : public Credential {
 public:
  ApplicationCredential(Application application, Proof proof, std::string authority, Pipeline& pipeline, Clock& clock)
      : application_(std::move(application)),
        proof_(std::move(proof)),
        authority_(std::move(authority)),
        pipeline_(pipeline),
        clock_(clock) {}

  std::string name() const override { return application_.kind; }

  Result<AccessToken> get_token(const TokenRequest& request, std::stop_token stop) override {
    TRY_ASSIGN(const auto proof, proof_(stop));
    std::vector<std::pair<std::string, std::string>> fields = {{"client_id", application_.client_id}};
    fields.insert(fields.end(), proof.begin(), proof.end());
    fields.emplace_back("grant_type", "client_credentials");
    fields.emplace_back("scope", request.audience + "/.default");
    if (!request.claims.empty()) fields.emplace_back("claims", request.claims);
    HttpRequest post{.method = "POST",
                     .url = fmt::format("{}/{}/oauth2/v2.0/token", authority_, percent_encode(application_.tenant)),
                     .headers = {{"Content-Type", "application/x-www-form-urlencoded"}, {"Accept", "application/json"}},
                     .body = form_body(fields)};
    const auto asked = clock_.now();
    auto response = pipeline_.send(std::move(post), {.audience = "", .repeat = Call::Repeat::always}, stop);
    if (!response) return fail(std::move(response.error().during("signing in as a " + application_.kind)));
    if (response->status != 200) return fail(refused(*response));
    return token_in(response->body, asked, "`" + authority_ + "`");
  }

 private:
  Error refused(const HttpResponse& response) const {
    Error error = error_of(response);
    error.help = help_for(error.message);
    return error.during(fmt::format("signing in as {} `{}` of tenant `{}`", application_.kind, application_.client_id,
                                    application_.tenant));
  }

  Application application_;
  Proof proof_;
  std::string authority_;
  Pipeline& pipeline_;
  Clock& clock_;
};

// ---- certificates -----------------------------------------------------------------------------------------------

struct Key {
  std::shared_ptr<EVP_PKEY> key;
  std::string thumbprint;  // of the certificate, SHA-256, base64url
};

Error unusable(const char* what) {
  return {.kind = Error::Kind::invalid,
          .code = "certificate-invalid",
          .message = fmt::format("AZURE_CLIENT_CERTIFICATE_PATH: {}", what),
          .help = "the file holds the certificate and its RSA key, unencrypted, both in PEM"};
}

Result<Key> key_in(const std::string& pem) {
  const auto open = [&] {
    return std::unique_ptr<BIO, decltype(&BIO_free)>(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())),
                                                     BIO_free);
  };
  // Without a callback OpenSSL would ask for a password on the terminal.
  const auto no_password = [](char*, int, int, void*) { return -1; };
  EVP_PKEY* key = PEM_read_bio_PrivateKey(open().get(), nullptr, no_password, nullptr);
  if (!key) return fail(unusable("no private key that can be read"));
  Key found{std::shared_ptr<EVP_PKEY>(key, EVP_PKEY_free), ""};
  if (EVP_PKEY_get_base_id(key) != EVP_PKEY_RSA) return fail(unusable("the key is not an RSA key"));
  const std::unique_ptr<X509, decltype(&X509_free)> certificate(
      PEM_read_bio_X509(open().get(), nullptr, nullptr, nullptr), X509_free);
  if (!certificate) return fail(unusable("no certificate"));
  if (X509_check_private_key(certificate.get(), key) != 1)
    return fail(unusable("the key is not that of the certificate"));
  std::string digest(EVP_MAX_MD_SIZE, '\0');
  unsigned size = 0;
  X509_digest(certificate.get(), EVP_sha256(), reinterpret_cast<unsigned char*>(digest.data()), &size);
  found.thumbprint = base64url(digest.substr(0, size));
  return found;
}

/// RS256: RSASSA-PKCS1-v1_5 over SHA-256.
std::string sign(const Key& key, const std::string& text) {
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
  std::size_t size = 0;
  const auto* bytes = reinterpret_cast<const unsigned char*>(text.data());
  EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, key.key.get());
  EVP_DigestSign(context.get(), nullptr, &size, bytes, text.size());
  std::string signature(size, '\0');
  EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &size, bytes, text.size());
  return signature.substr(0, size);
}

std::string quoted(const std::string& text) {
  return "\"" + replace_all(replace_all(text, "\\", "\\\\"), "\"", "\\\"") + "\"";
}

}  // namespace

std::unique_ptr<Credential> make_application_credential(Application application, Proof proof, std::string authority,
                                                        Pipeline& unsigned_pipeline, Clock& clock) {
  return std::make_unique<ApplicationCredential>(std::move(application), std::move(proof), std::move(authority),
                                                 unsigned_pipeline, clock);
}

Proof secret_proof(Secret client_secret) {
  return [secret = std::move(client_secret)](std::stop_token) {
    return std::vector<std::pair<std::string, std::string>>{{"client_secret", secret.reveal()}};
  };
}

Proof assertion_proof(std::function<Result<std::string>(std::stop_token stop)> assertion) {
  return [assertion =
              std::move(assertion)](std::stop_token stop) -> Result<std::vector<std::pair<std::string, std::string>>> {
    TRY_ASSIGN(std::string token, assertion(stop));
    return std::vector<std::pair<std::string, std::string>>{{"client_assertion_type", kAssertionType},
                                                            {"client_assertion", std::move(token)}};
  };
}

Result<Proof> certificate_proof(const std::string& pem, const Application& application, const std::string& authority,
                                Clock& clock) {
  TRY_ASSIGN(const Key key, key_in(pem));
  return assertion_proof([key, application, authority, &clock](std::stop_token) -> Result<std::string> {
    const auto at = [](std::chrono::system_clock::time_point time) {
      return std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count();
    };
    const auto now = clock.now();
    const std::string head = fmt::format(R"({{"alg":"RS256","typ":"JWT","x5t#S256":"{}"}})", key.thumbprint);
    const std::string claims =
        fmt::format(R"({{"aud":{},"iss":{},"sub":{},"jti":"{}","nbf":{},"iat":{},"exp":{}}})",
                    quoted(fmt::format("{}/{}/oauth2/v2.0/token", authority, application.tenant)),
                    quoted(application.client_id), quoted(application.client_id),
                    uuid_of(fmt::format("{} {}", application.client_id, now.time_since_epoch().count())), at(now),
                    at(now), at(now + kAssertionLifetime));
    const std::string text = base64url(head) + "." + base64url(claims);
    return text + "." + base64url(sign(key, text));
  });
}

}  // namespace defang::rest
