// The data plane of model accounts, in the protocol of OpenAI: chats that say back what they are told, and embeddings
// that are the same for the same text.
#include <fmt/format.h>

#include <bit>
#include <cmath>

#include "emulator/providers/managed_stores.h"
#include "support/digest.h"
#include "support/text.h"

namespace defang::emulator {

namespace {

constexpr std::string_view kDeployments = "Microsoft.CognitiveServices/accounts/deployments";
constexpr std::string_view kAudience = "https://cognitiveservices.azure.com";
constexpr std::string_view kDataAction =
    "Microsoft.CognitiveServices/accounts/OpenAI/deployments/chat/completions/action";
constexpr std::size_t kLargestEmbedding = 3072;  // of text-embedding-3-large; the others have 1536

Answer model_error(int status, std::string_view code, std::string_view message) {
  return json_answer(status, {{"error", {{"code", code}, {"message", message}}}});
}

// --- who asks -------------------------------------------------------------------------------------------------------

bool has_key(const Resource& account, const std::string& key) {
  return !key.empty() && (key == text_at(account.hidden, "key1") || key == text_at(account.hidden, "key2"));
}

/// AI-4, AI-9: the key in a header of its own or as a bearer, or somebody's token.
std::optional<Answer> check_caller(Core& core, const Resource& account, const Request& request) {
  if (!request.is_private && text_at(account.body, "properties.publicNetworkAccess") == "Disabled")
    return model_error(403, "403", "Public access is disabled. Please configure private endpoint.");
  std::string key = request.headers.get("api-key");
  constexpr std::string_view kBearer = "Bearer ";
  const std::string authorization = request.headers.get("Authorization");
  const std::string bearer = authorization.starts_with(kBearer) ? authorization.substr(kBearer.size()) : "";
  if (key.empty()) key = bearer;
  if (has_key(account, key)) {
    if (!true_at(account.body, "properties.disableLocalAuth")) return std::nullopt;
    return model_error(403, "AuthenticationTypeDisabled", "Key based authentication is disabled for this resource.");
  }
  const auto caller = core.check_token(bearer);
  if (!caller || !caller->audience.starts_with(kAudience))
    return model_error(401, "401",
                       "Access denied due to invalid subscription key or wrong API endpoint. Make sure to provide a "
                       "valid key for an active subscription and use a correct regional API endpoint for your "
                       "resource.");
  if (core.may(caller->object_id, kDataAction, account.id, true)) return std::nullopt;
  return model_error(401, "PermissionDenied",
                     fmt::format("The principal `{}` lacks the required data action `{}` to perform `POST "
                                 "/openai/deployments/chat/completions` operation.",
                                 caller->object_id, kDataAction));
}

// --- what it says ---------------------------------------------------------------------------------------------------

/// Content of a message: a text, or parts of which some are texts.
std::string text_of(const Json& content) {
  if (content.is_string()) return content.get<std::string>();
  std::string text;
  if (content.is_array())
    for (const Json& part : content) text += text_at(part, "text");
  return text;
}

std::string last_words(const Json& body) {
  std::string words;
  for (const Json& message : body.value("messages", Json::array()))
    if (text_at(message, "role") == "user" && message.contains("content")) words = text_of(message["content"]);
  return words;
}

/// A word is a token, more or less.
std::int64_t tokens(std::string_view text) {
  std::int64_t count = 0;
  for (const auto& word : split(text, ' ')) count += word.empty() ? 0 : 1;
  return count;
}

Json usage_of(const std::string& asked, const std::string& said) {
  return {{"prompt_tokens", tokens(asked)},
          {"completion_tokens", tokens(said)},
          {"total_tokens", tokens(asked) + tokens(said)}};
}

std::string model_of(const Resource& deployment) {
  return fmt::format("{}-{}", text_at(deployment.body, "properties.model.name"),
                     text_at(deployment.body, "properties.model.version"));
}

/// The same for the same question, so that tests can wait for it.
std::string id_of(std::string_view kind, std::string_view text) {
  return fmt::format("{}-{}", kind, sha256_hex(text).substr(0, 24));
}

Answer stream_of(Json chunk, const std::string& said) {
  std::vector<std::string> lines;
  const auto add = [&](Json delta, Json reason) {
    chunk["choices"] = Json::array({{{"index", 0}, {"delta", std::move(delta)}, {"finish_reason", std::move(reason)}}});
    lines.push_back("data: " + dump(chunk) + "\n\n");
  };
  add({{"role", "assistant"}, {"content", ""}}, nullptr);
  for (std::size_t at = 0; at < said.size();) {
    const auto blank = said.find(' ', at);
    const auto end = blank == std::string::npos ? said.size() : blank + 1;
    add({{"content", said.substr(at, end - at)}}, nullptr);
    at = end;
  }
  add(Json::object(), "stop");
  lines.push_back("data: [DONE]\n\n");
  Answer answer;
  answer.headers.set("Content-Type", "text/event-stream");
  answer.stream = [lines = std::move(lines), next = std::size_t{0}](std::stop_token) mutable {
    return next < lines.size() ? std::optional(lines[next++]) : std::nullopt;
  };
  return answer;
}

Answer chat(Core& core, const Resource& deployment, const Json& body) {
  if (body.value("messages", Json::array()).empty())
    return model_error(400, "BadRequest", "'messages' is a required property");
  const std::string asked = last_words(body);
  const std::string said = "You said: " + asked;
  Json answer = {{"id", id_of("chatcmpl", asked)},
                 {"object", "chat.completion"},
                 {"created", core.now_ms() / 1000},
                 {"model", model_of(deployment)}};
  if (true_at(body, "stream")) {
    answer["object"] = "chat.completion.chunk";
    return stream_of(std::move(answer), said);
  }
  answer["choices"] =
      Json::array({{{"index", 0}, {"message", {{"role", "assistant"}, {"content", said}}}, {"finish_reason", "stop"}}});
  answer["usage"] = usage_of(asked, said);
  return json_answer(200, answer);
}

std::vector<float> embedding_of(const std::string& text, std::size_t size) {
  std::vector<float> numbers;
  for (std::size_t block = 0; numbers.size() < size; ++block)
    for (const char byte : hmac_sha256(fmt::format("{}", block), text))
      if (numbers.size() < size) numbers.push_back(static_cast<float>(static_cast<signed char>(byte)));
  double length = 0;
  for (const float number : numbers) length += static_cast<double>(number) * number;
  for (float& number : numbers) number = static_cast<float>(number / std::sqrt(length));
  return numbers;
}

/// Clients of OpenAI ask for base64 of the little-endian numbers unless told otherwise.
Json encoded(const std::vector<float>& numbers, const std::string& format) {
  if (format != "base64") return numbers;
  std::string bytes;
  for (const float number : numbers) {
    const auto bits = std::bit_cast<std::uint32_t>(number);
    for (int shift = 0; shift < 32; shift += 8) bytes += static_cast<char>(bits >> shift & 255);
  }
  return base64(bytes);
}

Answer embeddings(const Resource& deployment, const Json& body) {
  const Json input = body.value("input", Json());
  const Json texts = input.is_array() ? input : Json::array({input});
  const bool is_large = text_at(deployment.body, "properties.model.name").ends_with("large");
  const auto size = static_cast<std::size_t>(
      std::min<std::int64_t>(integer_at(body, "dimensions", is_large ? 3072 : 1536), kLargestEmbedding));
  Json data = Json::array();
  std::string all;
  for (const Json& text : texts) {
    if (!text.is_string()) return model_error(400, "BadRequest", "'input' must be a text or a list of texts here");
    all += text.get<std::string>() + " ";
    data.push_back({{"object", "embedding"},
                    {"index", data.size()},
                    {"embedding", encoded(embedding_of(text, size), text_at(body, "encoding_format"))}});
  }
  return json_answer(200, {{"object", "list"},
                           {"data", std::move(data)},
                           {"model", model_of(deployment)},
                           {"usage", {{"prompt_tokens", tokens(all)}, {"total_tokens", tokens(all)}}}});
}

// --- the way there --------------------------------------------------------------------------------------------------

Answer no_deployment() {
  return model_error(404, "DeploymentNotFound",
                     "The API deployment for this resource does not exist. If you created the deployment within the "
                     "last 5 minutes, please wait a moment and try again.");
}

Answer list_models(Core& core, const Resource& account) {
  Json data = Json::array();
  for (const Resource* deployment : core.store().resources_below(account.id))
    if (deployment->type == kDeployments)
      data.push_back({{"id", deployment->name()},
                      {"object", "model"},
                      {"created", core.now_ms() / 1000},
                      {"owned_by", text_at(deployment->body, "properties.model.format")}});
  return json_answer(200, {{"object", "list"}, {"data", std::move(data)}});
}

Answer answer_model(Core& core, const Resource& account, const std::string& name, const std::string& what,
                    const Json& body) {
  const Resource* deployment = core.store().find(fmt::format("{}/deployments/{}", account.id, name));
  if (name.empty() || deployment == nullptr || deployment->state() != "Succeeded") return no_deployment();
  const bool embeds = find_path(deployment->body, "properties.capabilities.embeddings") != nullptr;
  if ((what == "embeddings") != embeds)
    return model_error(400, "OperationNotSupported",
                       fmt::format("The {} operation does not work with the specified model, {}. Please choose "
                                   "different model and try again.",
                                   what == "embeddings" ? "embeddings" : "chatCompletion",
                                   text_at(deployment->body, "properties.model.name")));
  return embeds ? embeddings(*deployment, body) : chat(core, *deployment, body);
}

/// AI-4: `/openai/v1/...` names the deployment in the body, `/openai/deployments/NAME/...` in the path with a version
/// of the API.
Answer answer(Core& core, Request& request, const std::string& account_id) {
  const Core::Lock guard(core);
  const Resource* account = core.store().find(account_id);
  if (account == nullptr) return no_deployment();
  if (auto refusal = check_caller(core, *account, request)) return *refusal;
  const auto& path = request.segments;
  const auto body = request.json();
  if (path.size() < 3 || path[0] != "openai") return model_error(404, "404", "Resource not found");
  const std::string what = join({path.begin() + (path[1] == "v1" ? 2 : 3), path.end()}, "/");
  const bool answers = request.method == "POST" && (what == "chat/completions" || what == "embeddings");
  if (path[1] == "v1" && request.method == "GET" && what == "models") return list_models(core, *account);
  if (answers && (!body || !body->is_object()))
    return model_error(400, "BadRequest", "The body of the request is not valid JSON.");
  if (answers && path[1] == "v1") return answer_model(core, *account, text_at(*body, "model"), what, *body);
  if (answers && path[1] == "deployments") {
    if (request.query_value("api-version").empty()) return model_error(404, "404", "Resource not found");
    return answer_model(core, *account, path[2], what, *body);
  }
  return not_implemented(fmt::format("{} {}", request.method, request.path));
}

}  // namespace

void add_model_answers(Core& core) { core.add_data_plane(std::string(kModelsEndpoint), answer); }

}  // namespace defang::emulator
