// Runs of registry tasks: where their sources and logs are, and how they are built (wire facts "ACR", ACR-20 to
// ACR-34).
#include <fmt/format.h>

#include <algorithm>

#include "emulator/providers/container_registry.h"
#include "emulator/providers/registry_task.h"
#include "emulator/transport.h"
#include "support/text.h"

namespace defang::emulator {
namespace {

constexpr std::string_view kRunType = "Microsoft.ContainerRegistry/registries/runs";
constexpr std::string_view kEndpointKind = "registry-tasks";

const Json& member(const Json& object, std::string_view name) {
  static const Json kNull;
  const Json* found = find_member(object, name);
  return found ? *found : kNull;
}

const Json& list(const Json& object, std::string_view name) {
  static const Json kEmpty = Json::array();
  const Json& value = member(object, name);
  return value.is_array() ? value : kEmpty;
}

std::string registry_of(const std::string& run_id) { return to_lower(parse_arm_id(run_id)->names.front()); }
std::string name_of(const std::string& run_id) { return parse_arm_id(run_id)->name(); }
std::string log_path(const std::string& run_name) { return fmt::format("logs/{}/rawtext.log", run_name); }

}  // namespace

/// What a build needs, taken from the run under the lock.
struct RegistryRuns::Work {
  std::string run_id, registry, server;
  Json request;
};

RegistryRuns::RegistryRuns(Core& core, Runtime& runtime, Registries& registries)
    : core_(core), runtime_(runtime), registries_(registries) {
  core_.add_data_plane(std::string(kEndpointKind),
                       [this](Core&, Request& request, const std::string& key) { return answer(request, key); });
}

RegistryRuns::~RegistryRuns() {
  for (auto& [id, thread] : threads_) thread.request_stop();
}

void RegistryRuns::resume() {
  const auto lock = core_.lock();
  std::vector<std::string> lost;
  for (const Resource* run : core_.store().resources_of_type(kRunType)) {
    const std::string status = text_at(run->body, "properties.status");
    if (status == "Running" || (status == "Queued" && true_at(run->hidden, "started"))) lost.push_back(run->id);
  }
  for (const std::string& id : lost) {
    say(id, "The emulator was ended during the run.\r\n");
    finish(id, "Error", Json());
  }
}

void RegistryRuns::wait() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return building_ == 0; });
}

std::filesystem::path RegistryRuns::file_of(const std::string& registry, std::string_view path) const {
  return core_.folder() / "registry-tasks" / to_lower(registry) / percent_encode(path);
}

// ---------------------------------------------------------------------------------------------------- signed URLs

std::string RegistryRuns::signature(std::string_view registry, std::string_view path) const {
  // The seed of a signature must not be guessed by who sees a URL; the state folder's tenant is random.
  return base64url(hmac_sha256(const_cast<Core&>(core_).tenant() + "registry tasks",
                               fmt::format("{} {}", to_lower(registry), path)));
}

std::string RegistryRuns::signed_url(const std::string& registry, const std::string& path) {
  return fmt::format("https://{}/tasks/{}?sv=2022-11-02&sr=b&sp=racw&sig={}",
                     core_.open_endpoint(kEndpointKind, registry), path, signature(registry, path));
}

std::string RegistryRuns::log_url(const Resource& run) { return signed_url(registry_of(run.id), log_path(run.name())); }

std::pair<std::string, std::string> RegistryRuns::upload_slot(const Resource& registry) {
  const std::string path =
      fmt::format("tasks-source/{}/{}.tar.gz", core_.now_text().substr(0, 10), hex(core_.random().bytes(16)));
  return {path, signed_url(registry.name(), path)};
}

namespace {

struct Range {
  std::uint64_t first = 0, last = 0;
};
std::optional<Range> range_of(const Request& request, std::uint64_t size) {
  std::string text = request.headers.get("x-ms-range");
  if (text.empty()) text = request.headers.get("Range");
  if (!text.starts_with("bytes=")) return std::nullopt;
  const std::size_t dash = text.find('-');
  if (dash == std::string::npos) return std::nullopt;
  const auto first = to_number(std::string_view(text).substr(6, dash - 6));
  const auto last = to_number(std::string_view(text).substr(dash + 1));
  if (!first) return std::nullopt;
  return Range{*first, std::min(last.value_or(size), size == 0 ? 0 : size - 1)};
}

Answer storage_error(int status, std::string_view code, std::string_view message) {
  Answer answer =
      text_answer(status,
                  fmt::format("\xEF\xBB\xBF<?xml version=\"1.0\" encoding=\"utf-8\"?><Error><Code>{}</Code><Message>{}"
                              "</Message></Error>",
                              code, message),
                  "application/xml");
  answer.headers.set("x-ms-error-code", std::string(code));
  return answer;
}

}  // namespace

