#pragma once

// The file that is sent, or what is piped in.

#include "core/result.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

namespace monarc::send {

class input {
public:
    // "-" is the standard input.
    static result<input> open(const std::string& path);

    input(input&& other) noexcept;
    input& operator=(input&&) = delete;
    ~input();

    // At most `bytes`; 0 at the end. While nothing comes `idle` is called a few times a second;
    // when it says that it is enough: std::errc::interrupted.
    result<std::size_t> read(char* to, std::size_t bytes, const std::function<bool()>& idle);

    std::uint64_t bytes_read() const noexcept { return bytes_read_; }

    // Of a file; a pipe does not say.
    std::optional<std::uint64_t> size() const noexcept { return size_; }

private:
    explicit input(int file, bool is_owned) noexcept : file_(file), is_owned_(is_owned) {}

    int file_;
    bool is_owned_;
    std::uint64_t bytes_read_ = 0;
    std::optional<std::uint64_t> size_{};
};

} // namespace monarc::send
