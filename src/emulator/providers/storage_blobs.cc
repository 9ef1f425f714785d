// The blob service over HTTP: containers, block and append blobs, ranges, leases, conditions, lists.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "emulator/providers/blob_access.h"
#include "emulator/providers/blob_store.h"
#include "support/digest.h"
#include "support/text.h"

namespace defang::emulator::blobs {

namespace {

constexpr std::string_view kContainerRead = "Microsoft.Storage/storageAccounts/blobServices/containers/read";
constexpr std::string_view kContainerWrite = "Microsoft.Storage/storageAccounts/blobServices/containers/write";
constexpr std::string_view kContainerDelete = "Microsoft.Storage/storageAccounts/blobServices/containers/delete";
constexpr std::string_view kBlobRead = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read";
constexpr std::string_view kBlobWrite = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/write";
constexpr std::string_view kBlobDelete = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/delete";
constexpr std::string_view kDelegationKey =
    "Microsoft.Storage/storageAccounts/blobServices/generateUserDelegationKey/action";

/// One request, taken apart.
struct Call {
  Core& core;
  const Request& request;
  std::string key;
  std::string container, blob;
  std::string comp;  // of the query, in lower case

  const std::string& method() const { return request.method; }
  std::string header(std::string_view name) const { return request.headers.get(name); }
  Place place() const { return {key, container, blob}; }
  std::optional<Answer> refuse(std::string_view sas, std::string_view action) const {
    return blobs::refuse(core, request, place(), {sas, action});
  }
  const Json* find() const { return find_blob(core, key, container, blob); }
  Json& edit() const { return core.store().edit_document("blobs", blob_key(key, container, blob)); }
};

std::string escape(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '&')
      out += "&amp;";
    else if (c == '<')
      out += "&lt;";
    else if (c == '>')
      out += "&gt;";
    else
      out += c;
  }
  return out;
}

Answer xml(const std::string& content) {
  return text_answer(200, "\xEF\xBB\xBF<?xml version=\"1.0\" encoding=\"utf-8\"?>" + content, "application/xml");
}

std::string etag_of(const Json& document) { return "\"" + text_at(document, "etag") + "\""; }

void add_times(Answer& answer, const Json& document) {
  answer.headers.set("ETag", etag_of(document));
  answer.headers.set("Last-Modified", http_date(integer_at(document, "modified")));
}

std::map<std::string, std::string> metadata_of(const Request& request) {
  std::map<std::string, std::string> metadata;
  for (const auto& [name, value] : request.headers.fields())
    if (to_lower(name).starts_with("x-ms-meta-")) metadata[name.substr(10)] = value;
  return metadata;
}

Answer container_not_found() { return blob_error(404, "ContainerNotFound", "The specified container does not exist."); }
Answer blob_not_found() { return blob_error(404, "BlobNotFound", "The specified blob does not exist."); }

// --- leases
// -------------------------------------------------------------------------------------------------------------

/// Leases last in real time, as those who renew them live in it.
bool is_leased(Core& core, const Json& document) {
  const Json* lease = find_member(document, "lease");
  return lease != nullptr && lease->is_object() && !text_at(*lease, "id").empty() &&
         (integer_at(*lease, "until") < 0 || integer_at(*lease, "until") > core.now_ms());
}

std::string lease_id(const Json& document) { return text_at(document, "lease.id"); }

std::optional<Answer> check_lease(const Call& call, const Json* document) {
  if (document == nullptr) return std::nullopt;
  const std::string given = call.header("x-ms-lease-id");
  const bool leased = is_leased(call.core, *document);
  if (leased && given.empty())
    return blob_error(412, "LeaseIdMissing",
                      "There is currently a lease on the blob and no lease ID was specified in the request.");
  if (leased && !equals_ignoring_case(given, lease_id(*document)))
    return blob_error(412, "LeaseIdMismatchWithBlobOperation",
                      "The lease ID specified did not match the lease ID for the blob.");
  if (!leased && !given.empty())
    return blob_error(412, "LeaseNotPresentWithBlobOperation", "There is currently no lease on the blob.");
  return std::nullopt;
}

