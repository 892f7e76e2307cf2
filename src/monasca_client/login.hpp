#pragma once

// The token of a client: a fixed one, or Keystone's. However many requests want a new one, one of
// them logs in and the others wait for it.

#include "auth/keystone.hpp"
#include "monasca_client/traffic.hpp"

#include <monarc/monasca_client.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

namespace monarc::monasca::detail {

// Threads: the client's.
class login {
public:
    using time_point = std::chrono::steady_clock::time_point;

    // Both live longer. Fails: throws std::system_error(errc::bad_options).
    login(const client_options& options, traffic& over);

    // Sees to it that there is a token with another number than `refused`, and an address of the
    // API; a token that ends soon is renewed. Returns: why there is none.
    boost::asio::awaitable<std::optional<error>> require(asking& who, std::uint64_t refused);

    const secret& token() const noexcept { return token_; }
    std::uint64_t number() const noexcept { return number_; } // of the token; 0: there is none
    bool is_fixed() const noexcept { return is_fixed_; }
    const std::optional<transport::http_url>& service() const noexcept { return service_; }

    // Sent from now on, whatever Keystone says.
    void replace(secret token);

private:
    friend class login_under_way;

    bool is_usable(std::uint64_t refused, time_point now) const noexcept;
    bool is_ending(time_point now) const noexcept;
    boost::asio::awaitable<bool> wait_for_other(asking& who);
    void end_of_login() noexcept;

    boost::asio::awaitable<std::optional<error>> log_in(asking& who);
    boost::asio::awaitable<std::optional<error>> find_keystone(asking& who, time_point deadline);
    std::optional<error> find_service(const auth::keystone_token& issued);
    std::optional<error> take(const heard& said, time_point sent);

    const client_options& options_;
    traffic& over_;
    auth::keystone_login credentials_;
    std::optional<transport::http_url> keystone_; // its v3
    std::optional<transport::http_url> service_;

    secret token_;
    std::uint64_t number_ = 0;
    bool is_fixed_ = false;
    std::optional<time_point> renewed_from_; // section 3.5; empty: its life was not told
    std::optional<time_point> ends_;

    bool is_under_way_ = false;
    std::optional<error> failure_; // of the last login
    std::vector<boost::asio::steady_timer*> waiting_;
};

// Of the options' members; throw std::system_error(errc::bad_options).
transport::http_url require_url(const std::string& text, std::string_view name);
void require_token_text(const secret& token, std::string_view name);

} // namespace monarc::monasca::detail
