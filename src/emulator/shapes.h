#pragma once

#include <string_view>

namespace defang::emulator {

/// How a write of a type answers and how long it takes: one row of azure-wire-facts section 2.
struct Shape {
  enum class When { any, create, update };
  enum class Headers { none, async_operation, location, both };
  enum class Body { resource, empty, text_plain };
  enum class End { resource, empty_200, gone_204 };  // of the Location URL
  // Form of the Azure-AsyncOperation answer; `resource`: it is the resource itself.
  enum class Status { plain, container_apps, named, dated, resource };

  std::string_view type;    // "Microsoft.App/containerApps"
  std::string_view method;  // PUT, PATCH, DELETE, or "POST purge"
  When when = When::any;
  int status = 200;
  std::string_view state = "Succeeded";  // provisioningState in the first body; empty: the type has none
  Headers headers = Headers::none;
  Body body = Body::resource;
  std::string_view running = "InProgress";  // status word until the end
  int running_status = 200;                 // HTTP status of an Azure-AsyncOperation poll until the end
  End end = End::resource;
  int retry_after = 0;  // seconds; 0: the header is not sent
  double seconds = 0;   // median, in Azure's time
  Status form = Status::plain;
  std::string_view url;  // segment of the status URL: "containerappOperationStatuses"
};

/// The row for a write. One with `when` fitting comes before one with When::any. nullptr: answered at once with the
/// usual 201, 200 or 204.
const Shape* find_shape(std::string_view type, std::string_view method, bool exists);

/// Families of types that answer alike; they stand in the table like a type ("Microsoft.Network/*").
inline constexpr std::string_view kNetworkShapes = "Microsoft.Network/*";

}  // namespace defang::emulator