Answer lease_answer(const Json& document, int status, const std::string& id) {
  Answer answer = empty_answer(status);
  add_times(answer, document);
  if (!id.empty()) answer.headers.set("x-ms-lease-id", id);
  return answer;
}

Answer acquire(const Call& call, Json& document) {
  int seconds = 0;
  const std::string text = call.header("x-ms-lease-duration");
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (parsed.ec != std::errc() || (seconds != -1 && (seconds < 15 || seconds > 60)))
    return blob_error(400, "InvalidHeaderValue", "The value for one of the HTTP headers is not in the correct format.");
  const std::string proposed = call.header("x-ms-proposed-lease-id");
  if (is_leased(call.core, document) && !equals_ignoring_case(proposed, lease_id(document)))
    return blob_error(409, "LeaseAlreadyPresent", "There is already a lease present.");
  const std::string id = proposed.empty() ? call.core.random().uuid() : proposed;
  document["lease"] = {
      {"id", id}, {"seconds", seconds}, {"until", seconds < 0 ? -1 : call.core.now_ms() + seconds * 1000}};
  return lease_answer(document, 201, id);
}

Answer change_lease(const Call& call, Json& document) {
  const std::string action = to_lower(call.header("x-ms-lease-action"));
  if (action == "acquire") return acquire(call, document);
  const std::string known = lease_id(document);
  if (action == "break") {
    if (known.empty())
      return blob_error(409, "LeaseNotPresentWithLeaseOperation", "There is currently no lease on the blob.");
    document.erase("lease");
    Answer answer = lease_answer(document, 202, "");
    answer.headers.set("x-ms-lease-time", "0");
    return answer;
  }
  // An expired lease may still be renewed by its holder, as long as nobody else took it and the blob did not change.
  if (known.empty())
    return blob_error(409, "LeaseNotPresentWithLeaseOperation", "There is currently no lease on the blob.");
  if (!equals_ignoring_case(known, call.header("x-ms-lease-id")))
    return blob_error(409, "LeaseIdMismatchWithLeaseOperation",
                      "The lease ID specified did not match the lease ID for the blob.");
  if (action == "release") {
    document.erase("lease");
    return lease_answer(document, 200, "");
  }
  if (action == "change") {
    document["lease"]["id"] = call.header("x-ms-proposed-lease-id");
    return lease_answer(document, 200, lease_id(document));
  }
  if (action != "renew")
    return blob_error(400, "InvalidHeaderValue", "The value for one of the HTTP headers is not in the correct format.");
  const std::int64_t seconds = integer_at(document, "lease.seconds");
  document["lease"]["until"] = seconds < 0 ? -1 : call.core.now_ms() + seconds * 1000;
  return lease_answer(document, 200, known);
}

// --- conditions
// -----------------------------------------------------------------------------------------------------------

bool names(const std::string& header, const Json& document) {
  for (const auto& part : split(header, ','))
    if (trim(part) == "*" || replace_all(std::string(trim(part)), "\"", "") == text_at(document, "etag")) return true;
  return false;
}

std::optional<Answer> check_conditions(const Call& call, const Json* document, bool write) {
  const std::string match = call.header("If-Match"), none = call.header("If-None-Match");
  const Answer unmet =
      blob_error(412, "ConditionNotMet", "The condition specified using HTTP conditional header(s) is not met.");
  if (!match.empty() && (document == nullptr || !names(match, *document))) return unmet;
  if (none.empty() || document == nullptr || !names(none, *document)) return std::nullopt;
  if (!write) return empty_answer(304);
  if (trim(none) == "*") return blob_error(409, "BlobAlreadyExists", "The specified blob already exists.");
  return unmet;
}

// --- service
// --------------------------------------------------------------------------------------------------------------

