#pragma once

// The file in which the sink keeps events, one line of JSON each.

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <system_error>

namespace monarc::sink {

class store {
public:
    store() = default;
    ~store();
    store(const store&) = delete;
    store& operator=(const store&) = delete;

    bool is_open() const noexcept { return file_ >= 0; }
    std::uint64_t size_bytes() const noexcept { return size_; }

    // Opens or creates `path`, keeps other sinks out, shows every complete line to `line` (which
    // may read simdjson::SIMDJSON_PADDING bytes behind it), and cuts off what a crash left of a
    // last one.
    //
    // Fails: the system's error; std::errc::device_or_resource_busy if another sink has it;
    //        errc::bad_data if `line` returned false: line_number() is the line.
    std::error_code
    open(const std::string& path, const std::function<bool(std::string_view)>& line);

    std::uint64_t line_number() const noexcept { return lines_; }
    std::uint64_t cut_bytes() const noexcept { return cut_; } ///< Of a torn last line, at open.

    // Hands `lines` to the kernel: from then on they survive the death of this process.
    std::error_code append(std::string_view lines);

    // Takes back what was appended since the size was `size`, also what a failed append left.
    std::error_code cut_back(std::uint64_t size);

private:
    std::error_code read_lines(const std::function<bool(std::string_view)>& line);

    int file_ = -1;
    bool is_regular_ = false; ///< A device such as /dev/full has no size and is not read again.
    bool torn_ = false;       ///< A failed append may have left a piece behind size_.
    std::uint64_t size_ = 0;
    std::uint64_t lines_ = 0;
    std::uint64_t cut_ = 0;
};

} // namespace monarc::sink
