#include "emulator/registry/registries.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <fstream>
#include <mutex>
#include <sstream>

#include "emulator/registry/image_store.h"
#include "emulator/registry/tokens.h"
#include "support/text.h"

namespace defang::emulator {
namespace {

namespace fs = std::filesystem;
using Right = RegistryAccess::Right;

// The user name that says "the password is a refresh token" (ACR-5).
constexpr std::string_view kTokenUser = "00000000-0000-0000-0000-000000000000";
constexpr std::string_view kRuns = "run";
constexpr std::string_view kAdmin = "admin";
constexpr std::string_view kManifestType = "application/vnd.oci.image.manifest.v1+json";
constexpr std::string_view kConfigType = "application/vnd.oci.image.config.v1+json";
constexpr std::int64_t kRefreshSeconds = 3 * 3600;  // Azure/acr, AAD-OAuth.md: three hours
constexpr std::int64_t kAccessSeconds = 75 * 60;

struct Action {
  std::string_view name;
  Right right;
};
constexpr auto kActions = std::to_array<Action>({
    {"delete", Right::remove},
    {"metadata_read", Right::pull},
    {"metadata_write", Right::push},
    {"pull", Right::pull},
    {"push", Right::push},
});

std::string_view action_of(Right right) {
  return right == Right::pull ? "pull" : right == Right::push ? "push" : "delete";
}

Answer bare(int status) {
  auto answer = empty_answer(status);
  answer.headers.set("Docker-Distribution-Api-Version", "registry/2.0");
  return answer;
}

Answer from(const Error& error) { return registry_error(500, "UNKNOWN", error.message); }

std::string server_of(const Request& request) {
  const auto at = request.base_url.find("://");
  return at == std::string::npos ? request.base_url : request.base_url.substr(at + 3);
}

struct Basic {
  std::string user;
  std::string password;
};
std::optional<Basic> basic_of(const Request& request) {
  const auto header = request.headers.get("Authorization");
  if (!equals_ignoring_case(std::string_view(header).substr(0, 6), "Basic ")) return std::nullopt;
  const auto text = from_base64(std::string_view(header).substr(6));
  const auto colon = text.find(':');
  if (colon == std::string::npos) return std::nullopt;
  return Basic{text.substr(0, colon), text.substr(colon + 1)};
}

Json scope_detail(const std::string& repository, Right right) {
  if (repository.empty()) return nullptr;
  return Json::array({{{"Type", "repository"}, {"Name", repository}, {"Action", action_of(right)}}});
}

Answer challenge(const Request& request, const std::string& repository, Right right, bool had_token) {
  auto answer = registry_error(401, "UNAUTHORIZED",
                               "authentication required, visit https://aka.ms/acr/authorization for more information.",
                               scope_detail(repository, right));
  auto header = fmt::format("Bearer realm=\"{}/oauth2/token\",service=\"{}\"", request.base_url, server_of(request));
  if (!repository.empty()) {
    header +=
        fmt::format(",scope=\"repository:{}:{}\"", repository, right == Right::push ? "pull,push" : action_of(right));
  }
  if (had_token) header += ",error=\"insufficient_scope\"";
  answer.headers.set("Www-Authenticate", header);
  return answer;
}

Answer token_refused() {
  return registry_error(401, "UNAUTHORIZED",
                        "authentication required, visit https://aka.ms/acr/authorization for more information.");
}

/// The digests that a manifest needs to be there: configuration and layers, or the manifests of an index.
std::vector<std::string> digests_in(const Json& manifest) {
  std::vector<std::string> out;
  if (const auto config = text_at(manifest, "config.digest"); !config.empty()) out.push_back(config);
  for (const auto* name : {"layers", "manifests"}) {
    const auto* list = find_member(manifest, name);
    if (list == nullptr || !list->is_array()) continue;
    for (const auto& entry : *list) {
      const auto* urls = find_member(entry, "urls");  // foreign layers are elsewhere
      if (urls == nullptr || urls->empty()) out.push_back(text_at(entry, "digest"));
    }
  }
  return out;
}

class FileRegistries final : public Registries {
 public:
  FileRegistries(fs::path folder, const RegistryAccess& access, const Clock& clock, Random& random)
      : folder_(std::move(folder)), access_(access), clock_(clock), random_(random), key_(read_or_make_key()) {}