Answer list_containers(const Call& call) {
  if (auto refusal = call.refuse("l", kContainerRead)) return *refusal;
  const std::string prefix = call.request.query_value("prefix");
  std::string items;
  for (const auto& [key, container] : call.core.store().documents("blob-containers")) {
    const std::string name = text_at(container, "name");
    if (!key.starts_with(to_lower(call.key) + "|") || !name.starts_with(prefix)) continue;
    items += fmt::format(
        "<Container><Name>{}</Name><Properties><Last-Modified>{}</Last-Modified><Etag>{}</Etag><LeaseStatus>unlocked</"
        "LeaseStatus><LeaseState>available</LeaseState>"
        "<DefaultEncryptionScope>$account-encryption-key</DefaultEncryptionScope><DenyEncryptionScopeOverride>false</"
        "DenyEncryptionScopeOverride>"
        "<HasImmutabilityPolicy>false</HasImmutabilityPolicy><HasLegalHold>false</HasLegalHold></Properties></"
        "Container>",
        escape(name), http_date(integer_at(container, "modified")), etag_of(container));
  }
  return xml(fmt::format(
      "<EnumerationResults ServiceEndpoint=\"{}/\"><Containers>{}</Containers><NextMarker /></EnumerationResults>",
      call.request.base_url, items));
}

std::string element(const std::string& body, const std::string& name) {
  const auto start = body.find("<" + name + ">");
  const auto end = body.find("</" + name + ">");
  if (start == std::string::npos || end == std::string::npos) return "";
  return body.substr(start + name.size() + 2, end - start - name.size() - 2);
}

Answer user_delegation_key(const Call& call) {
  if (auto refusal = call.refuse("", kDelegationKey)) return *refusal;
  const auto caller = call.core.check_token(call.header("Authorization").substr(7));
  const std::string body = call.request.content();
  const std::string start = element(body, "Start"), expiry = element(body, "Expiry");
  return xml(fmt::format(
      "<UserDelegationKey><SignedOid>{}</SignedOid><SignedTid>{}</SignedTid><SignedStart>{}</"
      "SignedStart><SignedExpiry>{}</SignedExpiry>"
      "<SignedService>b</SignedService><SignedVersion>{}</SignedVersion><Value>{}</Value></UserDelegationKey>",
      caller->object_id, call.core.tenant(), start, expiry, call.header("x-ms-version"),
      delegation_key(call.core, call.key, caller->object_id, start, expiry)));
}

Answer answer_service(const Call& call) {
  if (call.method() == "GET" && call.comp == "list") return list_containers(call);
  if (call.method() == "POST" && call.comp == "userdelegationkey") return user_delegation_key(call);
  if (call.method() == "GET" && call.comp == "properties") {
    if (auto refusal = call.refuse("r", kContainerRead)) return *refusal;
    return xml(
        "<StorageServiceProperties><Logging><Version>1.0</Version><Read>false</Read><Write>false</Write><Delete>false</"
        "Delete><RetentionPolicy><Enabled>false</Enabled>"
        "</RetentionPolicy></Logging><Cors "
        "/><DeleteRetentionPolicy><Enabled>false</Enabled></DeleteRetentionPolicy></StorageServiceProperties>");
  }
  return not_implemented("this call of the blob service");
}

// --- containers
// -----------------------------------------------------------------------------------------------------------

std::string blob_item(Core& core, const Json& blob) {
  std::string md5 = text_at(blob, "md5");
  return fmt::format(
      "<Blob><Name>{}</Name><Properties><Creation-Time>{}</Creation-Time><Last-Modified>{}</Last-Modified><Etag>{}</"
      "Etag><Content-Length>{}</Content-Length>"
      "<Content-Type>{}</Content-Type><Content-Encoding /><Content-Language /><Content-CRC64 "
      "/><Content-MD5>{}</Content-MD5><Cache-Control /><Content-Disposition />"
      "<BlobType>{}</BlobType><AccessTier>Hot</AccessTier><AccessTierInferred>true</"
      "AccessTierInferred><LeaseStatus>{}</LeaseStatus><LeaseState>{}</LeaseState>"
      "<ServerEncrypted>true</ServerEncrypted></Properties><OrMetadata /></Blob>",
      escape(text_at(blob, "name")), http_date(integer_at(blob, "created")), http_date(integer_at(blob, "modified")),
      text_at(blob, "etag"), integer_at(blob, "size"), escape(text_at(blob, "contentType")), md5, text_at(blob, "type"),
      is_leased(core, blob) ? "locked" : "unlocked", is_leased(core, blob) ? "leased" : "available");
}

