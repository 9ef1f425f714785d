#include "rest/http_date.h"

#include "support/text.h"

namespace defang::rest {

std::optional<std::chrono::seconds> from_http_date(std::string_view text) {
  using namespace std::chrono;
  static constexpr std::string_view kMonths = "JanFebMarAprMayJunJulAugSepOctNovDec";
  constexpr std::string_view shape = "Wed, 21 Oct 2015 07:28:00 GMT";
  if (text.size() != shape.size() || !text.ends_with(" GMT")) return std::nullopt;
  const auto month = kMonths.find(text.substr(8, 3));
  const auto number = [&](std::size_t at, std::size_t size) { return to_number(text.substr(at, size)); };
  const auto date = number(5, 2), in = number(12, 4), hour = number(17, 2), minute = number(20, 2),
             second = number(23, 2);
  if (month == std::string_view::npos || month % 3 != 0 || !date || !in || !hour || !minute || !second)
    return std::nullopt;
  const year_month_day whole{year(static_cast<int>(*in)), std::chrono::month(static_cast<unsigned>(month / 3 + 1)),
                             day(static_cast<unsigned>(*date))};
  if (!whole.ok() || *hour > 23 || *minute > 59 || *second > 60) return std::nullopt;
  return sys_days(whole).time_since_epoch() + hours(*hour) + minutes(*minute) + seconds(*second);
}

}  // namespace defang::rest