Answer RegistryRuns::answer(Request& request, const std::string& registry) {
  const std::string path = request.path.starts_with("/tasks/") ? percent_decode(request.path.substr(7)) : std::string();
  if (path.empty() || request.query_value("sig") != signature(registry, path))
    return storage_error(403, "AuthenticationFailed", "Server failed to authenticate the request.");
  const std::filesystem::path file = file_of(registry, path);
  if (request.method == "PUT") {
    if (!equals_ignoring_case(request.headers.get("x-ms-blob-type"), "BlockBlob"))  // ACR-21
      return storage_error(400, "MissingRequiredHeader", "x-ms-blob-type must be BlockBlob.");
    if (!core_.disk().write(file, request.content()))
      return storage_error(500, "InternalError", "The disk cannot be written.");
    Answer answer = empty_answer(201);
    answer.headers.set("x-ms-request-server-encrypted", "true");
    return answer;
  }
  if (request.method != "GET" && request.method != "HEAD")
    return storage_error(405, "UnsupportedHttpVerb", "The resource doesn't support specified Http Verb.");
  const auto entry = core_.disk().look_at(file);
  if (!entry) return storage_error(404, "BlobNotFound", "The specified blob does not exist.");
  const std::uint64_t size = entry->size_bytes;
  const auto range = range_of(request, size);
  if (range && range->first >= size && request.method == "GET")
    return storage_error(416, "InvalidRange", "The range specified is invalid for the current size of the resource.");
  Answer answer = empty_answer(range && request.method == "GET" ? 206 : 200);
  const Range part = range && request.method == "GET" ? *range : Range{0, size == 0 ? 0 : size - 1};
  const std::uint64_t count = size == 0 ? 0 : part.last - part.first + 1;
  if (request.method == "GET")
    answer.file = Answer::FilePart{file, part.first, count};
  else
    answer.headers.set("Content-Length", fmt::format("{}", size));
  if (answer.status == 206)
    answer.headers.set("Content-Range", fmt::format("bytes {}-{}/{}", part.first, part.last, size));
  answer.headers.set("Content-Type", "text/plain; charset=utf-8");
  answer.headers.set("x-ms-blob-type", "AppendBlob");
  answer.headers.set("ETag", fmt::format("\"0x{:X}\"", size + 1));
  const auto lock = core_.lock();
  for (const Resource* run : core_.store().resources_of_type(kRunType))
    if (registry_of(run->id) == to_lower(registry) && log_path(run->name()) == path)
      if (const std::string end = text_at(run->hidden, "complete"); !end.empty())
        answer.headers.set("x-ms-meta-complete", end);
  return answer;
}

// ---------------------------------------------------------------------------------------------------- builds

void RegistryRuns::say(const std::string& run_id, std::string_view text) {
  (void)core_.disk().append(file_of(registry_of(run_id), log_path(name_of(run_id))), text);
}

void RegistryRuns::start(const std::string& run_id) {
  const Resource* run = core_.store().find(run_id);
  if (run == nullptr || text_at(run->body, "properties.status") != "Queued") return;
  const Resource* registry = core_.store().find(parse_arm_id(run_id)->parent_id());
  if (registry == nullptr) return;
  Work work{run_id, to_lower(registry->name()), text_at(registry->body, "properties.loginServer"),
            run->hidden["request"]};
  Resource& changed = core_.store().edit(run_id);
  changed.hidden["started"] = true;
  changed.properties()["status"] = "Running";
  changed.properties()["startTime"] = core_.now_text();
  const std::scoped_lock guard(mutex_);
  ++building_;
  threads_[to_lower(run_id)] =
      std::jthread([this, work = std::move(work)](std::stop_token stop) { build(work, stop); });
}

void RegistryRuns::cancel(const std::string& run_id) {
  finish(run_id, "Canceled", Json());
  const std::scoped_lock guard(mutex_);
  if (const auto thread = threads_.find(to_lower(run_id)); thread != threads_.end()) thread->second.request_stop();
}

namespace {

struct EndOfLog {
  std::string_view status;
  std::string_view complete;
};
constexpr EndOfLog kEnds[] = {
    {"Succeeded", "successful"}, {"Failed", "failed"}, {"Canceled", "canceled"}, {"Timeout", "timedout"}};

}  // namespace

