#include "providers/container_apps_ingress.h"

#include <algorithm>
#include <array>

#include "providers/diagnostics.h"
#include "support/text.h"

namespace defang::providers {
namespace {

using compose::Port;
using graph::Value;

constexpr std::size_t kMostAdditional = 5;  // CA-64

struct KnownImage {
  std::string_view repository;
  int port;
};
// Last part of the repository on Docker Hub and the port that the image's own documentation gives.
constexpr auto kKnownImages = std::to_array<KnownImage>({
    {"cassandra", 9042},
    {"mariadb", 3306},
    {"memcached", 11211},
    {"mongo", 27017},
    {"mysql", 3306},
    {"nats", 4222},
    {"percona", 3306},
    {"pgvector", 5432},
    {"postgis", 5432},
    {"postgres", 5432},
    {"rabbitmq", 5672},
    {"redis", 6379},
    {"redis-stack", 6379},
    {"timescaledb", 5432},
    {"valkey", 6379},
    {"valkey-bundle", 6379},
    {"zookeeper", 2181},
});
static_assert(std::ranges::is_sorted(kKnownImages, {}, &KnownImage::repository));

/// What a port wants to be, before anything is decided about its siblings.
struct Wish {
  int target = 0;
  enum class Kind { public_http, internal_http, public_tcp, internal_tcp } kind = Kind::internal_tcp;
  bool http2 = false;
  SourceSpan span;
};

bool is_http(const Wish& wish) {
  return wish.kind == Wish::Kind::public_http || wish.kind == Wish::Kind::internal_http;
}

bool is_loopback(std::string_view host) { return host.starts_with("127.") || host == "::1" || host == "localhost"; }

/// CA-160: no network of Azure's is a wall between services, but a service that is on internal networks only is not
/// public.
bool is_on_internal_networks_only(const compose::Project& project, const compose::Service& service) {
  return !service.networks.empty() && std::ranges::all_of(service.networks, [&](const compose::ServiceNetwork& use) {
    const auto found = project.networks.find(use.name);
    return found != project.networks.end() && found->second.internal;
  });
}

/// Why a port that asks for `mode: ingress` stays inside; empty where it does not.
std::string reason_to_stay_inside(const compose::Project& project, const compose::Service& service, const Port& port) {
  if (is_loopback(port.host_ip)) return "it is published on a loopback address only";
  if (is_on_internal_networks_only(project, service)) return "its networks are internal";
  if (service.image && well_known_port(service.image->value) == port.target && port.app_protocol.empty())
    return "image `" + service.image->value + "` does not speak HTTP there";
  return {};
}

Wish::Kind kind_of_internal(int target) { return target == 80 ? Wish::Kind::internal_http : Wish::Kind::internal_tcp; }

Wish wish_of(const compose::Project& project, const compose::Service& service, const Port& port,
             Diagnostics& diagnostics) {
  Wish wish{.target = port.target, .kind = kind_of_internal(port.target), .span = port.span};
  const auto protocol = to_lower(port.app_protocol);
  wish.http2 = protocol == "grpc" || protocol == "http2" || protocol == "h2c";
  if (port.mode == Port::Mode::host) return wish;
  if (const auto reason = reason_to_stay_inside(project, service, port); !reason.empty()) {
    diagnostics.add(port_stays_inside(service.name, port, reason));
    return wish;
  }
  wish.kind = protocol == "tcp" ? Wish::Kind::public_tcp : Wish::Kind::public_http;
  return wish;
}

bool is_possible(const compose::Service& service, const Port& port, Diagnostics& diagnostics) {
  if (!equals_ignoring_case(port.protocol, "tcp")) {
    diagnostics.add(port_not_tcp(service.name, port));
    return false;
  }
  if (port.target < 1 || port.target > 65535) {
    diagnostics.add(port_out_of_range(service.name, port));
    return false;
  }
  return true;
}

/// "3000", "3000/tcp", "3000-3002"; none where one is out of range.
std::vector<int> numbers_of(std::string_view expose) {
  expose = expose.substr(0, expose.find('/'));
  const auto dash = expose.find('-');
  const auto first = to_number(expose.substr(0, dash));
  const auto last = dash == std::string_view::npos ? first : to_number(expose.substr(dash + 1));
  std::vector<int> numbers;
  if (!first || !last || *first < 1 || *last > 65535 || *last < *first) return numbers;
  for (auto number = *first; number <= *last; ++number) numbers.push_back(static_cast<int>(number));
  return numbers;
}

/// Every port once, in the order in which they were written; `ports` before `expose` before what siblings imply.
std::vector<Wish> wishes_of(const compose::Project& project, const compose::Service& service,
                            const std::set<int>& undeclared, Diagnostics& diagnostics) {
  std::vector<Wish> wishes;
  const auto add = [&](Wish wish) {
    if (std::ranges::find(wishes, wish.target, &Wish::target) == wishes.end()) wishes.push_back(std::move(wish));
  };
  for (const auto& port : service.ports)
    if (is_possible(service, port, diagnostics)) add(wish_of(project, service, port, diagnostics));
  for (const auto& expose : service.expose) {
    if (expose->ends_with("/udp")) {
      diagnostics.add(expose_not_tcp(service.name, expose));
      continue;
    }
    const auto numbers = numbers_of(*expose);
    if (numbers.empty()) diagnostics.add(expose_out_of_range(service.name, expose));
    for (const int number : numbers)
      add({.target = number, .kind = kind_of_internal(number), .http2 = false, .span = expose.span});
  }
  if (service.image && wishes.empty())
    if (const auto known = well_known_port(service.image->value)) {
      diagnostics.add(port_of_image(service.name, *known, *service.image));
      add({.target = *known, .kind = Wish::Kind::internal_tcp, .http2 = false, .span = service.image->span});
    }
  for (const int number : undeclared) {
    if (std::ranges::find(wishes, number, &Wish::target) != wishes.end()) continue;
    // An HTTP ingress answers there anyhow.
    if ((number == 80 || number == 443) && std::ranges::any_of(wishes, is_http)) continue;
    diagnostics.add(port_implied(service.name, number, service.span));
    add({.target = number, .kind = kind_of_internal(number), .http2 = false, .span = service.span});
  }
  return wishes;
}

/// 443 beside a public HTTP port: Azure's own ingress answers HTTPS there. Of several public HTTP ports one can be it;
/// port 443 only if it is the only one.
void drop_what_azure_answers_itself(const compose::Service& service, std::vector<Wish>& wishes,
                                    Diagnostics& diagnostics) {
  const auto is_public_http = [](const Wish& wish) { return wish.kind == Wish::Kind::public_http; };
  if (std::ranges::count_if(wishes, is_public_http) < 2) return;
  std::erase_if(wishes, [&](const Wish& wish) {
    if (!is_public_http(wish) || wish.target != 443) return false;
    diagnostics.add(https_is_azures(service.name, wish.span));
    return true;
  });
}

/// The main port: public HTTP, of several the one on 80 or else the first; else internal HTTP on 80, else public TCP
/// (CA-64: additional public ports need a public main one), else the first.
std::size_t main_of(const std::vector<Wish>& wishes) {
  for (std::size_t i = 0; i < wishes.size(); ++i)
    if (wishes[i].kind == Wish::Kind::public_http && wishes[i].target == 80) return i;
  for (const auto kind : {Wish::Kind::public_http, Wish::Kind::internal_http, Wish::Kind::public_tcp})
    for (std::size_t i = 0; i < wishes.size(); ++i)
      if (wishes[i].kind == kind) return i;
  return 0;
}

Ingress from_main(const Wish& main) {
  Ingress ingress;
  ingress.kind = is_http(main) ? Ingress::Kind::http : Ingress::Kind::tcp;
  ingress.external = main.kind == Wish::Kind::public_http || main.kind == Wish::Kind::public_tcp;
  ingress.target_port = main.target;
  ingress.http2 = main.http2;
  ingress.origin = main.span;
  return ingress;
}

void add_mapping(const compose::Service& service, const Wish& wish, Ingress& ingress, Diagnostics& diagnostics) {
  if (ingress.kind == Ingress::Kind::http && (wish.target == 80 || wish.target == 443)) {
    diagnostics.add(port_taken_by_ingress(service.name, wish.target, wish.span));
    return;
  }
  if (ingress.additional.size() == kMostAdditional) {
    diagnostics.add(too_many_ports(service.name, wish.target, kMostAdditional + 1, wish.span));
    return;
  }
  if (wish.kind == Wish::Kind::public_http)
    diagnostics.add(second_public_port(service.name, wish.target, ingress.target_port, wish.span));
  const bool external = wish.kind == Wish::Kind::public_tcp && ingress.external;
  ingress.additional.push_back({.target = wish.target, .external = external});
}

}  // namespace

bool Ingress::answers_on(int port) const {
  if (kind == Kind::http && (port == 80 || port == 443)) return true;
  if (kind == Kind::tcp && port == target_port) return true;
  return std::ranges::find(additional, port, &Mapping::target) != additional.end();
}

std::string_view repository_of(std::string_view image) {
  if (const auto at = image.find('@'); at != std::string_view::npos) image = image.substr(0, at);
  if (const auto slash = image.rfind('/'); slash != std::string_view::npos) image = image.substr(slash + 1);
  return image.substr(0, image.find(':'));
}

std::optional<int> well_known_port(std::string_view image) {
  const auto repository = repository_of(image);
  const auto found = std::ranges::lower_bound(kKnownImages, repository, {}, &KnownImage::repository);
  if (found == kKnownImages.end() || found->repository != repository) return std::nullopt;
  return found->port;
}

std::set<int> declared_ports(const compose::Service& service) {
  std::set<int> ports;
  for (const auto& port : service.ports) ports.insert(port.target);
  for (const auto& expose : service.expose)
    for (const int number : numbers_of(*expose)) ports.insert(number);
  return ports;
}

Ingress ingress_of(const compose::Project& project, const compose::Service& service, const std::set<int>& undeclared,
                   Diagnostics& diagnostics) {
  auto wishes = wishes_of(project, service, undeclared, diagnostics);
  drop_what_azure_answers_itself(service, wishes, diagnostics);
  if (wishes.empty()) return {};
  const std::size_t main = main_of(wishes);
  auto ingress = from_main(wishes[main]);
  for (std::size_t i = 0; i < wishes.size(); ++i)
    if (i != main) add_mapping(service, wishes[i], ingress, diagnostics);
  return ingress;
}

Value to_value(const Ingress& ingress) {
  const bool tcp = ingress.kind == Ingress::Kind::tcp;
  Value::Map body = {{"external", ingress.external},
                     {"targetPort", ingress.target_port},
                     {"transport", tcp             ? "tcp"
                                   : ingress.http2 ? "http2"
                                                   : "auto"}};
  if (tcp)
    body.emplace_back("exposedPort", ingress.target_port);
  else
    body.emplace_back("allowInsecure", !ingress.external);  // siblings say http://name, not https (CA-80)
  if (!ingress.additional.empty()) {
    Value::List mappings;
    for (const auto& mapping : ingress.additional)
      mappings.push_back(
          Value::Map{{"external", mapping.external}, {"targetPort", mapping.target}, {"exposedPort", mapping.target}});
    body.emplace_back("additionalPortMappings", std::move(mappings));
  }
  return body;
}

}  // namespace defang::providers
