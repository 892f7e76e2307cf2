#include "send/standard_output.hpp"

#include <cerrno>
#include <cstdio>

namespace monarc::send {

std::error_code write_standard_output(std::string_view text) noexcept {
    errno = 0;
    const bool is_taken = std::fwrite(text.data(), 1, text.size(), stdout) == text.size();
    if (is_taken && std::fflush(stdout) == 0) {
        return {};
    }
    return {errno != 0 ? errno : EIO, std::generic_category()};
}

} // namespace monarc::send