  Answer answer(const std::string& registry, Request& request) override {
    if (request.path == "/oauth2/exchange" && request.method == "POST") return exchange(registry, request);
    if (request.path == "/oauth2/token") return token(registry, request);
    if (request.path == "/v2/" || request.path == "/v2") {
      return allowed(registry, request, "", Right::pull) ? json_answer(200, Json::object())
                                                         : challenge(request, "", Right::pull, false);
    }
    if (request.path == "/v2/_catalog") return catalog(registry, request);
    const auto path = parse_registry_path(request.segments);
    if (!path) return registry_error(404, "UNSUPPORTED", "the emulator's registry does not know this address");
    if (!is_repository_name(path->repository)) return registry_error(400, "NAME_INVALID", "invalid repository name");
    return repository_answer(registry, *path, request);
  }

  std::optional<std::string> digest(const std::string& registry, const std::string& repository,
                                    const std::string& reference) const override {
    const std::lock_guard lock(mutex_);
    return store(registry).digest(repository, reference);
  }
  std::vector<std::string> repositories(const std::string& registry) const override {
    const std::lock_guard lock(mutex_);
    return store(registry).repositories();
  }
  std::vector<std::string> tags(const std::string& registry, const std::string& repository) const override {
    const std::lock_guard lock(mutex_);
    return store(registry).tags(repository);
  }
  void remove(const std::string& registry) override {
    const std::lock_guard lock(mutex_);
    std::error_code error;
    fs::remove_all(folder_ / to_lower(registry), error);
  }

  Result<std::string> put_synthetic_image(const std::string& registry, const std::string& repository,
                                          const std::string& tag, std::string_view description) override {
    const std::lock_guard lock(mutex_);
    auto images = store(registry);
    const Json config = {{"architecture", "amd64"},
                         {"os", "linux"},
                         {"config", {{"Labels", {{"defang.emulator.source", description}}}}},
                         {"rootfs", {{"type", "layers"}, {"diff_ids", Json::array()}}}};
    const auto content = dump(config);
    TRY_ASSIGN(const auto config_digest, images.put_blob(content));
    const Json manifest = {
        {"schemaVersion", 2},
        {"mediaType", kManifestType},
        {"config", {{"mediaType", kConfigType}, {"digest", config_digest}, {"size", content.size()}}},
        {"layers", Json::array()}};
    return images.put_manifest(repository, tag, dump(manifest), kManifestType);
  }

  bool may_pull(const std::string& registry, const RegistryLogin& login) const override {
    const auto subject = subject_of_password(registry, login.user, login.password.reveal());
    return subject && may(*subject, registry, Right::pull);
  }

  RegistryLogin login_of(const std::string& principal, const std::string& registry,
                         const std::string& server) const override {
    return {server, std::string(kTokenUser), Secret(refresh_token(principal, registry))};
  }
  RegistryLogin login_of_runs(const std::string& registry, const std::string& server) const override {
    return login_of(std::string(kRuns), registry, server);
  }

 private:
  ImageStore store(const std::string& registry) const { return ImageStore(folder_ / to_lower(registry)); }
  std::int64_t now() const { return std::chrono::system_clock::to_time_t(clock_.now()); }

  std::string read_or_make_key() {
    std::error_code error;
    fs::create_directories(folder_, error);
    const auto path = folder_ / "key";
    std::ostringstream text;
    if (std::ifstream in(path, std::ios::binary); in) text << in.rdbuf();
    if (text.str().size() == 32) return text.str();
    auto key = random_.bytes(32);
    std::ofstream out(path, std::ios::binary);
    fs::permissions(path, fs::perms::owner_read | fs::perms::owner_write, error);
    out << key;
    return key;
  }

  // Sign-in

  std::string refresh_token(const std::string& subject, const std::string& registry) const {
    return sign_registry_token({.subject = subject,
                                .service = to_lower(registry),
                                .refresh = true,
                                .expires = now() + kRefreshSeconds,
                                .access = {}},
                               key_);
  }

  bool may(const std::string& subject, const std::string& registry, Right right) const {
    if (subject == kRuns) return true;
    if (subject == kAdmin) return access_.admin(registry).has_value();
    return access_.may(subject, registry, right);
  }

  std::optional<RegistryToken> verified(const std::string& registry, std::string_view text, bool refresh) const {
    auto token = verify_registry_token(text, key_, now());
    if (!token || token->service != to_lower(registry) || token->refresh != refresh) return std::nullopt;
    return token;
  }

