#include "transport/tls_context.hpp"

#include "transport/openssl_facts.hpp"
#include "transport/tls.hpp"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/stat.h>

#include <mutex>
#include <utility>

namespace monarc::transport {
namespace {

// OpenSSL would tidy up at exit, while an exporter of the process may still be sending.
void start_library() {
    static std::once_flag once;
    std::call_once(once, [] { ::OPENSSL_init_ssl(OPENSSL_INIT_NO_ATEXIT, nullptr); });
}

// Of a file that could not be opened the first error says why, the later ones only that.
std::string file_reason() {
    const auto first = ::ERR_peek_error();
    if (!ERR_SYSTEM_ERROR(first)) {
        return last_reason();
    }
    ::ERR_clear_error();
    return std::system_category().message(ERR_GET_REASON(first));
}

// Instead of OpenSSL's own, which asks on the terminal.
int no_passphrase(char*, int, int, void*) {
    return -1;
}

// What both sides want (D-12.2).
bool set_protocol(SSL_CTX* context) noexcept {
    ::SSL_CTX_set_default_passwd_cb(context, no_passphrase);
    ::SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
    return SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) == 1 &&
           ::SSL_CTX_set_cipher_list(context, "ECDHE+AESGCM:ECDHE+CHACHA20") == 1;
}

// Returns: why not.
std::string load_own(SSL_CTX* context, const tls_options& options) {
    if (options.cert_file.empty()) {
        return options.key_file.empty() ? "" : "key_file needs cert_file, which is empty";
    }
    if (::SSL_CTX_use_certificate_chain_file(context, options.cert_file.c_str()) != 1) {
        return fmt::format("cert_file {}: {}", options.cert_file, file_reason());
    }
    const bool is_apart = !options.key_file.empty();
    const auto& key = is_apart ? options.key_file : options.cert_file;
    if (::SSL_CTX_use_PrivateKey_file(context, key.c_str(), SSL_FILETYPE_PEM) != 1) {
        return fmt::format("{} {}: {}", is_apart ? "key_file" : "cert_file", key, file_reason());
    }
    if (::SSL_CTX_check_private_key(context) != 1) {
        return fmt::format("key_file {}: {}", key, last_reason());
    }
    return {};
}

// Returns: why not.
std::string load_trusted(SSL_CTX* context, const tls_options& options) {
    if (!options.verify) {
        ::SSL_CTX_set_verify(context, SSL_VERIFY_NONE, nullptr);
        return {};
    }
    ::SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
    if (options.ca_file.empty()) {
        return ::SSL_CTX_set_default_verify_paths(context) == 1
                   ? ""
                   : fmt::format("the system's certificates: {}", file_reason());
    }
    return ::SSL_CTX_load_verify_file(context, options.ca_file.c_str()) == 1
               ? ""
               : fmt::format(
                     "ca_file {}: {}; it must be PEM of a CA, or empty for the system's store",
                     options.ca_file,
                     file_reason());
}

// Returns: why not.
std::string load_clients(SSL_CTX* context, const std::string& ca_file) {
    if (ca_file.empty()) {
        return {};
    }
    ::SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
    constexpr unsigned char name[] = "monarc"; // whoever resumes a session must be of us, too
    if (::SSL_CTX_load_verify_file(context, ca_file.c_str()) != 1 ||
        ::SSL_CTX_set_session_id_context(context, name, sizeof name) != 1) {
        return fmt::format("ca_file {}: {}", ca_file, file_reason());
    }
    return {};
}

} // namespace

void tls_context::freed::operator()(ssl_ctx_st* context) const noexcept {
    ::SSL_CTX_free(context);
}

tls_context::tls_context() = default;
tls_context::~tls_context() = default;

