#include "support/certificates.hpp"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <atomic>
#include <stdexcept>

namespace monarc::support {
namespace {

template <auto Free>
struct freed {
    template <class T>
    void operator()(T* made) const noexcept {
        Free(made);
    }
};
using key_pair = std::unique_ptr<EVP_PKEY, freed<&::EVP_PKEY_free>>;
using x509 = std::unique_ptr<X509, freed<&::X509_free>>;
using bio = std::unique_ptr<BIO, freed<&::BIO_free>>;

void check(bool is_done, const char* what) {
    if (!is_done) {
        throw std::runtime_error(std::string("certificates: ") + what);
    }
}

std::string text_of(BIO* from) {
    char* bytes = nullptr;
    const long size = BIO_get_mem_data(from, &bytes);
    return {bytes, static_cast<std::size_t>(size)};
}

std::string pem_of(X509* certificate) {
    const bio out(::BIO_new(::BIO_s_mem()));
    check(::PEM_write_bio_X509(out.get(), certificate) == 1, "PEM");
    return text_of(out.get());
}

std::string pem_of(EVP_PKEY* key) {
    const bio out(::BIO_new(::BIO_s_mem()));
    check(
        ::PEM_write_bio_PrivateKey(out.get(), key, nullptr, nullptr, 0, nullptr, nullptr) == 1,
        "PEM");
    return text_of(out.get());
}

void add(X509* to, X509* issuer, int what, const std::string& value) {
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    ::X509V3_set_ctx(&context, issuer, to, nullptr, nullptr, 0);
    auto* const extension = ::X509V3_EXT_conf_nid(nullptr, &context, what, value.c_str());
    check(extension != nullptr && ::X509_add_ext(to, extension, -1) == 1, value.c_str());
    ::X509_EXTENSION_free(extension);
}

// Not signed yet. `issuer`: itself if null.
x509 make(const certificate_wish& wish, EVP_PKEY* key, X509* issuer) {
    static std::atomic<long> serial{1};
    x509 made(::X509_new());
    ::X509_set_version(made.get(), 2);
    ::ASN1_INTEGER_set(::X509_get_serialNumber(made.get()), serial++);
    ::X509_gmtime_adj(X509_getm_notBefore(made.get()), wish.begins.count());
    ::X509_gmtime_adj(X509_getm_notAfter(made.get()), wish.ends.count());
    ::X509_set_pubkey(made.get(), key);
    auto* const name = ::X509_get_subject_name(made.get());
    ::X509_NAME_add_entry_by_txt(
        name,
        "CN",
        MBSTRING_UTF8,
        reinterpret_cast<const unsigned char*>(wish.name.data()),
        static_cast<int>(wish.name.size()),
        -1,
        0);
    ::X509_set_issuer_name(made.get(), issuer != nullptr ? ::X509_get_subject_name(issuer) : name);
    return made;
}

} // namespace

struct certificate_authority::parts {
    key_pair key;
    x509 certificate;
};

certificate_authority::certificate_authority(std::string_view name)
    : parts_(std::make_unique<parts>()) {
    parts_->key.reset(EVP_EC_gen("P-256"));
    check(parts_->key != nullptr, "key");
    parts_->certificate = make({.name = std::string(name)}, parts_->key.get(), nullptr);
    auto* const made = parts_->certificate.get();
    add(made, made, NID_basic_constraints, "critical,CA:TRUE");
    add(made, made, NID_key_usage, "critical,keyCertSign,cRLSign");
    add(made, made, NID_subject_key_identifier, "hash");
    check(::X509_sign(made, parts_->key.get(), ::EVP_sha256()) > 0, "signature");
    certificate_ = pem_of(made);
}

certificate_authority::~certificate_authority() = default;

issued_certificate certificate_authority::issue(const certificate_wish& wish) const {
    const key_pair key(EVP_EC_gen("P-256"));
    auto* const issuer = parts_->certificate.get();
    const auto made = make(wish, key.get(), issuer);
    std::string names;
    for (const auto& host : wish.hosts) {
        names += (names.empty() ? "DNS:" : ",DNS:") + host;
    }
    for (const auto& address : wish.addresses) {
        names += (names.empty() ? "IP:" : ",IP:") + address;
    }
    if (!names.empty()) {
        add(made.get(), issuer, NID_subject_alt_name, names);
    }
    add(made.get(), issuer, NID_authority_key_identifier, "keyid");
    check(::X509_sign(made.get(), parts_->key.get(), ::EVP_sha256()) > 0, "signature");
    return {pem_of(made.get()), pem_of(key.get())};
}

} // namespace monarc::support
