#pragma once

// A token of Keystone's that is there when it is wanted: one login at a time, the next one in good
// time, each over a connection of its own, never along a redirect (delivery.md D-11).

#include "auth/catalogue.hpp"
#include "auth/keystone.hpp"
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
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <string_view>

namespace monarc::auth {

// What requests go with.
struct pass {
    std::uint64_t generation = 0;
    secret token{};
    transport::http_url service{}; // from the catalogue, if that was asked
};

// Threads: the I/O thread only.
class keystone_access {
public:
    struct settings {
        transport::http_url auth_url; // with /v3 or not
        keystone_login login;
        std::optional<wanted_service> service{}; // none: the catalogue is not asked
        endpoint_rules rules{};
        std::string tenant_id{}; // what is said if the token may not write for it
        std::chrono::milliseconds response_timeout{30'000};
        std::chrono::milliseconds max_retry_after{300'000};
        say_function say;
    };

    // `tls` and `random` must outlive it; `descriptor` is where the open socket's number stands.
    keystone_access(
        const boost::asio::any_io_executor& executor,
        settings s,
        transport::tls_context& tls,
        std::atomic<int>& descriptor,
        std::mt19937_64& random);
    ~keystone_access();
    keystone_access(const keystone_access&) = delete;
    keystone_access& operator=(const keystone_access&) = delete;

    struct opened {
        std::shared_ptr<const pass> with; // shared with the requests that carry it; null: none
        outcome failed{};                 // then why
    };
    // At once while a token is valid; a new one is then asked for in the background when it is
    // time.
    boost::asio::awaitable<opened> open();

    // What the service said of a pass (D-11.4). refused: 401; returns whether to send again at
    // once, else not before time_to_login() is over.
    bool refused(std::uint64_t generation);
    void accepted(std::uint64_t generation) noexcept { life_.accepted(generation); }

    void retry_now() noexcept { life_.retry_now(); }
    void abandon() noexcept;

    std::chrono::milliseconds time_to_login() const noexcept;
    std::uint64_t logins() const noexcept { return life_.generation(); }
    std::uint64_t failed_logins() const noexcept { return failed_logins_; }
    const transport::retry_wishes& wishes() const noexcept { return wishes_; }

private:
    struct answered {
        transport::http_answer http{}; // status 0: none
        outcome failed{};
    };
    struct logged_in {
        std::optional<pass> with{};
        std::chrono::milliseconds life{};
        outcome failed{};
    };

    void begin_refresh();
    boost::asio::awaitable<void> log_in(); // life_.begin() was called
    boost::asio::awaitable<logged_in> try_login();
    boost::asio::awaitable<outcome> find_v3();
    boost::asio::awaitable<answered>
    ask(std::string_view method, std::string target, const secret& body);
    logged_in take(const transport::http_answer& answer);
    std::string
    told(std::string_view method, std::string_view target, const std::string& what) const;
    outcome refusal(std::string_view method, std::string_view target, const answered& got);
    outcome no_token() const;
    void finish(logged_in&& done);
    void look_at_clock(const std::string& date);
    void look_at_roles(const keystone_token& issued);
    double uniform() { return std::uniform_real_distribution<double>(0.0, 1.0)(random_); }

    boost::asio::any_io_executor executor_;
    settings settings_;
    std::mt19937_64& random_;
    transport::http_peer peer_;
    boost::asio::steady_timer login_over_; // whoever waits for it waits for this
    token_life life_;
    transport::retry_wishes wishes_;
    refresh_log log_;
    std::shared_ptr<const pass> pass_;
    std::optional<std::string> v3_path_; // at the origin of auth_url, once it is known
    outcome last_failure_;
    std::uint64_t failed_logins_ = 0;
    bool has_told_clock_ = false;
    bool has_told_roles_ = false;
    bool is_abandoned_ = false;
};

} // namespace monarc::auth
