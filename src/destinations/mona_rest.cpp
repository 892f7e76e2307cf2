#include "destinations/mona_rest.hpp"

#include "auth/masked.hpp"

#include <monarc/error.hpp>

#include <fmt/format.h>
#include <string.h>

#include <array>
#include <ctime>
#include <system_error>
#include <utility>

namespace monarc::destinations {
namespace asio = boost::asio;

namespace {

// A user's id that is not known yet may be anything that a host name may hold.
void check_url(const mona_rest_options& options) {
    const auto text =
        export_url(options, options.user_id.empty() ? std::string_view("user") : options.user_id);
    if (!transport::parse_http_target(text)) {
        throw std::system_error(
            errc::bad_options,
            fmt::format(
                "{} must be such that the address of exports is one, got '{}'",
                !options.url.empty()    ? "mona.url"
                : !options.host.empty() ? "mona.host"
                                        : "mona.user_id",
                text));
    }
}

// Up to the entries of the payload.
secret request_head(
    const transport::http_url& url, const secret& token, const payload& p, std::string_view front) {
    std::string head;
    head.reserve(512 + url.path.size() + token.reveal().size() + front.size());
    head += "POST ";
    head += url.path;
    head += " HTTP/1.1\r\nHost: ";
    head += url.authority;
    if (!token.is_empty()) {
        head += "\r\nAuthorization: Bearer ";
        head += token.reveal();
    }
    head += "\r\nContent-Type: application/json\r\n";
    head += p.is_gzip ? "Content-Encoding: gzip\r\n" : "";
    head += "Accept: application/json\r\nUser-Agent: monarc\r\nContent-Length: ";
    head += std::to_string(front.size() + p.body.size());
    head += "\r\n\r\n";
    head += front;
    secret kept(head);
    ::explicit_bzero(head.data(), head.size());
    return kept;
}

} // namespace

bool uses_tls(const mona_rest_options& options) {
    const bool logs_in =
        options.auth == mona_auth_mode::mona || options.auth == mona_auth_mode::oidc;
    const auto is_secure = [](const std::string& url) { return url.starts_with("https:"); };
    return is_secure(export_url(options, options.user_id)) ||
           (logs_in &&
            (is_secure(auth::login_url(options)) || is_secure(auth::refresh_url(options))));
}

mona_rest::mona_rest(
    asio::any_io_executor executor,
    const settings& s,
    std::atomic<int>& exports,
    std::atomic<int>& logins)
    : options_(s.options), say_(s.say), wire_(s.options, s.max_retry_after),
      tokens_(
          executor,
          tls_,
          logins,
          {.options = s.options,
           .response_timeout = s.response_timeout,
           .max_retry_after = s.max_retry_after,
           .uniform = s.uniform,
           .say = s.say}),
      exports_(executor, tls_, exports, {.answer = s.response_timeout}) {
    check_url(s.options);
    if (uses_tls(s.options)) {
        if (const auto wrong = tls_.load(s.tls); !wrong.empty()) {
            throw std::system_error(errc::bad_options, "tls." + wrong);
        }
    }
}

mona_rest::~mona_rest() {
    abandon();
}

asio::awaitable<outcome> mona_rest::attempt(std::shared_ptr<const payload> p) {
    auto missing = co_await tokens_.wait();
    if (missing) {
        co_return std::move(*missing);
    }
    outcome result;
    const auto generation = tokens_.generation();
    const auto token = tokens_.token();
    const auto text = export_url(options_, tokens_.user_id());
    const auto url = transport::parse_http_target(text);
    if (!url) {
        result.kind = failure::config;
        result.why = fmt::format("'{}' is no address: set mona.url", text);
        co_return result;
    }
    const auto front = p->head.empty() && !p->is_gzip ? wire_.head_of(tokens_.user_id()) : p->head;
    const auto head = request_head(*url, token, *p, front);
    const std::array<std::string_view, 2> request{head.reveal(), p->body};
    auto made = co_await exports_.exchange(*url, request);
    if (!made.got.is_answered) {
        const bool was_closed = made.was_reused && !made.got.has_begun && !made.got.has_timed_out;
        result.what = was_closed ? verdict::again : verdict::retry;
        result.was_written = made.got.was_written;
        result.was_unanswered = made.got.has_timed_out;
        result.kind = made.is_refusal ? failure::config : failure::network;
        result.why = fmt::format("POST {}: {}", url->text(), made.got.why);
        co_return result;
    }
    result = wire_.judge(made.got.answer, *p, std::time(nullptr));
    const bool is_unauthorized = result.what == verdict::retry && made.got.answer.status == 401;
    if (!is_unauthorized) {
        tokens_.accepted(generation);
    } else if (tokens_.refused(generation)) {
        result.what = verdict::fresh_token;
    } else { // without a token there is nothing to try
        result.until_login = tokens_.time_to_login(std::chrono::steady_clock::now());
    }
    if (!result.why.empty()) {
        auto& shown = made.got.answer;
        auto body = auth::masked(shown.body, {&token, &options_.secret, &options_.api_key});
        if (body != shown.body) { // before it is cut to what a line holds
            shown.body = std::move(body);
            result.why = transport::refusal_text(shown);
        }
        result.why = fmt::format("POST {}: {}", url->text(), result.why);
    }
    if (made.got.answer.status >= 500) { // another worker may be better
        exports_.close();
    }
    learn(result, *p);
    co_return result;
}

// mona-rest.md section 10: only when the same goes plain is gzip what the server did not want.
void mona_rest::learn(const outcome& result, const payload& p) {
    if (result.what == verdict::plain) {
        was_asked_for_plain_ = true;
    } else if (
        result.what == verdict::delivered && !p.is_gzip &&
        std::exchange(was_asked_for_plain_, false)) {
        takes_gzip_ = false;
        say_(
            log_level::warning, "the server does not take gzip: everything goes plain from now on");
    }
}

asio::awaitable<outcome> mona_rest::send(std::shared_ptr<const payload> p) {
    auto result = co_await attempt(std::move(p));
    if (is_abandoned_ && result.what != verdict::delivered && result.what != verdict::partial) {
        result.what = verdict::abandoned;
    }
    co_return result;
}

asio::awaitable<result<mona_rest::address>> mona_rest::sign_in() {
    const auto missing = co_await tokens_.wait();
    if (missing) {
        const auto why = missing->kind == failure::auth ? errc::unauthorized : errc::timed_out;
        co_return make_error_code(why);
    }
    address found{.url = export_url(options_, tokens_.user_id()), .user_id = tokens_.user_id()};
    co_return found;
}

void mona_rest::abandon() noexcept {
    is_abandoned_ = true;
    tokens_.abandon();
    exports_.abandon();
}

} // namespace monarc::destinations
