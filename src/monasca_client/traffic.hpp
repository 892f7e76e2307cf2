#pragma once

// What a client says to Keystone and the API and hears from them: redirects, the trace, errors; no
// secret in what is shown.

#include "monasca_client/asking.hpp"
#include "monasca_client/web.hpp"

#include <monarc/monasca_client.hpp>

#include <chrono>
#include <string>
#include <string_view>

namespace monarc::monasca::detail {

// Of a longer answer of the API no more is read.
inline constexpr std::size_t max_answer_bytes = std::size_t{64} << 20;

// One HTTP request, redirects included.
struct wanted {
    std::string_view method;
    transport::http_url origin; // its path does not count
    std::string target;
    secret token{}; // empty: none
    std::string_view body{};
    std::string_view shown_body{}; // for the trace
    std::chrono::steady_clock::time_point deadline{};
    bool is_login = false;
};

struct heard {
    monasca_client::web_answer got{};
    std::string url{}; // that was asked in the end
};

// Threads: the client's.
class traffic {
public:
    // `options` lives longer.
    traffic(boost::asio::any_io_executor where, const client_options& options);

    // `what` lives until it is over. Fails: throws std::system_error for TLS files.
    boost::asio::awaitable<heard> exchange(monasca_client::stopping& stop, const wanted& what);

    // Of an exchange without an answer, and of one with an answer that means no.
    error failed(const wanted& what, const heard& said) const;
    error refused(const wanted& what, const heard& said) const;

private:
    void trace(const wanted& what, const heard& said, std::chrono::duration<double> took) const;
    std::string masked(std::string_view text, const secret& token) const;

    const client_options& options_;
    monasca_client::web web_;
};

} // namespace monarc::monasca::detail
