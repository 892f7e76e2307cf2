#pragma once

// One login and what is asked with it: the token, where the service is, one more try with a new
// token, redirects.

#include "auth/keystone.hpp"
#include "monasca_client/web.hpp"

#include <monarc/monasca_client.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace monarc::monasca::detail {

class client_state {
public:
    // Fails: throws std::system_error(errc::bad_options).
    explicit client_state(client_options options);

    // Logs in if need be, and sends. Throws std::system_error for TLS files.
    answer<reply> send(const call& what);
    void replace_token(secret token);

private:
    // Of one HTTP request, redirects included.
    struct exchanged {
        monasca_client::web_answer got{};
        std::string url{};
    };
    struct wanted {
        std::string_view method;
        const transport::http_url& origin;
        std::string target;
        const secret* token = nullptr;
        std::string_view body{};
        std::string_view shown_body{}; // for the trace
        std::chrono::milliseconds timeout{};
        bool is_login = false;
    };

    exchanged exchange(const wanted& what);
    void trace(const wanted& what, const exchanged& done, std::chrono::duration<double> took);
    error failed(const wanted& what, const exchanged& done) const;
    error refused(const wanted& what, const exchanged& done) const;
    std::optional<error> log_in(std::chrono::milliseconds timeout);
    std::optional<error> find_keystone(std::chrono::milliseconds timeout);
    std::optional<error> find_service(const auth::keystone_token& issued);
    std::string masked(std::string_view text) const;

    client_options options_;
    auth::keystone_login login_;
    monasca_client::web web_;
    std::optional<transport::http_url> keystone_; // its v3
    std::optional<transport::http_url> service_;
    secret token_;
    bool has_logged_in_ = false;
};

} // namespace monarc::monasca::detail
