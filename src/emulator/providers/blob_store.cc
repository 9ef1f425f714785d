#include "emulator/providers/blob_store.h"

#include <fmt/format.h>

#include "emulator/providers/blob_access.h"
#include "support/digest.h"
#include "support/text.h"

namespace defang::emulator::blobs {

namespace {

constexpr std::string_view kAccounts = "blob-accounts", kContainers = "blob-containers", kBlobs = "blobs",
                           kBlocks = "blob-blocks";

std::string container_key(const std::string& key, const std::string& container) { return key + "|" + container; }

void remove_documents(Core& core, std::string_view collection, const std::string& prefix) {
  std::vector<std::string> keys;
  for (const auto& [key, document] : core.store().documents(collection)) {
    if (!key.starts_with(to_lower(prefix))) continue;
    keys.push_back(key);
    if (const std::string file = text_at(document, "file"); !file.empty()) {
      [[maybe_unused]] const auto removed = core.disk().remove(core.folder() / file);
    }
  }
  for (const auto& key : keys) core.store().erase_document(collection, key);
}

}  // namespace

Json& open_account(Core& core, const std::string& key, const std::string& name) {
  if (core.store().find_document(kAccounts, key) == nullptr)
    core.store().edit_document(kAccounts, key) = {{"name", name},
                                                  {"key1", base64(core.random().bytes(64))},
                                                  {"key2", base64(core.random().bytes(64))},
                                                  {"sharedKey", true},
                                                  {"created", core.now_text()}};
  return core.store().edit_document(kAccounts, key);
}

void remove_account(Core& core, const std::string& key) {
  remove_documents(core, kBlobs, key + "|");
  remove_documents(core, kBlocks, key + "|");
  remove_documents(core, kContainers, key + "|");
  core.store().erase_document(kAccounts, key);
  core.close_endpoint("blob", key);
}

std::string endpoint(Core& core, const std::string& key) { return "https://" + core.open_endpoint("blob", key); }

const Json* find_container(Core& core, const std::string& key, const std::string& container) {
  return core.store().find_document(kContainers, container_key(key, container));
}

Json& create_container(Core& core, const std::string& key, const std::string& container) {
  Json& document = core.store().edit_document(kContainers, container_key(key, container));
  document["name"] = container;
  touch(core, document);
  return document;
}

void remove_container(Core& core, const std::string& key, const std::string& container) {
  remove_documents(core, kBlobs, container_key(key, container) + "|");
  remove_documents(core, kBlocks, container_key(key, container) + "|");
  core.store().erase_document(kContainers, container_key(key, container));
}

// A blob's name has upper and lower case, a document's key has not: the name goes in as base64 of its bytes would, in
// hex.
std::string blob_key(const std::string& key, const std::string& container, const std::string& blob) {
  return container_key(key, container) + "|" + hex(blob);
}

const Json* find_blob(Core& core, const std::string& key, const std::string& container, const std::string& blob) {
  return core.store().find_document(kBlobs, blob_key(key, container, blob));
}

void touch(Core& core, Json& document) {
  document["etag"] = fmt::format("0x8D{:X}{}", core.now_ms(), to_upper(hex(core.random().bytes(2))));
  document["modified"] = core.now_ms();
}

Json& write_blob(Core& core, const std::string& key, const std::string& container, const std::string& blob, Kind kind,
                 std::string_view content, std::string_view content_type) {
  Json& document = core.store().edit_document(kBlobs, blob_key(key, container, blob));
  const std::string old = text_at(document, "file");
  const Json lease = document.value("lease", Json());
  const std::string file = "blobs/" + core.random().uuid();
  [[maybe_unused]] const auto written = core.disk().write(core.folder() / file, content);
  if (!old.empty()) {
    [[maybe_unused]] const auto removed = core.disk().remove(core.folder() / old);
  }
  document = {{"name", blob},
              {"type", kind == Kind::block ? "BlockBlob" : "AppendBlob"},
              {"size", content.size()},
              {"file", file},
              {"contentType", content_type},
              {"created", core.now_ms()}};
  if (kind == Kind::block) document["md5"] = md5_base64(content);
  if (kind == Kind::append) document["blocks"] = 0;
  if (!lease.is_null()) document["lease"] = lease;
  touch(core, document);
  return document;
}

void append(Core& core, const std::string& key, const std::string& container, const std::string& blob,
            std::string_view content) {
  if (find_blob(core, key, container, blob) == nullptr) return;
  Json& document = core.store().edit_document(kBlobs, blob_key(key, container, blob));
  [[maybe_unused]] const auto written = core.disk().append(core.folder() / text_at(document, "file"), content);
  document["size"] = integer_at(document, "size") + static_cast<std::int64_t>(content.size());
  document["blocks"] = integer_at(document, "blocks") + 1;
  touch(core, document);
}

void set_metadata(Core& core, const std::string& key, const std::string& container, const std::string& blob,
                  const std::string& name, const std::string& value) {
  if (find_blob(core, key, container, blob) == nullptr) return;
  Json& document = core.store().edit_document(kBlobs, blob_key(key, container, blob));
  document["metadata"][name] = value;
  touch(core, document);
}

void remove_blob(Core& core, const std::string& key, const std::string& container, const std::string& blob) {
  remove_documents(core, kBlobs, blob_key(key, container, blob));
}

std::filesystem::path content_file(Core& core, const std::string& key, const std::string& container,
                                   const std::string& blob) {
  const Json* document = find_blob(core, key, container, blob);
  return document == nullptr ? std::filesystem::path() : core.folder() / text_at(*document, "file");
}

std::string sas_url(Core& core, const std::string& key, const std::string& container, const std::string& blob,
                    const std::string& permissions, double seconds) {
  const Json& account = open_account(core, key, "");
  const auto at = [](std::int64_t ms) { return to_iso8601(ms).substr(0, 19) + "Z"; };
  std::map<std::string, std::string> fields = {{"sp", permissions},
                                               {"st", at(core.now_ms() - 300000)},
                                               {"se", at(core.now_ms() + static_cast<std::int64_t>(seconds * 1000))},
                                               {"spr", "https"},
                                               {"sv", "2022-11-02"},
                                               {"sr", "b"}};
  fields["sig"] = service_signature(text_at(account, "key1"), text_at(account, "name"), container, blob, fields);
  std::string query;
  for (const auto& [name, value] : fields)
    query += fmt::format("{}{}={}", query.empty() ? "?" : "&", name, percent_encode(value));
  return fmt::format("{}/{}/{}{}", endpoint(core, key), container, replace_all(percent_encode(blob), "%2F", "/"),
                     query);
}

std::optional<Address> find_address(Core& core, const std::string& url) {
  constexpr std::string_view kStart = "https://localhost:";
  if (!url.starts_with(kStart)) return std::nullopt;
  const std::string rest = url.substr(kStart.size(), url.find('?') - kStart.size());
  const auto slash = rest.find('/');
  const auto port = to_number(rest.substr(0, slash));
  if (!port || slash == std::string::npos) return std::nullopt;
  const auto found = core.endpoint_of(static_cast<std::uint16_t>(*port));
  const auto next = rest.find('/', slash + 1);
  if (!found || found->first != "blob" || next == std::string::npos) return std::nullopt;
  return Address{found->second, percent_decode(rest.substr(slash + 1, next - slash - 1)),
                 percent_decode(rest.substr(next + 1))};
}

}  // namespace defang::emulator::blobs
