#include "rest/name_servers.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>

#include "rest/ares_channel.h"
#include "support/text.h"

namespace defang::rest {
namespace {

constexpr std::size_t kHeaderSize = 12;  // RFC 1035, 4.1.1
constexpr unsigned kClassInternet = 1;

struct Type {
  std::string_view name;
  int number;
};
constexpr auto kTypes =
    std::to_array<Type>({{"A", 1}, {"AAAA", 28}, {"CAA", 257}, {"CNAME", 5}, {"NS", 2}, {"SOA", 6}, {"TXT", 16}});

int number_of(std::string_view type) {
  const auto row = std::ranges::find(kTypes, type, &Type::name);
  return row == kTypes.end() ? 255 : row->number;
}

/// Walks through a message; `good` turns false where it ends too early.
class Reader {
 public:
  explicit Reader(const std::string& message) : message_(message) {}
  bool good = true;
  std::size_t at = kHeaderSize;

  unsigned number(int bytes) {
    unsigned value = 0;
    for (; bytes > 0; --bytes) value = value << 8 | static_cast<unsigned char>(take(1).empty() ? '\0' : last_);
    return value;
  }
  std::string take(std::size_t size) {
    if (at + size > message_.size()) good = false;
    if (!good) return {};
    at += size;
    if (size > 0) last_ = message_[at - 1];
    return message_.substr(at - size, size);
  }
  std::string name() {
    char* text = nullptr;
    long length = 0;
    const auto* bytes = reinterpret_cast<const unsigned char*>(message_.data());
    if (!good || at >= message_.size() ||
        ares_expand_name(bytes + at, bytes, static_cast<int>(message_.size()), &text, &length) != ARES_SUCCESS) {
      good = false;
      return {};
    }
    std::string name = to_lower(text);
    ares_free_string(text);
    at += static_cast<std::size_t>(length);
    return name;
  }

 private:
  const std::string& message_;
  char last_ = 0;
};

std::string address_of(int family, const std::string& bytes) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  return inet_ntop(family, bytes.data(), text.data(), text.size()) != nullptr ? text.data() : "";
}

std::string value_of(std::string_view type, Reader reader, std::size_t size) {
  const std::size_t end = reader.at + size;
  if (type == "A" && size == 4) return address_of(AF_INET, reader.take(4));
  if (type == "AAAA" && size == 16) return address_of(AF_INET6, reader.take(16));
  if (type == "CNAME" || type == "NS") return reader.name();
  std::string text;
  if (type == "TXT")
    while (reader.good && reader.at < end) text += reader.take(reader.number(1));
  if (type == "CAA") {
    reader.number(1);  // flags
    text = to_lower(reader.take(reader.number(1)));
    if (reader.good && reader.at <= end) text += " " + reader.take(end - reader.at);
  }
  return text;
}

std::vector<DnsRecord> read_records(Reader& reader, unsigned count) {
  std::vector<DnsRecord> records;
  for (; reader.good && count > 0; --count) {
    DnsRecord record{.name = reader.name()};
    const unsigned type = reader.number(2), record_class = reader.number(2);
    record.ttl_seconds = reader.number(4);
    const std::size_t size = reader.number(2);
    const auto row = std::ranges::find(kTypes, static_cast<int>(type), &Type::number);
    if (reader.good && row != kTypes.end() && record_class == kClassInternet) {
      record.type = row->name;
      record.value = value_of(row->name, reader, size);
      records.push_back(std::move(record));
    }
    reader.take(size);
  }
  return records;
}

struct Received {
  bool done = false;
  int status = ARES_SUCCESS;
  std::string message;
};

void take_message(void* to, int status, int, unsigned char* bytes, int size) {
  auto& received = *static_cast<Received*>(to);
  received.done = true;
  received.status = status;
  if (bytes != nullptr) received.message.assign(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size));
}

class CAresServers final : public NameServers {
 public:
  explicit CAresServers(const std::string& resolver) : resolver_(resolver) {
    const auto colon = resolver.rfind(':');
    if (colon != std::string::npos) port_ = resolver.substr(colon);
  }

  Result<DnsAnswer> resolve(const std::string& name, const std::string& type, std::stop_token stop) override {
    return query(resolver_, 0, name, type, stop);
  }
  Result<DnsAnswer> ask(const std::string& address, const std::string& name, const std::string& type,
                        std::stop_token stop) override {
    const bool bracketed = address.contains(':') && !port_.empty();
    return query((bracketed ? "[" + address + "]" : address) + port_, ARES_FLAG_NORECURSE, name, type, stop);
  }

 private:
  static Result<DnsAnswer> query(const std::string& server, int flags, const std::string& name, const std::string& type,
                                 const std::stop_token& stop) {
    ares_options options{};
    options.timeout = 2000;
    options.tries = 2;
    options.flags = flags | ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES;
    AresChannel channel(options, ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_FLAGS);
    const auto silent = [&](int status) {
      return fail(
          Error{.kind = Error::Kind::unreachable,
                .code = "dns-no-answer",
                .message = fmt::format("name server {} does not answer for {} of `{}`: {}",
                                       server.empty() ? "of this machine" : server, type, name, ares_strerror(status)),
                .help = "check the network and /etc/resolv.conf; UDP and TCP port 53 must be open"});
    };
    if (channel.status() != ARES_SUCCESS) return silent(channel.status());
    if (!server.empty())
      if (const int status = ares_set_servers_ports_csv(channel.get(), server.c_str()); status != ARES_SUCCESS)
        return silent(status);
    Received received;
    ares_query(channel.get(), name.c_str(), kClassInternet, number_of(type), take_message, &received);
    channel.wait(received.done, stop);
    if (stop.stop_requested()) return stopped();
    if (auto answer = parse_dns_message(received.message)) return std::move(*answer);
    // c-ares asks the next server when one refuses, and keeps the last one's words to itself.
    if (received.status == ARES_EREFUSED || received.status == ARES_ESERVFAIL || received.status == ARES_ENOTIMP)
      return DnsAnswer{.code = DnsAnswer::Code::failed, .answers = {}, .authority = {}};
    return silent(received.status);
  }

  std::string resolver_, port_;
};

}  // namespace

std::optional<DnsAnswer> parse_dns_message(const std::string& message) {
  if (message.size() < kHeaderSize) return std::nullopt;
  Reader reader(message);
  reader.at = 2;
  const unsigned flags = reader.number(2), questions = reader.number(2), answers = reader.number(2),
                 authority = reader.number(2);
  reader.at = kHeaderSize;
  for (unsigned i = 0; i < questions; ++i) {
    reader.name();
    reader.take(4);
  }
  DnsAnswer answer;
  const unsigned code = flags & 15;
  answer.code = code == 0   ? DnsAnswer::Code::no_error
                : code == 3 ? DnsAnswer::Code::name_error
                            : DnsAnswer::Code::failed;
  answer.authoritative = (flags & 0x0400) != 0;
  answer.answers = read_records(reader, answers);
  answer.authority = read_records(reader, authority);
  return reader.good ? std::optional(std::move(answer)) : std::nullopt;
}

std::unique_ptr<NameServers> make_name_servers(const std::string& resolver) {
  return std::make_unique<CAresServers>(resolver);
}

}  // namespace defang::rest
