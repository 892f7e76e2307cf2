#include <monarc/secret.hpp>

#include <string.h>

#include <cstdlib>

namespace monarc {

secret secret::from_env(const char* name) {
    const char* const text = std::getenv(name);
    return text != nullptr ? secret(text) : secret();
}

void secret::wipe() noexcept {
    // Up to the capacity: what a shorter text left behind is wiped as well.
    ::explicit_bzero(text_.data(), text_.capacity());
    text_.clear();
}

} // namespace monarc
