#include "transport/digest.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <sys/random.h>

#include <array>
#include <cerrno>
#include <memory>
#include <new>

namespace monarc::transport {

std::string sha512_hex(std::initializer_list<std::string_view> parts) {
    const std::unique_ptr<EVP_MD_CTX, decltype(&::EVP_MD_CTX_free)> digest(
        ::EVP_MD_CTX_new(), ::EVP_MD_CTX_free);
    std::array<unsigned char, 64> out{};
    bool is_good = digest && ::EVP_DigestInit_ex(digest.get(), ::EVP_sha512(), nullptr) == 1;
    for (const auto part : parts) {
        is_good = is_good && ::EVP_DigestUpdate(digest.get(), part.data(), part.size()) == 1;
    }
    if (!is_good || ::EVP_DigestFinal_ex(digest.get(), out.data(), nullptr) != 1) {
        throw std::bad_alloc();
    }
    return to_hex({reinterpret_cast<const char*>(out.data()), out.size()});
}

std::array<std::uint8_t, 28> sha224(std::string_view bytes) {
    std::array<std::uint8_t, 28> digest{};
    const auto is_good =
        ::EVP_Digest(bytes.data(), bytes.size(), digest.data(), nullptr, ::EVP_sha224(), nullptr) ==
        1;
    if (!is_good) {
        throw std::bad_alloc();
    }
    return digest;
}

bool is_same_secret(std::string_view a, std::string_view b) noexcept {
    return a.size() == b.size() && ::CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

std::string random_bytes(std::size_t count) {
    std::string bytes(count, '\0');
    std::size_t have = 0;
    while (have < count) {
        const auto got = ::getrandom(bytes.data() + have, count - have, 0);
        if (got < 0 && errno != EINTR) {
            throw std::bad_alloc();
        }
        have += got > 0 ? static_cast<std::size_t>(got) : 0;
    }
    return bytes;
}

std::string to_hex(std::string_view bytes) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string hex;
    hex.reserve(2 * bytes.size());
    for (const char c : bytes) {
        const auto byte = static_cast<unsigned char>(c);
        hex += digits[byte >> 4];
        hex += digits[byte & 15];
    }
    return hex;
}

} // namespace monarc::transport
