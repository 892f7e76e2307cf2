#include "compress/inflate.hpp"

#include <monarc/error.hpp>

#include <zlib.h>

#include <algorithm>
#include <limits>
#include <new>
#include <system_error>

namespace monarc::compress {
namespace {

constexpr std::size_t step_bytes = 64 * 1024;

class stream {
public:
    stream() noexcept {
        constexpr int gzip_only =
            15 + 16; // not "detect": zlib's own format is refused, as Fluentd does
        ready_ = inflateInit2(&z_, gzip_only) == Z_OK;
    }
    ~stream() {
        if (ready_)
            inflateEnd(&z_);
    }
    stream(const stream&) = delete;
    stream& operator=(const stream&) = delete;

    bool is_ready() const noexcept { return ready_; }
    z_stream& operator*() noexcept { return z_; }

private:
    z_stream z_{};
    bool ready_ = false;
};

// The most that `packed_bytes` may become. One more than this is refused.
std::size_t max_inflated(std::size_t packed_bytes, const inflate_limits& limits) noexcept {
    constexpr auto max = std::numeric_limits<std::size_t>::max();
    const bool overflows = limits.max_ratio != 0 && packed_bytes > max / limits.max_ratio;
    const auto by_ratio = overflows ? max : packed_bytes * limits.max_ratio;
    const auto allowed = by_ratio > max - limits.free_bytes ? max : by_ratio + limits.free_bytes;
    return std::min(limits.max_bytes, allowed);
}

result<std::string> inflate_members(std::string_view gz, std::size_t max_bytes) {
    stream members;
    if (!members.is_ready())
        return std::make_error_code(std::errc::not_enough_memory);
    z_stream& z = *members;
    z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(gz.data()));
    z.avail_in = static_cast<uInt>(gz.size());

    std::string out;
    char step[step_bytes];
    while (true) {
        z.next_out = reinterpret_cast<Bytef*>(step);
        z.avail_out = step_bytes;
        const int rc = ::inflate(&z, Z_NO_FLUSH);
        const std::size_t got = step_bytes - z.avail_out;
        if (got > max_bytes - out.size())
            return errc::too_large;
        out.append(step, got);

        if (rc == Z_STREAM_END) {
            if (z.avail_in == 0)
                return out;
            inflateReset(&z); // whatever follows has to be another member
            continue;
        }
        if (rc == Z_MEM_ERROR)
            return std::make_error_code(std::errc::not_enough_memory);
        const bool cut_off = z.avail_in == 0 && z.avail_out != 0;
        if (rc != Z_OK || cut_off)
            return errc::bad_data;
    }
}

} // namespace

result<std::string> inflate(std::string_view gz, const inflate_limits& limits) {
    if (gz.empty())
        return std::string();
    if (gz.size() > std::numeric_limits<uInt>::max())
        return errc::too_large;
    try {
        return inflate_members(gz, max_inflated(gz.size(), limits));
    } catch (const std::bad_alloc&) {
        return std::make_error_code(std::errc::not_enough_memory);
    }
}

} // namespace monarc::compress
