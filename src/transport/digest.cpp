#include "transport/digest.hpp"

#include <openssl/evp.h>

#include <new>

namespace monarc::transport {

std::array<std::uint8_t, 28> sha224(std::string_view bytes) {
    std::array<std::uint8_t, 28> digest{};
    unsigned size = 0;
    if (::EVP_Digest(bytes.data(), bytes.size(), digest.data(), &size, ::EVP_sha224(), nullptr) !=
            1 ||
        size != digest.size()) {
        throw std::bad_alloc(); // it has no other reason to fail
    }
    return digest;
}

} // namespace monarc::transport
