#include "auth/mona_tokens.hpp"

#include "auth/masked.hpp"

#include <monarc/error.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <new>
#include <system_error>
#include <utility>

namespace monarc::auth {
namespace asio = boost::asio;
using namespace std::chrono_literals;
using std::chrono::milliseconds;
using steady = std::chrono::steady_clock;

namespace {

// D-11.1: while a token is valid sending goes on; but a service that answers at once is waited for,
// so that nothing is sent with a token whose time has come.
constexpr auto courtesy = 250ms;
constexpr auto between_starts = 1s;                             // as token_life has it
constexpr std::size_t most_answer_bytes = std::size_t{1} << 20; // D-13.1

transport::http_url url_of(const char* option, const std::string& text) {
    auto url = transport::parse_http_target(text);
    if (!url) {
        throw std::system_error(
            errc::bad_options,
            fmt::format(
                "{} must be an address such as https://login.example/token, got '{}'",
                option,
                text));
    }
    return std::move(*url);
}

} // namespace

mona_tokens::mona_tokens(
    const asio::any_io_executor& executor,
    transport::tls_context& tls,
    std::atomic<int>& descriptor,
    const settings& s)
    : executor_(executor), options_(s.options),
      logs_in_(s.options.auth == mona_auth_mode::mona || s.options.auth == mona_auth_mode::oidc),
      uniform_(s.uniform), login_(url_of("mona.token_url", login_url(s.options))),
      refresh_(url_of("mona.refresh_url", refresh_url(s.options))),
      peer_(executor, tls, descriptor, {.answer = s.response_timeout}), ended_(executor),
      pause_(executor), wishes_(s.max_retry_after),
      log_(s.say, fmt::format("POST {}", login_.text())), user_id_(s.options.user_id) {
    if (s.options.auth == mona_auth_mode::token) {
        token_ = s.options.secret;
    }
}

mona_tokens::~mona_tokens() {
    abandon();
}

outcome mona_tokens::failed_outcome(steady::time_point now) const {
    outcome failed;
    failed.kind = failed_as_;
    failed.why = why_;
    failed.retry_after = time_to_login(now);
    return failed;
}

milliseconds mona_tokens::time_to_login(steady::time_point now) const {
    const auto due = life_.due_at();
    return !logs_in_ || due <= now ? 0ms : std::chrono::ceil<milliseconds>(due - now);
}

bool mona_tokens::refused(std::uint64_t generation) {
    if (!logs_in_) {
        return false;
    }
    if (life_.refused(generation, steady::now(), uniform_())) {
        return true;
    }
    failed_as_ = failure::auth;
    why_ =
        fmt::format("POST {}: a new token was answered 401 like the one before it", login_.text());
    return false;
}

asio::awaitable<void> mona_tokens::pause(milliseconds longest) {
    boost::system::error_code ec;
    auto into_ec = asio::redirect_error(asio::use_awaitable, ec);
    ended_.expires_after(longest);
    co_await ended_.async_wait(into_ec);
}

asio::awaitable<std::optional<outcome>> mona_tokens::wait() {
    if (!logs_in_) {
        co_return std::nullopt;
    }
    bool was_tried = life_.is_due(steady::now());
    if (was_tried) {
        begin();
    }
    if (life_.is_valid(steady::now())) {
        if (life_.is_running()) {
            co_await pause(courtesy);
        }
        co_return std::nullopt;
    }
    constexpr auto for_ever = 1h;
    while (!life_.is_valid(steady::now())) {
        const auto now = steady::now();
        if (is_abandoned_) {
            outcome failed;
            failed.why = "given up at close";
            co_return failed;
        }
        if (life_.is_due(now)) {
            was_tried = true;
            begin();
        } else if (life_.is_running()) {
            co_await pause(for_ever);
        } else if (!why_.empty() && (was_tried || life_.due_at() - now > between_starts)) {
            co_return failed_outcome(now);
        } else { // D-11.2: two do not start at once
            const auto left = std::chrono::ceil<milliseconds>(life_.due_at() - now);
            co_await pause(std::clamp<milliseconds>(left, 1ms, between_starts));
        }
    }
    co_return std::nullopt;
}

void mona_tokens::begin() {
    life_.begin(steady::now());
    auto replacing = replace();
    asio::co_spawn(executor_, std::move(replacing), asio::detached);
}

// D-11.5: a refresh if there is what for, then one login.
asio::awaitable<void> mona_tokens::replace() {
    try {
        mona_login_answer got;
        if (options_.use_refresh_tokens && !refresh_token_.is_empty()) {
            auto body = mona_refresh_body(refresh_token_);
            got = co_await ask(refresh_, std::move(body), "application/json");
        }
        if (!got.token && !is_abandoned_) {
            auto body = mona_login_body(options_);
            got = co_await ask(login_, std::move(body), login_content_type(options_.auth));
        }
        if (!is_abandoned_) {
            take(std::move(got));
        }
    } catch (const std::bad_alloc&) { // as if nobody had answered
        if (life_.is_running()) {
            life_.failed(failure::throttle, steady::now(), uniform_());
        }
    }
    if (life_.is_running()) {
        life_.abandoned();
    }
    peer_.close();
    ended_.cancel();
}

void mona_tokens::take(mona_login_answer&& got) {
    if (got.token && options_.user_id.empty() && got.token->tenant.empty()) {
        got.token.reset();
        got.kind = failure::config;
        got.why = "the token names no tenant: set mona.user_id";
    }
    if (!got.token) {
        ++failed_logins_;
        failed_as_ = got.kind == failure::network ? failure::throttle : got.kind;
        why_ = fmt::format(
            "POST {}: {}",
            login_.text(),
            masked(got.why, {&options_.secret, &options_.api_key, &refresh_token_}));
        const auto now = steady::now();
        life_.failed(got.kind, now, uniform_(), got.retry_after);
        log_.failed(why_, life_.is_valid(now), now);
        return;
    }
    ++logins_;
    log_.issued();
    why_.clear();
    token_ = std::move(got.token->access);
    refresh_token_ = std::move(got.token->refresh);
    if (options_.user_id.empty()) {
        user_id_ = std::move(got.token->tenant);
    }
    life_.obtained(got.token->life, uniform_(), options_.refresh_margin);
}

asio::awaitable<mona_login_answer>
mona_tokens::ask(transport::http_url where, secret body, std::string_view type) {
    const secret head(fmt::format(
        "POST {} HTTP/1.1\r\nHost: {}\r\nContent-Type: {}\r\nAccept: application/json\r\n"
        "User-Agent: monarc\r\nContent-Length: {}\r\n\r\n",
        where.path,
        where.authority,
        type,
        body.reveal().size()));
    mona_login_answer got;
    for (std::uint32_t attempt = 0;; ++attempt) {
        const std::array<std::string_view, 2> request{head.reveal(), body.reveal()};
        const transport::http_limits limits{.body_bytes = most_answer_bytes};
        auto made = co_await peer_.exchange(where, request, limits);
        if (made.got.is_answered) {
            got = read_login_answer(made.got.answer, options_.auth);
            got.retry_after = wishes_.of(made.got.answer, std::time(nullptr));
        } else {
            got = {};
            got.kind = made.is_refusal ? failure::config : failure::throttle;
            got.why = made.got.why;
        }
        const bool is_sent_away = got.retry_after > options_.login_retry_wait; // D-6.4
        if (got.token || got.is_json || is_sent_away || attempt >= options_.login_retries ||
            is_abandoned_) {
            co_return got;
        }
        boost::system::error_code ec;
        auto into_ec = asio::redirect_error(asio::use_awaitable, ec);
        pause_.expires_after(options_.login_retry_wait);
        co_await pause_.async_wait(into_ec);
        if (is_abandoned_) {
            co_return got;
        }
    }
}

void mona_tokens::retry_now() noexcept {
    life_.retry_now();
    pause_.cancel();
}

void mona_tokens::abandon() noexcept {
    is_abandoned_ = true;
    peer_.abandon();
    ended_.cancel();
    pause_.cancel();
}

} // namespace monarc::auth
