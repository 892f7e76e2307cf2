#pragma once

// What TLS connections trust and show, read from files, and what came of their handshakes.

#include <monarc/options.hpp>
#include <monarc/stats.hpp>

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <system_error>

struct ssl_ctx_st; // OpenSSL's own name, so that its headers stay out of ours

namespace monarc::transport {

class tls_session;

// What connections trust and show. Threads: one.
class tls_context {
public:
    tls_context();
    ~tls_context();
    tls_context(const tls_context&) = delete;
    tls_context& operator=(const tls_context&) = delete;

    // Reads the files of a client. May be called again; what is open keeps what it has.
    // Returns: why not, as `ca_file /path: reason`; then it trusts and shows what it did before.
    std::string load(const tls_options& options);

    // The same for a server: cert_file and key_file are shown; with a ca_file clients must show a
    // certificate of it.
    std::string load_server(const tls_options& options);

    // D-12.4: reads the files again that load() has read if they have changed since; what cannot be
    // used is counted, once a change, and what was there before stays. The second form looks once a
    // second at most.
    void refresh();
    void refresh(std::chrono::steady_clock::time_point now);

    // Grows with each load that succeeds: a connection of an older one is retired (D-12.5).
    std::uint64_t generation() const noexcept { return generation_; }

    // What a handshake came to; connection::secure() tells.
    void count_failure(std::error_code ec) noexcept;
    void remember_peer(const tls_session& session) noexcept;

    // Changes of the files that could not be used, and what was wrong with the last one.
    std::uint64_t failed_reloads() const noexcept { return failed_reloads_; }
    const std::string& what() const noexcept { return what_; }

    // D-12.7. `wall`: now, because certificates have dates.
    void fill(destination_stats& into, std::chrono::system_clock::time_point wall) const;

private:
    friend class tls_session;
    struct freed {
        void operator()(ssl_ctx_st* context) const noexcept;
    };
    using context_ptr = std::unique_ptr<ssl_ctx_st, freed>;
    using seconds_since_1970 = std::optional<std::int64_t>;

    // What tells that a file is another one, or has another content. All zero: it is not there.
    using file_stamp = std::array<std::int64_t, 7>;
    static file_stamp stamp_of(const std::string& file) noexcept;
    using file_stamps = std::array<file_stamp, 3>;
    static file_stamps stamps_of(const tls_options& options) noexcept;

    context_ptr context_;
    bool verifies_ = true;
    tls_options options_;
    file_stamps stamps_{};
    std::chrono::steady_clock::time_point next_look_{};
    std::uint64_t generation_ = 0;
    seconds_since_1970 own_end_;
    seconds_since_1970 peer_end_;
    unsigned version_ = 0; // of the last connection
    std::uint64_t failed_reloads_ = 0;
    std::array<std::uint64_t, 4> failures_{}; // bad_certificate, no_agreement, refused, all else
    std::string what_;
};

} // namespace monarc::transport
