#pragma once

/// A text that must not be seen.

#include <monarc/api.hpp>

#include <string>
#include <string_view>
#include <utility>

namespace monarc {

/// A password, key or token. Cannot be formatted or written to a stream, so that no log line can
/// hold it; its bytes are wiped when it is destroyed or assigned to.
class MONARC_API secret {
public:
    secret() noexcept = default;
    explicit secret(std::string_view text) : text_(text) {}
    secret(const secret& other) = default;
    secret(secret&& other) noexcept : text_(other.text_) { other.wipe(); }
    secret& operator=(secret other) noexcept {
        wipe();
        text_.swap(other.text_);
        return *this;
    }
    ~secret() { wipe(); }

    /// The value of the environment variable; empty if it is not set.
    static secret from_env(const char* name);

    bool is_empty() const noexcept { return text_.empty(); }

    /// The text itself, to be sent. Valid until the secret changes.
    std::string_view reveal() const noexcept { return text_; }

    friend bool operator==(const secret& a, const secret& b) noexcept = default;

private:
    void wipe() noexcept;

    std::string text_;
};

} // namespace monarc