tls_context::file_stamp tls_context::stamp_of(const std::string& file) noexcept {
    struct stat found {};
    if (file.empty() || ::stat(file.c_str(), &found) != 0) {
        return {};
    }
    return {
        static_cast<std::int64_t>(found.st_dev),
        static_cast<std::int64_t>(found.st_ino),
        found.st_size,
        found.st_mtim.tv_sec,
        found.st_mtim.tv_nsec,
        found.st_ctim.tv_sec,
        found.st_ctim.tv_nsec};
}

tls_context::file_stamps tls_context::stamps_of(const tls_options& options) noexcept {
    return {stamp_of(options.ca_file), stamp_of(options.cert_file), stamp_of(options.key_file)};
}

std::string tls_context::load(const tls_options& options) {
    start_library();
    ::ERR_clear_error();
    const auto stamps = stamps_of(options); // before reading: a later change is seen
    context_ptr fresh(::SSL_CTX_new(::TLS_client_method()));
    if (!fresh || !set_protocol(fresh.get())) {
        return last_reason();
    }
    if (auto wrong = load_trusted(fresh.get(), options); !wrong.empty()) {
        return wrong;
    }
    if (auto wrong = load_own(fresh.get(), options); !wrong.empty()) {
        return wrong;
    }
    own_end_ = end_of(::SSL_CTX_get0_certificate(fresh.get()));
    context_ = std::move(fresh);
    verifies_ = options.verify;
    stamps_ = stamps;
    if (&options != &options_) {
        options_ = options;
    }
    ++generation_;
    return {};
}

std::string tls_context::load_server(const tls_options& options) {
    start_library();
    ::ERR_clear_error();
    context_ptr fresh(::SSL_CTX_new(::TLS_server_method()));
    if (!fresh || !set_protocol(fresh.get())) {
        return last_reason();
    }
    if (options.cert_file.empty()) {
        return "cert_file is empty: a server must show a certificate";
    }
    if (auto wrong = load_own(fresh.get(), options); !wrong.empty()) {
        return wrong;
    }
    if (auto wrong = load_clients(fresh.get(), options.ca_file); !wrong.empty()) {
        return wrong;
    }
    context_ = std::move(fresh);
    ++generation_;
    return {};
}

void tls_context::refresh() {
    if (generation_ == 0) {
        return;
    }
    const auto stamps = stamps_of(options_);
    if (stamps == stamps_) {
        return;
    }
    if (auto wrong = load(options_); !wrong.empty()) {
        stamps_ = stamps; // so that it counts once
        ++failed_reloads_;
        what_ = std::move(wrong);
    }
}

void tls_context::refresh(std::chrono::steady_clock::time_point now) {
    if (now >= next_look_) {
        next_look_ = now + std::chrono::seconds(1);
        refresh();
    }
}

void tls_context::count_failure(std::error_code ec) noexcept {
    const auto kind = ec == tls_errc::bad_certificate ? 0
                      : ec == tls_errc::no_agreement  ? 1
                      : ec == tls_errc::refused       ? 2
                                                      : 3;
    ++failures_[static_cast<std::size_t>(kind)];
}

void tls_context::remember_peer(const tls_session& session) noexcept {
    version_ = session.version();
    peer_end_ = session.peer_end();
}

void tls_context::fill(destination_stats& into, std::chrono::system_clock::time_point wall) const {
    const auto days_until = [&](const seconds_since_1970& end) -> std::optional<std::int64_t> {
        if (!end) {
            return std::nullopt;
        }
        const std::chrono::sys_seconds ends{std::chrono::seconds(*end)};
        return std::chrono::floor<std::chrono::days>(ends - wall).count();
    };
    into.tls_certificate_failures = failures_[0];
    into.tls_agreement_failures = failures_[1];
    into.tls_refused_failures = failures_[2];
    into.tls_broken_failures = failures_[3];
    into.tls_reload_failed = failed_reloads_;
    into.tls_version = version_;
    into.tls_unverified = verifies_ ? 0 : 1;
    into.tls_peer_days = days_until(peer_end_);
    into.tls_own_days = days_until(own_end_);
}

} // namespace monarc::transport