Answer list_blobs(const Call& call) {
  if (auto refusal = call.refuse("l", kBlobRead)) return *refusal;
  if (find_container(call.core, call.key, call.container) == nullptr) return container_not_found();
  const std::string prefix = call.request.query_value("prefix"), delimiter = call.request.query_value("delimiter"),
                    marker = call.request.query_value("marker");
  const std::size_t limit = static_cast<std::size_t>(to_number(call.request.query_value("maxresults")).value_or(5000));
  std::map<std::string, std::string> items;  // by name, so that the order is Azure's
  for (const auto& [key, blob] : call.core.store().documents("blobs")) {
    const std::string name = text_at(blob, "name");
    if (!key.starts_with(to_lower(call.key + "|" + call.container + "|")) || !name.starts_with(prefix)) continue;
    const auto cut = delimiter.empty() ? std::string::npos : name.find(delimiter, prefix.size());
    if (cut != std::string::npos) {
      const std::string folder = name.substr(0, cut + delimiter.size());
      items[folder] = fmt::format("<BlobPrefix><Name>{}</Name></BlobPrefix>", escape(folder));
    } else {
      items[name] = blob_item(call.core, blob);
    }
  }
  std::string text, next;
  std::size_t count = 0;
  for (auto at = items.lower_bound(marker); at != items.end(); ++at, ++count) {
    if (count == limit) {
      next = at->first;
      break;
    }
    text += at->second;
  }
  return xml(fmt::format(
      "<EnumerationResults ServiceEndpoint=\"{}/\" ContainerName=\"{}\">{}<Blobs>{}</Blobs>{}</EnumerationResults>",
      call.request.base_url, escape(call.container),
      prefix.empty() ? "" : fmt::format("<Prefix>{}</Prefix>", escape(prefix)), text,
      next.empty() ? "<NextMarker />" : fmt::format("<NextMarker>{}</NextMarker>", escape(next))));
}

Answer create(const Call& call) {
  if (auto refusal = call.refuse("cw", kContainerWrite)) return *refusal;
  const bool legal = call.container.size() >= 3 && call.container.size() <= 63 &&
                     call.container.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-$") == std::string::npos;
  if (!legal)
    return blob_error(400, "InvalidResourceName",
                      "The specified resource name contains invalid characters.");  // ARM-87
  if (find_container(call.core, call.key, call.container) != nullptr)
    return blob_error(409, "ContainerAlreadyExists", "The specified container already exists.");
  Json& container = create_container(call.core, call.key, call.container);
  container["metadata"] = metadata_of(call.request);
  Answer answer = empty_answer(201);
  add_times(answer, container);
  return answer;
}

Answer container_properties(const Call& call) {
  if (auto refusal = call.refuse("r", kContainerRead)) return *refusal;
  const Json* container = find_container(call.core, call.key, call.container);
  if (container == nullptr) return container_not_found();
  Answer answer = empty_answer(200);
  add_times(answer, *container);
  if (const Json* metadata = find_member(*container, "metadata"))
    for (const auto& [name, value] : metadata->items())
      answer.headers.set("x-ms-meta-" + name, value.get<std::string>());
  answer.headers.set("x-ms-lease-status", is_leased(call.core, *container) ? "locked" : "unlocked");
  answer.headers.set("x-ms-lease-state", is_leased(call.core, *container) ? "leased" : "available");
  answer.headers.set("x-ms-has-immutability-policy", "false");
  answer.headers.set("x-ms-has-legal-hold", "false");
  return answer;
}

