#include "transport/http_date.hpp"

#include <monarc/error.hpp>

#include <time.h>

#include <string>

namespace monarc::transport {

result<std::int64_t> read_http_date(std::string_view text) {
    constexpr std::string_view example = "Sun, 06 Nov 1994 08:49:37 GMT";
    const std::string copy(text);
    if (copy.size() != example.size()) {
        return errc::bad_data;
    }
    tm parts{};
    const char* const end = ::strptime(copy.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
    if (end == nullptr || *end != '\0') {
        return errc::bad_data;
    }
    return static_cast<std::int64_t>(::timegm(&parts));
}

} // namespace monarc::transport
