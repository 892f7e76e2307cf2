#pragma once

// The token of one exporter (D-11): had when it is first needed, replaced before its end, by a
// refresh token or a new login; one of these at a time.

#include "auth/mona_login.hpp"
#include "auth/refresh_log.hpp"
#include "auth/token_life.hpp"
#include "core/outcome.hpp"
#include "transport/http_peer.hpp"
#include "transport/retry_after.hpp"
#include "transport/tls.hpp"
#include "transport/url.hpp"

#include <monarc/options.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

namespace monarc::auth {

// Threads: the I/O thread only.
class mona_tokens {
public:
    struct settings {
        mona_rest_options options;
        std::chrono::milliseconds response_timeout;
        std::chrono::milliseconds max_retry_after{300'000};
        std::function<double()> uniform; // in [0, 1)
        say_function say;                // of tokens that could not be replaced
    };

    // Fails: throws std::system_error(errc::bad_options) for a URL that is none.
    mona_tokens(
        const boost::asio::any_io_executor& executor,
        transport::tls_context& tls,
        std::atomic<int>& descriptor,
        const settings& s);
    ~mona_tokens();

    // Returns: why there is none, as the outcome of an attempt; nothing if there is one, or if none
    // is needed.
    boost::asio::awaitable<std::optional<outcome>> wait();

    const secret& token() const noexcept { return token_; }
    std::uint64_t generation() const noexcept { return life_.generation(); }
    // As the options say, or as the token does. Empty: not known yet.
    const std::string& user_id() const noexcept { return user_id_; }

    // What the peer said to a token of that generation. refused: as token_life's; if false, nothing
    // is to be sent before time_to_login() is over.
    bool refused(std::uint64_t generation);
    std::chrono::milliseconds time_to_login(std::chrono::steady_clock::time_point now) const;
    void accepted(std::uint64_t generation) noexcept { life_.accepted(generation); }

    void retry_now() noexcept;
    void abandon() noexcept;

    std::uint64_t logins() const noexcept { return logins_; }
    std::uint64_t failed_logins() const noexcept { return failed_logins_; }
    const transport::retry_wishes& wishes() const noexcept { return wishes_; }

private:
    void begin();
    boost::asio::awaitable<void> replace();
    boost::asio::awaitable<mona_login_answer>
    ask(transport::http_url where, secret body, std::string_view type);
    boost::asio::awaitable<void> pause(std::chrono::milliseconds longest);
    void take(mona_login_answer&& got);
    outcome failed_outcome(std::chrono::steady_clock::time_point now) const;

    boost::asio::any_io_executor executor_;
    mona_rest_options options_;
    bool logs_in_;
    std::function<double()> uniform_;
    transport::http_url login_;
    transport::http_url refresh_;
    transport::http_peer peer_;
    boost::asio::steady_timer ended_; // whoever waits for a login that runs
    boost::asio::steady_timer pause_; // between two attempts of one
    token_life life_;
    transport::retry_wishes wishes_;
    refresh_log log_;
    secret token_;
    secret refresh_token_;
    std::string user_id_;
    failure failed_as_ = failure::throttle;
    std::string why_; // the last one failed
    bool is_abandoned_ = false;
    std::uint64_t logins_ = 0;
    std::uint64_t failed_logins_ = 0;
};

} // namespace monarc::auth