  std::optional<std::string> subject_of_password(const std::string& registry, const std::string& user,
                                                 const std::string& password) const {
    if (user == kTokenUser) {
      const auto token = verified(registry, password, true);
      return token ? std::optional(token->subject) : std::nullopt;
    }
    const auto admin = access_.admin(registry);
    if (!admin || !equals_ignoring_case(admin->name, user)) return std::nullopt;
    const bool right = std::ranges::any_of(admin->passwords,
                                           [&](const Secret& one) { return !one.empty() && one.reveal() == password; });
    return right ? std::optional(std::string(kAdmin)) : std::nullopt;
  }

  Answer exchange(const std::string& registry, const Request& request) {
    auto form = parse_form(request.content());
    const auto principal = access_.principal_of(form["access_token"]);
    if (form["grant_type"] != "access_token" || !principal) return token_refused();
    if (!may(*principal, registry, Right::pull)) return token_refused();
    return json_answer(200, {{"refresh_token", refresh_token(*principal, registry)}});
  }

  std::optional<std::string> subject_of_form(const std::string& registry, std::map<std::string, std::string>& form) {
    if (form["grant_type"] == "refresh_token") {
      const auto token = verified(registry, form["refresh_token"], true);
      return token ? std::optional(token->subject) : std::nullopt;
    }
    if (form["grant_type"] == "password") return subject_of_password(registry, form["username"], form["password"]);
    return std::nullopt;
  }

  /// GET with basic authorization as the Docker clients do, POST with a form as ACR's own clients do.
  Answer token(const std::string& registry, const Request& request) {
    std::optional<std::string> subject;
    std::string scope;
    if (request.method == "GET") {
      const auto basic = basic_of(request);
      if (basic) subject = subject_of_password(registry, basic->user, basic->password);
      scope = all_scopes(request);
    } else {
      auto form = parse_form(request.content());
      subject = subject_of_form(registry, form);
      scope = form["scope"];
    }
    if (!subject) return token_refused();
    RegistryToken token{.subject = *subject,
                        .service = to_lower(registry),
                        .refresh = false,
                        .expires = now() + kAccessSeconds,
                        .access = {}};
    for (auto& wanted : parse_scopes(scope)) {
      std::erase_if(wanted.actions, [&](const std::string& name) {
        const auto* action = std::ranges::find(kActions, name, &Action::name);
        return action == kActions.end() || !may(*subject, registry, action->right);
      });
      if (!wanted.actions.empty()) token.access.push_back(std::move(wanted));
    }
    return json_answer(200, {{"access_token", sign_registry_token(token, key_)}});
  }

  /// `scope` may stand in a query more than once; Request::query keeps one of them.
  static std::string all_scopes(const Request& request) {
    std::string out;
    const auto question = request.target.find('?');
    if (question == std::string::npos) return out;
    for (const auto& part : split(std::string_view(request.target).substr(question + 1), '&')) {
      if (part.starts_with("scope=")) {
        out += percent_decode(replace_all(part.substr(6), "+", " ")) + " ";
      }
    }
    return out;
  }

  bool allowed(const std::string& registry, const Request& request, const std::string& repository, Right right) const {
    const auto header = request.headers.get("Authorization");
    if (const auto basic = basic_of(request)) {
      const auto subject = subject_of_password(registry, basic->user, basic->password);
      return subject && may(*subject, registry, right);
    }
    if (!equals_ignoring_case(std::string_view(header).substr(0, 7), "Bearer ")) return false;
    const auto token = verified(registry, std::string_view(header).substr(7), false);
    if (!token) return false;
    if (repository.empty()) return true;
    return std::ranges::any_of(token->access, [&](const RegistryToken::Access& access) {
      return access.repository == repository &&
             std::ranges::find(access.actions, action_of(right)) != access.actions.end();
    });
  }

  // Content

  static Right right_for(const RegistryPath& path, const std::string& method) {
    if (path.kind == "uploads") return Right::push;
    if (method == "DELETE") return Right::remove;
    return method == "GET" || method == "HEAD" ? Right::pull : Right::push;
  }

  Answer repository_answer(const std::string& registry, const RegistryPath& path, Request& request) {
    const auto right = right_for(path, request.method);
    if (!allowed(registry, request, path.repository, right)) {
      return challenge(request, path.repository, right, request.headers.has("Authorization"));
    }
    const std::lock_guard lock(mutex_);
    auto images = store(registry);
    if (path.kind == "manifests") return manifest(images, path, request);
    if (path.kind == "uploads") return upload(images, path, request);
    if (path.kind == "blobs") return blob(images, path, request);
    return tag_list(images, path, request);
  }

