#include <monarc/secret.hpp>

#include <string.h>
#include <sys/mman.h>

#include <cstdlib>
#include <cstring>
#include <new>

namespace monarc {

// D-11.8. A system that cannot leave pages out of core dumps is no reason to do without a password.
secret::secret(std::string_view text) {
    if (text.empty()) {
        return;
    }
    void* const pages =
        ::mmap(nullptr, text.size(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED) {
        throw std::bad_alloc();
    }
    ::madvise(pages, text.size(), MADV_DONTDUMP);
    bytes_ = static_cast<char*>(pages);
    size_ = text.size();
    std::memcpy(bytes_, text.data(), size_);
}

secret secret::from_env(const char* name) {
    const char* const text = std::getenv(name);
    return text != nullptr ? secret(text) : secret();
}

void secret::wipe() noexcept {
    if (bytes_ != nullptr) {
        ::explicit_bzero(bytes_, size_);
        ::munmap(bytes_, size_);
    }
}

} // namespace monarc
