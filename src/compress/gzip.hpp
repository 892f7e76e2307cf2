#pragma once

// gzip (RFC 1952) by whichever codec was compiled in, always at level 1: higher levels buy under 15
// % of size for 1.2 to 3 times the time (design/hot-path.md, section 2).

#include "core/result.hpp"

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace monarc::compress {

enum class codec { isal, libdeflate, zlib };

// What this build can do, best first. Never empty: zlib is always there.
std::span<const codec> codecs() noexcept;

std::string_view name(codec which) noexcept;

// Writes one gzip member after the other with state that is allocated once, at the first append.
//
// Threads: one at a time.
class gzip_writer {
public:
    explicit gzip_writer(codec which = codecs().front()) noexcept;
    ~gzip_writer();
    gzip_writer(const gzip_writer&) = delete;
    gzip_writer& operator=(const gzip_writer&) = delete;

    codec which() const noexcept { return codec_; }

    // Appends one member (mtime 0, no name) that holds `bytes` to what `out` already holds.
    //
    // Returns: how many bytes were appended.
    // Fails:   std::errc::not_enough_memory; errc::too_large beyond 1 GiB; std::errc::not_supported
    // for a
    //          codec that is not in codecs(). `out` is then as it was, and the writer can be used
    //          again.
    result<std::size_t> append(std::string_view bytes, std::string& out);

private:
    struct state;

    codec codec_;
    std::unique_ptr<state> state_;
};

// One member in a string of its own: for tests and benchmarks, which need no state.
result<std::string> gzip(codec which, std::string_view bytes);

} // namespace monarc::compress