  static Answer manifest(ImageStore& images, const RegistryPath& path, const Request& request) {
    if (request.method == "PUT") return put_manifest(images, path, request);
    if (request.method == "DELETE") {
      return images.remove_manifest(path.repository, path.rest)
                 ? bare(202)
                 : registry_error(404, "MANIFEST_UNKNOWN", "manifest unknown");
    }
    const auto found = images.manifest(path.repository, path.rest);
    if (!found) {
      return registry_error(404, "MANIFEST_UNKNOWN", fmt::format("manifest tagged by \"{}\" is not found", path.rest),
                            {{is_digest(path.rest) ? "Digest" : "Tag", path.rest}});
    }
    auto answer = bare(200);
    answer.body = found->content;
    answer.headers.set("Content-Type", found->media_type);
    answer.headers.set("Docker-Content-Digest", found->digest);
    answer.headers.set("ETag", "\"" + found->digest + "\"");
    return answer;
  }

  static Answer put_manifest(ImageStore& images, const RegistryPath& path, const Request& request) {
    const auto content = request.content();
    const auto parsed = parse_json(content);
    if (!parsed || !parsed->is_object()) return registry_error(400, "MANIFEST_INVALID", "manifest is no JSON object");
    if (!is_digest(path.rest) && !is_tag(path.rest)) return registry_error(400, "TAG_INVALID", "invalid tag");
    if (is_digest(path.rest) && path.rest != "sha256:" + sha256_hex(content)) {
      return registry_error(400, "DIGEST_INVALID", "the manifest has another digest");
    }
    for (const auto& needed : digests_in(*parsed)) {
      if (!images.has_blob(needed)) {
        return registry_error(404, "MANIFEST_BLOB_UNKNOWN", "blob unknown to registry", {{"digest", needed}});
      }
    }
    auto media_type = request.headers.get("Content-Type");
    if (media_type.empty()) media_type = text_at(*parsed, "mediaType");
    const auto stored = images.put_manifest(path.repository, path.rest, content, media_type);
    if (!stored) return from(stored.error());
    auto answer = bare(201);
    answer.headers.set("Location", fmt::format("/v2/{}/manifests/{}", path.repository, *stored));
    answer.headers.set("Docker-Content-Digest", *stored);
    return answer;
  }

  static Answer blob(ImageStore& images, const RegistryPath& path, const Request& request) {
    if (!images.has_blob(path.rest)) {
      return registry_error(404, "BLOB_UNKNOWN", "blob unknown to registry", {{"digest", path.rest}});
    }
    if (request.method == "DELETE") {
      images.remove_blob(path.rest);
      return bare(202);
    }
    std::error_code error;
    const auto file = images.blob_file(path.rest);
    const auto size = fs::file_size(file, error);
    auto answer = bare(200);
    answer.headers.set("Content-Type", "application/octet-stream");
    answer.headers.set("Docker-Content-Digest", path.rest);
    answer.file = Answer::FilePart{file, 0, size};
    return answer;
  }

  Answer upload(ImageStore& images, const RegistryPath& path, Request& request) {
    if (path.rest.empty()) return start_upload(images, path, request);
    const auto size = images.upload_size(path.rest);
    const bool sound = path.rest.find_first_not_of("0123456789abcdef-") == std::string::npos;
    if (!sound || !size) return registry_error(404, "BLOB_UPLOAD_UNKNOWN", "blob upload unknown to registry");
    if (request.method == "PUT") return finish_upload(images, path, path.rest, request);
    if (request.method == "DELETE") {
      images.cancel_upload(path.rest);
      return bare(204);
    }
    if (request.method == "GET") return upload_progress(images, path, path.rest, 204);
    // A chunk that does not continue what is there: the specification wants 416.
    const auto range = request.headers.get("Content-Range");
    if (!range.empty() && to_number(range.substr(0, range.find('-'))) != *size) {
      return upload_progress(images, path, path.rest, 416);
    }
    if (auto added = add(images, path.rest, request); !added) return from(added.error());
    return upload_progress(images, path, path.rest, 202);
  }

