#pragma once

// A Monasca API over HTTP: one request at a time on each of a few connections, that are kept for a
// moment (monasca-api.md section 5).

#include "destinations/destination.hpp"
#include "destinations/monasca_wire.hpp"
#include "transport/connection.hpp"
#include "transport/resolver.hpp"
#include "transport/tls.hpp"
#include "transport/url.hpp"

#include <monarc/options.hpp>

#include <boost/asio/any_io_executor.hpp>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

namespace monarc::destinations {

class monasca final : public destination {
public:
    static constexpr std::size_t max_connections = 4;

    struct settings {
        monasca_options options;
        tls_options tls;
        std::chrono::milliseconds response_timeout;
        std::chrono::milliseconds max_retry_after;
    };

    // `descriptors`: where the numbers of the open sockets stand, one for each connection.
    // Fails: throws std::system_error(errc::bad_options) for a URL that is none, and for TLS files
    // that cannot be used.
    monasca(
        boost::asio::any_io_executor executor,
        const settings& s,
        std::span<std::atomic<int>, max_connections> descriptors);
    ~monasca() override;

    std::string_view name() const noexcept override { return "monasca"; }
    payload encode(const measurement_batch& batch, std::chrono::steady_clock::time_point now) {
        return wire_.encode(batch, now); // no I/O
    }
    boost::asio::awaitable<outcome> send(std::shared_ptr<const payload> p) override;
    result<std::array<payload, 2>> split(const payload& p) override { return wire_.split(p); }
    result<payload> plain(const payload& p) override { return wire_.plain(p); }
    void abandon() noexcept override;
    std::uint64_t connections() const noexcept override { return connections_; }
    const transport::tls_context* tls() const noexcept override {
        return url_.is_tls ? &tls_ : nullptr;
    }

    const monasca_wire& wire() const noexcept { return wire_; }

private:
    // A connection with what is known of it.
    struct line {
        std::shared_ptr<transport::connection> stream;
        std::atomic<int>* descriptor = nullptr;
        bool is_busy = false;
        std::chrono::steady_clock::time_point idle_since{};
    };

    // However an attempt ends.
    class line_in_use {
    public:
        explicit line_in_use(line& on) noexcept : on_(on) { on_.is_busy = true; }
        ~line_in_use() {
            on_.is_busy = false;
            on_.idle_since = std::chrono::steady_clock::now();
        }
        line_in_use(const line_in_use&) = delete;
        line_in_use& operator=(const line_in_use&) = delete;

    private:
        line& on_;
    };

    line* free_line() noexcept;
    boost::asio::awaitable<outcome> connect(line& on);
    boost::asio::awaitable<outcome> attempt(line& on, std::shared_ptr<const payload> p);

    boost::asio::any_io_executor executor_;
    std::chrono::milliseconds response_timeout_;
    transport::http_url url_;
    transport::tls_context tls_;
    secret request_head_; // up to the length of the body
    monasca_wire wire_;
    transport::resolver resolver_;
    std::array<line, max_connections> lines_;
    bool is_abandoned_ = false;
    std::uint64_t connections_ = 0;
};

} // namespace monarc::destinations
