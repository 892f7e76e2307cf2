#pragma once

/// A text that must not be seen.

#include <monarc/api.hpp>

#include <cstddef>
#include <string_view>
#include <utility>

namespace monarc {

/// A password, key or token. Cannot be formatted or written to a stream, so that no log line can
/// hold it. Its bytes lie in a page that core dumps leave out, and are wiped when it is destroyed
/// or assigned to.
///
/// Fails:   what makes one of a text throws std::bad_alloc.
class MONARC_API secret {
public:
    secret() noexcept = default;
    explicit secret(std::string_view text);
    secret(const secret& other) : secret(other.reveal()) {}
    secret(secret&& other) noexcept
        : bytes_(std::exchange(other.bytes_, nullptr)), size_(std::exchange(other.size_, 0)) {}
    secret& operator=(secret other) noexcept {
        std::swap(bytes_, other.bytes_);
        std::swap(size_, other.size_);
        return *this;
    }
    ~secret() { wipe(); }

    /// The value of the environment variable; empty if it is not set.
    static secret from_env(const char* name);

    bool is_empty() const noexcept { return size_ == 0; }

    /// The text itself, to be sent. Valid until the secret changes.
    std::string_view reveal() const noexcept {
        return bytes_ != nullptr ? std::string_view(bytes_, size_) : std::string_view("");
    }

    friend bool operator==(const secret& a, const secret& b) noexcept {
        return a.reveal() == b.reveal();
    }

private:
    void wipe() noexcept;

    char* bytes_ = nullptr; // at the beginning of pages of its own; null: empty
    std::size_t size_ = 0;
};

} // namespace monarc
