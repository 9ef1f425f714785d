#include "emulator/engines/ingress_ports.h"

#include "emulator/json.h"

namespace defang::emulator {

IngressPorts::IngressPorts(Disk& disk, std::filesystem::path file) : disk_(disk), file_(std::move(file)) {
  const auto text = disk_.read(file_);
  const auto known = text ? parse_json(*text) : std::nullopt;
  if (!known || !known->is_object()) return;
  for (const auto& [name, port] : known->items()) {
    if (port.is_number_unsigned()) ports_[name] = port.get<std::uint16_t>();
  }
}

Result<LoopbackListener> IngressPorts::listen(const std::string& name) {
  if (const auto known = ports_.find(name); known != ports_.end()) {
    if (auto again = listen_on_loopback(known->second)) return again;
  }
  TRY_ASSIGN(auto made, listen_on_loopback(0));
  ports_[name] = made.port;
  Json all = Json::object();
  for (const auto& [one, port] : ports_) all[one] = port;
  TRY(disk_.write(file_, dump(all), Disk::Access::everyone));
  return made;
}

}  // namespace defang::emulator
