#pragma once

#include <cstdint>
#include <string>

#include "emulator/core.h"

/// The blob service's data, below its HTTP face (storage_blobs.cc): accounts with keys, containers, blobs. ARM's half
/// and other providers (a registry's build logs) use it directly. All under the core's lock.
///
///   documents "blob-accounts"   <account key>                       {"name", "key1", "key2", "sharedKey", "resource"}
///   documents "blob-containers" <account key>|<container>           {"name", "etag", "modified", "metadata", "lease"}
///   documents "blobs"           <account key>|<container>|<blob>    {"name", "etag", "modified", "size", "type",
///   "file", ...} documents "blob-blocks"     <account key>|<container>|<blob>|<block id>  {"file", "size"}
namespace defang::emulator::blobs {

/// The account, made with new keys where there is none. `key` names it everywhere here: a storage account's id, or any
/// text for the emulator's own accounts.
Json& open_account(Core& core, const std::string& key, const std::string& name);
void remove_account(Core& core, const std::string& key);
/// "https://localhost:PORT"
std::string endpoint(Core& core, const std::string& key);

const Json* find_container(Core& core, const std::string& key, const std::string& container);
Json& create_container(Core& core, const std::string& key, const std::string& container);
void remove_container(Core& core, const std::string& key, const std::string& container);

std::string blob_key(const std::string& key, const std::string& container, const std::string& blob);
/// Document keys are in lower case, blob names are not: the exact name is part of the document.
const Json* find_blob(Core& core, const std::string& key, const std::string& container, const std::string& blob);
enum class Kind { block, append };
/// Replaces the blob.
Json& write_blob(Core& core, const std::string& key, const std::string& container, const std::string& blob, Kind kind,
                 std::string_view content, std::string_view content_type = "application/octet-stream");
void append(Core& core, const std::string& key, const std::string& container, const std::string& blob,
            std::string_view content);
void set_metadata(Core& core, const std::string& key, const std::string& container, const std::string& blob,
                  const std::string& name, const std::string& value);
void remove_blob(Core& core, const std::string& key, const std::string& container, const std::string& blob);
/// Where the content lies, for reading it without HTTP; empty where there is no such blob.
std::filesystem::path content_file(Core& core, const std::string& key, const std::string& container,
                                   const std::string& blob);

/// A service SAS URL of the blob; permissions as "r", "rw", "racwd".
std::string sas_url(Core& core, const std::string& key, const std::string& container, const std::string& blob,
                    const std::string& permissions, double seconds);
/// What a blob URL of this emulator names; nothing for a foreign one. The query is not looked at.
struct Address {
  std::string key, container, blob;
};
std::optional<Address> find_address(Core& core, const std::string& url);

void touch(Core& core, Json& document);  // a new etag and time
Answer answer(Core& core, Request& request, const std::string& key);

}  // namespace defang::emulator::blobs
