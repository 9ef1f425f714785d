#include "deploy/service_control.h"

#include <fmt/format.h>

#include <mutex>
#include <nlohmann/json.hpp>
#include <thread>

#include "azure/resource_types.h"

namespace defang::deploy {
namespace {

/// An app starts and stops as a whole; only a revision can be restarted.
struct Order {
  std::string id, type, function;
};
Order order_of(const ServiceStatus& service, Control control) {
  if (control == Control::restart)
    return {service.app + "/revisions/" + service.revision, "Microsoft.App/containerApps/revisions", "restart"};
  return {service.app, "Microsoft.App/containerApps", control == Control::start ? "start" : "stop"};
}

Result<void> carry_out(rest::ArmClient& arm, const ServiceStatus& service, Control control, std::stop_token stop) {
  const Order order = order_of(service, control);
  const auto id = azure::ResourceId::parse(order.id);
  if (!id) return fail(Error::Kind::invalid, "resource-id", fmt::format("`{}` is no resource id", order.id));
  auto done =
      arm.post(*id, order.function, std::string(azure::find_resource_type(order.type)->api_version), {}, {}, stop);
  if (!done)
    return fail(std::move(done.error().during(fmt::format("{} of service `{}`", order.function, service.service))));
  return {};
}

}  // namespace

std::vector<Error> control_services(rest::ArmClient& arm, Clock& clock, const std::vector<ServiceStatus>& services,
                                    Control control, const std::function<void(const ServiceStatus&)>& on_done,
                                    std::stop_token stop) {
  std::mutex mutex;
  std::vector<Error> errors;
  std::vector<std::jthread> threads;
  for (const auto& service : services) {
    clock.add_worker();
    threads.emplace_back([&] {
      auto done = carry_out(arm, service, control, stop);
      {
        const std::lock_guard lock(mutex);
        if (done)
          on_done(service);
        else
          errors.push_back(std::move(done.error()));
      }
      clock.remove_worker();
    });
  }
  threads.clear();  // joins
  return errors;
}

}  // namespace defang::deploy