Answer answer_container(const Call& call) {
  if (call.method() == "GET" && call.comp == "list") return list_blobs(call);
  if (call.method() == "PUT" && call.comp.empty()) return create(call);
  if ((call.method() == "GET" || call.method() == "HEAD") && (call.comp.empty() || call.comp == "metadata"))
    return container_properties(call);
  const Json* container = find_container(call.core, call.key, call.container);
  if (call.method() == "DELETE") {
    if (auto refusal = call.refuse("d", kContainerDelete)) return *refusal;
    if (container == nullptr) return container_not_found();
    if (auto refusal = check_lease(call, container)) return *refusal;
    remove_container(call.core, call.key, call.container);
    return empty_answer(202);
  }
  if (call.method() == "PUT" && (call.comp == "lease" || call.comp == "metadata")) {
    if (auto refusal = call.refuse("w", kContainerWrite)) return *refusal;
    if (container == nullptr) return container_not_found();
    Json& document = call.core.store().edit_document("blob-containers", call.key + "|" + call.container);
    if (call.comp == "lease") return change_lease(call, document);
    document["metadata"] = metadata_of(call.request);
    touch(call.core, document);
    Answer answer = empty_answer(200);
    add_times(answer, document);
    return answer;
  }
  return not_implemented("this call on containers");
}

// --- blobs
// ----------------------------------------------------------------------------------------------------------------

void add_properties(Core& core, Answer& answer, const Json& blob) {
  add_times(answer, blob);
  answer.headers.set("Content-Type", text_at(blob, "contentType"));
  for (const auto& [member, header] :
       {std::pair{"contentEncoding", "Content-Encoding"}, std::pair{"cacheControl", "Cache-Control"},
        std::pair{"contentDisposition", "Content-Disposition"}})
    if (const std::string value = text_at(blob, member); !value.empty()) answer.headers.set(header, value);
  if (const Json* metadata = find_member(blob, "metadata"))
    for (const auto& [name, value] : metadata->items())
      answer.headers.set("x-ms-meta-" + name, value.get<std::string>());
  answer.headers.set("x-ms-blob-type", text_at(blob, "type"));
  answer.headers.set("x-ms-lease-status", is_leased(core, blob) ? "locked" : "unlocked");
  answer.headers.set("x-ms-lease-state", is_leased(core, blob) ? "leased" : "available");
  answer.headers.set("x-ms-creation-time", http_date(integer_at(blob, "created")));
  answer.headers.set("x-ms-server-encrypted", "true");
  answer.headers.set("Accept-Ranges", "bytes");
  if (blob.contains("blocks"))
    answer.headers.set("x-ms-blob-committed-block-count", fmt::format("{}", integer_at(blob, "blocks")));
}

struct Range {
  std::uint64_t from = 0, size = 0;
};

/// "bytes=0-499" or "bytes=500-"; nothing where it lies outside.
std::optional<Range> parse_byte_range(std::string text, std::uint64_t total) {
  if (!text.starts_with("bytes=")) return std::nullopt;
  text.erase(0, 6);
  const auto dash = text.find('-');
  const auto from = to_number(text.substr(0, dash));
  if (!from || dash == std::string::npos || *from >= total) return std::nullopt;
  const auto to = to_number(text.substr(dash + 1));
  const std::uint64_t last = to ? std::min(*to, total - 1) : total - 1;
  if (last < *from) return std::nullopt;
  return Range{*from, last - *from + 1};
}