void RegistryRuns::finish(const std::string& run_id, std::string_view status, const Json& images) {
  const auto lock = core_.lock();
  const Resource* run = core_.store().find(run_id);
  const std::string before = run ? text_at(run->body, "properties.status") : "";
  if (before != "Running" && before != "Queued") return;
  Resource& changed = core_.store().edit(run_id);
  changed.hidden["complete"] = "internalerror";
  for (const EndOfLog& end : kEnds)
    if (end.status == status) changed.hidden["complete"] = end.complete;
  Json& properties = changed.properties();
  properties["status"] = status;
  properties["lastUpdatedTime"] = core_.now_text();
  properties["finishTime"] = core_.now_text();
  if (images.is_array() && !images.empty()) properties["outputImages"] = images;
}

void RegistryRuns::build(Work work, std::stop_token stop) {
  say(work.run_id, "Downloading source code...\r\n");
  const auto context = fetch(work, stop);
  Json images = Json::array();
  std::string status = "Failed";
  if (!context) {
    say(work.run_id, fmt::format("failed to download context: {}\r\n", context.error().message));
  } else {
    say(work.run_id, "Finished downloading source code\r\n");
    const auto built = build_image(work, *context, stop);
    if (built) {
      status = "Succeeded";
      for (const BuiltImage& image : *built)
        images.push_back({{"registry", image.server},
                          {"repository", image.repository},
                          {"tag", image.tag},
                          {"digest", image.digest}});
    } else {
      say(work.run_id, fmt::format("{}\r\nrun failed: {}\r\n", built.error().message, built.error().code));
    }
  }
  if (status == "Succeeded") say(work.run_id, fmt::format("\r\nRun ID: {} was successful\r\n", name_of(work.run_id)));
  finish(work.run_id, status, images);
  const std::scoped_lock guard(mutex_);
  --building_;
  changed_.notify_all();
}

Result<std::filesystem::path> RegistryRuns::fetch(const Work& work, std::stop_token stop) {
  const std::string source = text_at(work.request, "sourceLocation");
  if (source.empty()) return std::filesystem::path();  // a task without context
  if (!source.starts_with("https://")) {
    const std::filesystem::path file = file_of(work.registry, source);
    if (!core_.disk().is_file(file))
      return fail(Error::Kind::refused, "source-not-found", "nothing was uploaded to " + source);
    return file;
  }
  const std::filesystem::path file = file_of(work.registry, fmt::format("source-of/{}.tar.gz", name_of(work.run_id)));
  TRY(core_.disk().write(file, "", Disk::Access::owner_only));
  rest::HttpRequest request{.method = "GET", .url = source};
  request.sink = [&](std::string_view piece) { return core_.disk().append(file, piece); };
  EmulatorTransport transport(core_);
  TRY_ASSIGN(const auto answered, transport.send(request, stop));
  // The query holds the signature.
  if (answered.status != 200)
    return fail(Error::Kind::refused, "source-not-found",
                fmt::format("{} answered {}", source.substr(0, source.find('?')), answered.status));
  return file;
}

