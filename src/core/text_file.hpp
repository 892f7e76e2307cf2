#pragma once

// Small files that people write: configuration, secrets.

#include <cstddef>
#include <string>

namespace monarc {

struct text_file {
    std::string text;
    std::string wrong; // why it was not read: path and reason; empty if it was
    bool is_readable_by_others = false;
    bool is_writable_by_others = false;
};

// Reads a regular file of at most `max_bytes`. Never blocks on a pipe or a device.
text_file read_text_file(const std::string& path, std::size_t max_bytes);

} // namespace monarc