Answer read_blob(const Call& call) {
  if (auto refusal = call.refuse("r", kBlobRead)) return *refusal;
  const Json* blob = call.find();
  if (blob == nullptr)
    return find_container(call.core, call.key, call.container) == nullptr ? container_not_found() : blob_not_found();
  if (auto answer = check_conditions(call, blob, /*write=*/false)) return *answer;
  const auto size = static_cast<std::uint64_t>(integer_at(*blob, "size"));
  std::string asked = call.header("x-ms-range");
  if (asked.empty()) asked = call.header("Range");
  Answer answer = empty_answer(200);
  Range range{0, size};
  if (!asked.empty() && call.method() == "GET") {
    const auto part = parse_byte_range(asked, size);
    if (!part)
      return blob_error(416, "InvalidRange", "The range specified is invalid for the current size of the resource.");
    range = *part;
    answer.status = 206;
    answer.headers.set("Content-Range", fmt::format("bytes {}-{}/{}", range.from, range.from + range.size - 1, size));
  }
  add_properties(call.core, answer, *blob);
  if (const std::string md5 = text_at(*blob, "md5"); !md5.empty())
    answer.headers.set(answer.status == 206 ? "x-ms-blob-content-md5" : "Content-MD5", md5);
  if (call.method() == "HEAD")
    answer.headers.set("Content-Length", fmt::format("{}", size));
  else
    answer.file = Answer::FilePart{call.core.folder() / text_at(*blob, "file"), range.from, range.size};
  return answer;
}

void take_properties(const Call& call, Json& blob) {
  const auto take = [&](const char* member, const char* own, const char* plain) {
    const std::string value = call.header(own).empty() ? call.header(plain) : call.header(own);
    if (!value.empty()) blob[member] = value;
  };
  take("contentType", "x-ms-blob-content-type", "Content-Type");
  take("contentEncoding", "x-ms-blob-content-encoding", "Content-Encoding");
  take("cacheControl", "x-ms-blob-cache-control", "Cache-Control");
  take("contentDisposition", "x-ms-blob-content-disposition", "Content-Disposition");
  const auto metadata = metadata_of(call.request);
  if (!metadata.empty()) blob["metadata"] = metadata;
}

Answer written(const Call& call, const Json& blob, int status) {
  Answer answer = empty_answer(status);
  add_times(answer, blob);
  if (const std::string md5 = text_at(blob, "md5"); !md5.empty()) answer.headers.set("Content-MD5", md5);
  answer.headers.set("x-ms-request-server-encrypted", "true");
  (void)call;
  return answer;
}

std::optional<Answer> check_write(const Call& call) {
  if (auto refusal = call.refuse("wca", kBlobWrite)) return refusal;
  if (find_container(call.core, call.key, call.container) == nullptr) return container_not_found();
  if (auto refusal = check_conditions(call, call.find(), /*write=*/true)) return refusal;
  return check_lease(call, call.find());
}

Answer put_blob(const Call& call) {
  if (auto refusal = check_write(call)) return *refusal;
  const std::string type = call.header("x-ms-blob-type");
  if (!call.header("x-ms-copy-source").empty()) return not_implemented("copying blobs");
  if (type != "BlockBlob" && type != "AppendBlob")
    return type.empty() ? blob_error(400, "MissingRequiredHeader",
                                     "An HTTP header that's mandatory for this request is not specified.")
                        : not_implemented(type);
  const std::string expected = call.header("Content-MD5");
  const std::string content = type == "BlockBlob" && call.request.body_file.empty() ? call.request.body : "";
  if (!expected.empty() && call.request.body_file.empty() && expected != md5_base64(call.request.body))
    return blob_error(
        400, "Md5Mismatch",
        "The MD5 value specified in the request did not match with the MD5 value calculated by the server.");
  Json& blob = write_blob(call.core, call.key, call.container, call.blob,
                          type == "BlockBlob" ? Kind::block : Kind::append, content);
  if (type == "BlockBlob" && !call.request.body_file.empty()) {
    // A large body lies on disk already.
    std::error_code error;
    std::filesystem::rename(call.request.body_file, call.core.folder() / text_at(blob, "file"), error);
    if (error)
      return blob_error(500, "InternalError", "The server encountered an internal error. Please retry the request.");
    blob["size"] = std::filesystem::file_size(call.core.folder() / text_at(blob, "file"), error);
    blob.erase("md5");
  }
  take_properties(call, blob);
  return written(call, blob, 201);
}

