#pragma once

// A Monasca API over HTTP: one request at a time on each of a few connections, that are kept for a
// moment (monasca-api.md section 5), with a token that is given or Keystone's.

#include "auth/keystone_access.hpp"
#include "destinations/destination.hpp"
#include "destinations/monasca_wire.hpp"
#include "transport/http_peer.hpp"
#include "transport/tls.hpp"
#include "transport/url.hpp"

#include <monarc/options.hpp>

#include <boost/asio/any_io_executor.hpp>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <string_view>

namespace monarc::destinations {

class monasca final : public destination {
public:
    static constexpr std::size_t max_connections = 4;
    static constexpr std::size_t max_descriptors = max_connections + 1; // Keystone's is the last

    struct settings {
        monasca_options options;
        tls_options tls;
        std::chrono::milliseconds response_timeout;
        std::chrono::milliseconds max_retry_after;
        std::function<void(log_level, std::string_view)> say; // what is about no payload
    };

    // `descriptors`: where the numbers of the open sockets stand, one for each connection.
    // Fails: throws std::system_error(errc::bad_options) for a URL that is none, and for TLS files
    // that cannot be used.
    monasca(
        boost::asio::any_io_executor executor,
        const settings& s,
        std::span<std::atomic<int>, max_descriptors> descriptors,
        std::mt19937_64& random);
    ~monasca() override;

    std::string_view name() const noexcept override { return "monasca"; }
    payload encode(const measurement_batch& batch, std::chrono::steady_clock::time_point now) {
        return wire_.encode(batch, now); // no I/O
    }
    boost::asio::awaitable<outcome> send(std::shared_ptr<const payload> p) override;
    result<std::array<payload, 2>> split(const payload& p) override { return wire_.split(p); }
    result<payload> plain(const payload& p) override { return wire_.plain(p); }
    void retry_now() noexcept override;
    void cut_backoff() noexcept override;
    void abandon() noexcept override;
    std::uint64_t connections() const noexcept override;
    const transport::tls_context* tls() const noexcept override {
        return uses_tls_ ? &tls_ : nullptr;
    }

    const monasca_wire& wire() const noexcept { return wire_; }
    // Of Keystone and of the API.
    std::uint64_t retry_after_bad() const noexcept {
        return wire_.counts().retry_after_bad + (keystone_ ? keystone_->wishes().bad() : 0);
    }
    std::uint64_t retry_after_clamped() const noexcept {
        return wire_.counts().retry_after_clamped + (keystone_ ? keystone_->wishes().clamped() : 0);
    }
    std::uint64_t logins() const noexcept { return keystone_ ? keystone_->logins() : 0; }
    std::uint64_t failed_logins() const noexcept {
        return keystone_ ? keystone_->failed_logins() : 0;
    }

private:
    // A connection with what is known of it.
    struct line {
        std::optional<transport::http_peer> peer;
        bool is_busy = false;
        std::chrono::steady_clock::time_point idle_since{};
    };
    // Where to send, and what stands above the body but for its encoding and length.
    struct address {
        std::uint64_t generation = 0; // of the token; 0: it is given
        transport::http_url url{};
        secret token{};
        secret head{};
    };
    struct addressed {
        std::shared_ptr<const address> to; // null: there is no token
        outcome failed{};
    };

    std::shared_ptr<const address>
    address_of(const transport::http_url& url, const secret& token, std::uint64_t generation) const;
    boost::asio::awaitable<addressed> find_address();
    boost::asio::awaitable<outcome> attempt(line& on, std::shared_ptr<const payload> p);
    outcome judge(transport::http_answer answer, const address& to, const exchange_facts& how);
    line* free_line() noexcept;

    monasca_options options_;
    transport::tls_context tls_;
    bool uses_tls_ = false; // or may have to, as the catalogue says
    std::optional<auth::keystone_access> keystone_;
    std::shared_ptr<const address> address_; // the one of now
    monasca_wire wire_;
    std::array<line, max_connections> lines_;
    bool is_abandoned_ = false;
};

} // namespace monarc::destinations
