#pragma once

// Mona's REST interface over HTTP: one request at a time on a connection that is kept for a moment,
// with a token of mona_tokens.

#include "auth/mona_tokens.hpp"
#include "destinations/destination.hpp"
#include "destinations/mona_rest_wire.hpp"
#include "transport/http_peer.hpp"
#include "transport/tls.hpp"

#include <monarc/options.hpp>

#include <boost/asio/any_io_executor.hpp>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace monarc::destinations {

// Whether anything goes over TLS, as far as the options say.
bool uses_tls(const mona_rest_options& options);

class mona_rest final : public destination {
public:
    struct settings {
        mona_rest_options options;
        tls_options tls;
        std::chrono::milliseconds response_timeout;
        std::chrono::milliseconds max_retry_after;
        std::function<double()> uniform; // in [0, 1)
        auth::say_function say;          // what is about no payload
    };

    // `exports`, `logins`: where the numbers of the open sockets stand.
    // Fails: throws std::system_error(errc::bad_options) for a URL that is none, and for TLS files
    // that cannot be used.
    mona_rest(
        boost::asio::any_io_executor executor,
        const settings& s,
        std::atomic<int>& exports,
        std::atomic<int>& logins);
    ~mona_rest() override;

    std::string_view name() const noexcept override { return "mona_rest"; }
    result<payload> encode(const rest_batch& batch) { // no I/O
        return wire_.encode(batch, tokens_.user_id(), options_.gzip && takes_gzip_);
    }
    boost::asio::awaitable<outcome> send(std::shared_ptr<const payload> p) override;
    result<std::array<payload, 2>> split(const payload& p) override { return wire_.split(p); }
    result<payload> plain(const payload& p) override { return wire_.plain(p); }
    void retry_now() noexcept override { tokens_.retry_now(); }
    void cut_backoff() noexcept override { tokens_.cut_backoff(); }
    void abandon() noexcept override;
    std::uint64_t connections() const noexcept override { return exports_.connections(); }
    const transport::tls_context* tls() const noexcept override {
        return tls_.generation() != 0 ? &tls_ : nullptr;
    }

    // Where exports go, once the user is known.
    struct address {
        std::string url;
        std::string user_id;
    };
    boost::asio::awaitable<result<address>> sign_in();

    // Of the token service and of the exports.
    std::uint64_t retry_after_bad() const noexcept {
        return wire_.wishes().bad() + tokens_.wishes().bad();
    }
    std::uint64_t retry_after_clamped() const noexcept {
        return wire_.wishes().clamped() + tokens_.wishes().clamped();
    }

    mona_rest_wire& wire() noexcept { return wire_; }
    const mona_rest_wire& wire() const noexcept { return wire_; }
    const auth::mona_tokens& tokens() const noexcept { return tokens_; }

private:
    boost::asio::awaitable<outcome> attempt(std::shared_ptr<const payload> p);
    void learn(const outcome& result, const payload& p);

    mona_rest_options options_;
    auth::say_function say_;
    transport::tls_context tls_;
    mona_rest_wire wire_;
    auth::mona_tokens tokens_;
    transport::http_peer exports_;
    bool takes_gzip_ = true;
    bool was_asked_for_plain_ = false;
    bool is_abandoned_ = false;
};

} // namespace monarc::destinations