std::string block_key(const Call& call, const std::string& id) {
  return blob_key(call.key, call.container, call.blob) + "|" + hex(id);
}

Answer put_block(const Call& call) {
  if (auto refusal = call.refuse("wca", kBlobWrite)) return *refusal;
  if (find_container(call.core, call.key, call.container) == nullptr) return container_not_found();
  if (auto refusal = check_lease(call, call.find())) return *refusal;
  const std::string id = call.request.query_value("blockid");
  if (id.empty())
    return blob_error(400, "InvalidQueryParameterValue",
                      "Value for one of the query parameters specified in the request URI is invalid.");
  const std::string content = call.request.content();
  const std::string file = "blobs/" + call.core.random().uuid();
  if (!call.core.disk().write(call.core.folder() / file, content))
    return blob_error(500, "InternalError", "The server encountered an internal error. Please retry the request.");
  call.core.store().edit_document("blob-blocks", block_key(call, id)) = {
      {"id", id}, {"file", file}, {"size", content.size()}};
  Answer answer = empty_answer(201);
  answer.headers.set("x-ms-request-server-encrypted", "true");
  return answer;
}

/// "Get Block List" of what was sent and not committed.
Answer list_blocks(const Call& call) {
  if (auto refusal = call.refuse("r", kBlobRead)) return *refusal;
  if (call.request.query_value("blocklisttype") != "uncommitted") return not_implemented("this list of blocks");
  const std::string prefix = to_lower(block_key(call, ""));
  std::string blocks;
  for (const auto& [key, block] : call.core.store().documents("blob-blocks"))
    if (key.starts_with(prefix))
      blocks +=
          fmt::format("<Block><Name>{}</Name><Size>{}</Size></Block>", text_at(block, "id"), integer_at(block, "size"));
  if (blocks.empty() && call.find() == nullptr) return blob_not_found();
  return xml("<BlockList><UncommittedBlocks>" + blocks + "</UncommittedBlocks></BlockList>");
}

/// The ids of <Latest>, <Uncommitted> and <Committed> in their order.
std::vector<std::string> block_ids(const std::string& body) {
  std::vector<std::string> ids;
  for (std::size_t at = body.find("<BlockList"); (at = body.find('<', at + 1)) != std::string::npos;) {
    const auto close = body.find('>', at);
    const std::string tag = body.substr(at + 1, close - at - 1);
    if (tag != "Latest" && tag != "Uncommitted" && tag != "Committed") continue;
    ids.emplace_back(trim(body.substr(close + 1, body.find('<', close) - close - 1)));
  }
  return ids;
}

Answer put_block_list(const Call& call) {
  if (auto refusal = check_write(call)) return *refusal;
  const auto ids = block_ids(call.request.content());
  for (const auto& id : ids)
    if (call.core.store().find_document("blob-blocks", block_key(call, id)) == nullptr)
      return blob_error(400, "InvalidBlockList", "The specified block list is invalid.");
  Json& blob = write_blob(call.core, call.key, call.container, call.blob, Kind::block, "");
  const auto target = call.core.folder() / text_at(blob, "file");
  std::int64_t size = 0;
  for (const auto& id : ids) {
    const Json block = *call.core.store().find_document("blob-blocks", block_key(call, id));
    const auto content = call.core.disk().read(call.core.folder() / text_at(block, "file"));
    if (!content || !call.core.disk().append(target, *content))
      return blob_error(500, "InternalError", "The server encountered an internal error. Please retry the request.");
    size += integer_at(block, "size");
  }
  for (const auto& id : ids) {
    const Json* block = call.core.store().find_document("blob-blocks", block_key(call, id));
    if (block == nullptr) continue;  // named twice
    [[maybe_unused]] const auto removed = call.core.disk().remove(call.core.folder() / text_at(*block, "file"));
    call.core.store().erase_document("blob-blocks", block_key(call, id));
  }
  blob["size"] = size;
  blob.erase("md5");
  take_properties(call, blob);
  if (call.header("x-ms-blob-content-type").empty()) blob["contentType"] = "application/octet-stream";
  return written(call, blob, 201);
}