namespace {

std::string expanded(std::string text, const std::string& server, const std::string& run) {
  text = replace_all(std::move(text), "{{.Run.Registry}}", server);
  text = replace_all(std::move(text), "$Registry", server);
  text = replace_all(std::move(text), "{{.Run.ID}}", run);
  return replace_all(std::move(text), "$ID", run);
}

/// "web:1" is of the registry that runs it.
std::string full_name(const std::string& image, const std::string& server) {
  if (image.starts_with(server + "/")) return image;
  const std::string first = image.substr(0, image.find('/'));
  const bool has_server = image.find('/') != std::string::npos && first.find_first_of(".:") != std::string::npos;
  return has_server ? image : server + "/" + image;
}

struct TaskBuild {
  BuildRequest build;
  std::vector<std::string> packed;  // images of buildpacks commands
  std::string unsupported;
};

TaskBuild read_encoded_task(const Json& request, const std::string& server, const std::string& run) {
  TaskBuild found;
  found.build.push = false;
  // What the task itself names comes first: values are no part of it.
  std::string yaml = expanded(from_base64(text_at(request, "encodedTaskContent")), server, run);
  for (const Json& value : list(request, "values"))
    yaml = replace_all(std::move(yaml), fmt::format("{{{{.Values.{}}}}}", text_at(value, "name")),
                       text_at(value, "value"));
  for (const TaskStep& step : read_task(yaml)) {
    if (step.kind == TaskStep::Kind::push) {
      found.build.push = true;
      continue;
    }
    if (step.kind == TaskStep::Kind::command) {
      const std::string image = packed_image(step.text);
      if (image.empty())
        found.unsupported = fmt::format("the emulator does not implement the task step `cmd: {}`",
                                        step.text.substr(0, step.text.find(' ')));
      else
        found.packed.push_back(full_name(image, server));
      continue;
    }
    const BuildArguments arguments = read_build_arguments(step);
    const auto buildkit = step.environment.find("DOCKER_BUILDKIT");
    found.build.buildkit = buildkit != step.environment.end() && buildkit->second == "1";
    for (const auto& [id, value] : arguments.secrets) found.build.secrets.emplace_back(id, Secret(value));
    found.build.dockerfile = arguments.dockerfile;
    found.build.target = arguments.target;
    for (const auto& [name, value] : arguments.arguments) found.build.arguments.emplace_back(name, Secret(value));
    for (const std::string& image : arguments.images) found.build.image_names.push_back(full_name(image, server));
  }
  return found;
}

TaskBuild read_docker_build(const Json& request, const std::string& server, const std::string& run) {
  TaskBuild found;
  BuildRequest& build = found.build;
  if (const std::string file = text_at(request, "dockerFilePath"); !file.empty()) build.dockerfile = file;
  build.target = text_at(request, "target");
  build.no_cache = true_at(request, "noCache");
  build.push = member(request, "isPushEnabled").is_null() || true_at(request, "isPushEnabled");
  for (const Json& argument : list(request, "arguments"))
    build.arguments.emplace_back(text_at(argument, "name"), Secret(text_at(argument, "value")));
  for (const Json& image : list(request, "imageNames"))
    if (image.is_string())
      build.image_names.push_back(full_name(expanded(image.get<std::string>(), server, run), server));
  return found;
}

}  // namespace

Result<std::vector<BuiltImage>> RegistryRuns::build_image(const Work& work, const std::filesystem::path& context,
                                                          std::stop_token stop) {
  const bool encoded = contains_ignoring_case(text_at(work.request, "type"), "EncodedTask");
  TaskBuild task = encoded ? read_encoded_task(work.request, work.server, name_of(work.run_id))
                           : read_docker_build(work.request, work.server, name_of(work.run_id));
  if (!task.unsupported.empty()) return fail(Error::Kind::refused, "EmulatorNotImplemented", task.unsupported);
  std::vector<BuiltImage> images;
  for (const std::string& image : task.packed) {
    if (runtime_.engine() != "none")
      return fail(
          Error::Kind::refused, "EmulatorNotImplemented",
          "the emulator cannot run Cloud Native Buildpacks: their builder images are not at hand; a Dockerfile builds");
    say(work.run_id, fmt::format("No containers here: {} gets an empty image\r\n", image));
    const std::string rest = image.substr(work.server.size() + 1);
    const std::size_t colon = rest.rfind(':');
    BuiltImage built{work.server, rest.substr(0, colon), colon == std::string::npos ? "latest" : rest.substr(colon + 1),
                     ""};
    TRY_ASSIGN(const std::string source, core_.disk().read(context));
    TRY_ASSIGN(built.digest,
               registries_.put_synthetic_image(work.registry, built.repository, built.tag, sha256_hex(source)));
    images.push_back(std::move(built));
  }
  if (task.build.image_names.empty() && (encoded || !task.packed.empty())) return images;
  BuildRequest& build = task.build;
  build.context = context;
  const std::string os = to_lower(text_at(work.request, "platform.os")),
                    architecture = text_at(work.request, "platform.architecture");
  if (!architecture.empty()) build.platform = fmt::format("{}/{}", os.empty() ? "linux" : os, architecture);
  build.logins.push_back(registries_.login_of_runs(work.registry, work.server));
  if (const Json* custom = find_path(work.request, "credentials.customRegistries");
      custom != nullptr && custom->is_object())
    for (const auto& [server, login] : custom->items())
      build.logins.push_back({server, text_at(login, "userName.value"), Secret(text_at(login, "password.value"))});
  build.log = [&](std::string_view piece) { say(work.run_id, piece); };
  if (const Json& limit = member(work.request, "timeout"); limit.is_number_integer())
    build.limit = std::chrono::seconds(limit.get<long long>());
  TRY_ASSIGN(auto built, runtime_.build(build, stop));
  images.insert(images.end(), built.begin(), built.end());
  return images;
}

}  // namespace defang::emulator