  Answer start_upload(ImageStore& images, const RegistryPath& path, Request& request) {
    if (request.method != "POST") return registry_error(405, "UNSUPPORTED", "uploads start with POST");
    const auto mounted = request.query_value("mount");
    if (images.has_blob(mounted)) return blob_created(path, mounted);
    const auto id = random_.uuid();
    if (auto started = images.start_upload(id); !started) return from(started.error());
    if (!request.query_value("digest").empty()) return finish_upload(images, path, id, request);
    return upload_progress(images, path, id, 202);
  }

  static Answer upload_progress(const ImageStore& images, const RegistryPath& path, const std::string& id, int status) {
    auto answer = bare(status);
    const auto size = images.upload_size(id).value_or(0);
    answer.headers.set("Location", fmt::format("/v2/{}/blobs/uploads/{}", path.repository, id));
    answer.headers.set("Docker-Upload-Uuid", id);
    answer.headers.set("Range", fmt::format("0-{}", size == 0 ? 0 : size - 1));
    return answer;
  }

  static Result<void> add(ImageStore& images, const std::string& id, const Request& request) {
    if (!request.body_file.empty()) return images.append_upload_from(id, request.body_file);
    return images.append_upload(id, request.body);
  }

  static Answer finish_upload(ImageStore& images, const RegistryPath& path, const std::string& id,
                              const Request& request) {
    if (auto added = add(images, id, request); !added) return from(added.error());
    const auto digest = request.query_value("digest");
    const auto finished = images.finish_upload(id, digest);
    if (!finished) return from(finished.error());
    if (!*finished) {
      return registry_error(400, "DIGEST_INVALID", "provided digest did not match uploaded content",
                            {{"digest", digest}});
    }
    return blob_created(path, digest);
  }

  static Answer blob_created(const RegistryPath& path, const std::string& digest) {
    auto answer = bare(201);
    answer.headers.set("Location", fmt::format("/v2/{}/blobs/{}", path.repository, digest));
    answer.headers.set("Docker-Content-Digest", digest);
    return answer;
  }

  static Answer tag_list(const ImageStore& images, const RegistryPath& path, const Request& request) {
    if (path.rest != "list" || request.method != "GET") return registry_error(404, "UNSUPPORTED", "unknown address");
    const auto tags = images.tags(path.repository);
    if (tags.empty()) {
      return registry_error(404, "NAME_UNKNOWN", fmt::format("repository \"{}\" is not found", path.repository),
                            {{"name", path.repository}});
    }
    return json_answer(200, {{"name", path.repository}, {"tags", tags}});
  }

  Answer catalog(const std::string& registry, const Request& request) {
    const auto header = request.headers.get("Authorization");
    if (!allowed(registry, request, "", Right::pull)) return challenge(request, "", Right::pull, !header.empty());
    const std::lock_guard lock(mutex_);
    return json_answer(200, {{"repositories", store(registry).repositories()}});
  }

  fs::path folder_;
  const RegistryAccess& access_;
  const Clock& clock_;
  Random& random_;
  std::string key_;
  mutable std::mutex mutex_;
};

}  // namespace

std::optional<RegistryPath> parse_registry_path(const std::vector<std::string>& segments) {
  if (segments.size() < 4 || segments[0] != "v2") return std::nullopt;
  const auto part = [&](std::size_t from_end) { return segments[segments.size() - from_end]; };
  const auto repository = [&](std::size_t without) {
    return join({segments.begin() + 1, segments.end() - static_cast<std::ptrdiff_t>(without)}, "/");
  };
  if (segments.size() >= 5 && part(3) == "blobs" && part(2) == "uploads")
    return RegistryPath{repository(3), "uploads", part(1)};
  if (part(2) == "blobs" && part(1) == "uploads") return RegistryPath{repository(2), "uploads", ""};
  if (part(2) == "blobs" || part(2) == "manifests" || part(2) == "tags")
    return RegistryPath{repository(2), part(2), part(1)};
  return std::nullopt;
}

Answer registry_error(int status, std::string_view code, std::string_view message, Json detail) {
  auto answer =
      json_answer(status, {{"errors", Json::array({{{"code", code}, {"message", message}, {"detail", detail}}})}});
  answer.headers.set("Docker-Distribution-Api-Version", "registry/2.0");
  return answer;
}

std::unique_ptr<Registries> make_registries(fs::path folder, const RegistryAccess& access, const Clock& clock,
                                            Random& random) {
  return std::make_unique<FileRegistries>(std::move(folder), access, clock, random);
}

}  // namespace defang::emulator