Answer append_block(const Call& call) {
  if (auto refusal = check_write(call)) return *refusal;
  const Json* blob = call.find();
  if (blob == nullptr) return blob_not_found();
  if (text_at(*blob, "type") != "AppendBlob")
    return blob_error(409, "InvalidBlobType", "The blob type is invalid for this operation.");
  const std::int64_t offset = integer_at(*blob, "size");
  const std::string position = call.header("x-ms-blob-condition-appendpos");
  if (!position.empty() && position != fmt::format("{}", offset))
    return blob_error(412, "AppendPositionConditionNotMet", "The append position condition specified was not met.");
  append(call.core, call.key, call.container, call.blob, call.request.content());
  Answer answer = written(call, *call.find(), 201);
  answer.headers.set("x-ms-blob-append-offset", fmt::format("{}", offset));
  answer.headers.set("x-ms-blob-committed-block-count", fmt::format("{}", integer_at(*call.find(), "blocks")));
  return answer;
}

Answer change_blob(const Call& call) {
  if (auto refusal = call.refuse("w", kBlobWrite)) return *refusal;
  if (call.find() == nullptr) return blob_not_found();
  if (call.comp == "lease") return change_lease(call, call.edit());
  if (auto refusal = check_conditions(call, call.find(), /*write=*/true)) return *refusal;
  if (auto refusal = check_lease(call, call.find())) return *refusal;
  Json& blob = call.edit();
  if (call.comp == "metadata")
    blob["metadata"] = metadata_of(call.request);
  else
    take_properties(call, blob);
  touch(call.core, blob);
  return written(call, blob, 200);
}

Answer delete_blob(const Call& call) {
  if (auto refusal = call.refuse("d", kBlobDelete)) return *refusal;
  if (find_container(call.core, call.key, call.container) == nullptr) return container_not_found();
  if (call.find() == nullptr) return blob_not_found();
  if (auto refusal = check_conditions(call, call.find(), /*write=*/true)) return *refusal;
  if (auto refusal = check_lease(call, call.find())) return *refusal;
  remove_blob(call.core, call.key, call.container, call.blob);
  Answer answer = empty_answer(202);
  answer.headers.set("x-ms-delete-type-permanent", "true");
  return answer;
}

Answer answer_blob(const Call& call) {
  if (call.method() == "GET" && call.comp == "blocklist") return list_blocks(call);
  if (call.method() == "GET" || call.method() == "HEAD")
    return call.comp.empty() || call.comp == "metadata" ? read_blob(call) : not_implemented("this call on blobs");
  if (call.method() == "DELETE") return delete_blob(call);
  if (call.method() != "PUT") return not_implemented("this call on blobs");
  if (call.comp.empty()) return put_blob(call);
  if (call.comp == "block") return put_block(call);
  if (call.comp == "blocklist") return put_block_list(call);
  if (call.comp == "appendblock") return append_block(call);
  if (call.comp == "lease" || call.comp == "metadata" || call.comp == "properties") return change_blob(call);
  return not_implemented("comp=" + call.comp);
}

}  // namespace

Answer answer(Core& core, Request& request, const std::string& key) {
  const Core::Lock guard(core);
  std::string blob;
  for (std::size_t i = 1; i < request.segments.size(); ++i) blob += (i == 1 ? "" : "/") + request.segments[i];
  const Call call{core, request,
                  key,  request.segments.empty() ? "" : request.segments[0],
                  blob, to_lower(request.query_value("comp"))};
  Answer answered = call.container.empty() ? answer_service(call)
                    : call.blob.empty()    ? answer_container(call)
                                           : answer_blob(call);
  const std::string version = request.headers.get("x-ms-version");
  answered.headers.set("x-ms-version", version.empty() ? "2022-11-02" : version);
  return answered;
}

}  // namespace defang::emulator::blobs
