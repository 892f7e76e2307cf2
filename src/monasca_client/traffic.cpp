#include "monasca_client/traffic.hpp"

#include "auth/masked.hpp"
#include "monasca_client/lost_exception.hpp"
#include "monasca_client/refusal.hpp"
#include "monasca_client/target.hpp"

#include <monarc/error.hpp>

#include <fmt/format.h>

#include <utility>

namespace monarc::monasca::detail {

using steady = std::chrono::steady_clock;

namespace {

constexpr int max_redirects = 30;
constexpr std::size_t max_login_bytes = std::size_t{1} << 20; // D-13.1: token and catalogue

std::string text_of(const transport::http_url& origin, std::string_view target) {
    return fmt::format("{}://{}{}", origin.is_tls ? "https" : "http", origin.authority, target);
}

} // namespace

traffic::traffic(boost::asio::any_io_executor where, const client_options& options)
    : options_(options), web_(std::move(where), options.tls, options.connect_timeout) {}

std::string traffic::masked(std::string_view text, const secret& token) const {
    return auth::masked(
        text, {&options_.password, &options_.token, &options_.credential_secret, &token});
}

void traffic::trace(
    const wanted& what, const heard& said, std::chrono::duration<double> took) const {
    if (!options_.trace) {
        return;
    }
    const auto body = masked(what.shown_body.empty() ? what.body : what.shown_body, what.token);
    const auto answer =
        masked(said.got.is_answered ? said.got.http.body : said.got.why, what.token);
    const exchange_line line{
        .method = what.method,
        .url = said.url,
        .body = body,
        .status = said.got.is_answered ? said.got.http.status : 0,
        .answer = answer,
        .request_id = said.got.http.request_id,
        .took = took};
    monasca_client::call_out([&] { options_.trace(line); });
}

boost::asio::awaitable<heard>
traffic::exchange(monasca_client::stopping& stop, const wanted& what) {
    auto target = what.target;
    heard said;
    for (int redirects = 0; redirects <= max_redirects; ++redirects) {
        const auto begin = steady::now();
        said.url = text_of(what.origin, target);
        const monasca_client::web_request request{
            .method = what.method,
            .to = &what.origin,
            .target = target,
            .token = what.token.is_empty() ? nullptr : &what.token,
            .body = what.body,
            .deadline = what.deadline,
            .max_body_bytes = what.is_login ? max_login_bytes : max_answer_bytes};
        said.got = co_await web_.exchange(stop, request);
        trace(what, said, steady::now() - begin);
        if (!said.got.is_answered || !monasca_client::is_redirect(said.got.http.status)) {
            co_return said;
        }
        const auto& location = said.got.http.location;
        auto next = monasca_client::redirected_target(location, what.origin, target);
        if (next.empty()) {
            said.got.is_answered = false;
            said.got.error = errc::http_status;
            said.got.why =
                fmt::format("redirected to '{}', another place, where no token is sent", location);
            co_return said;
        }
        target = std::move(next);
    }
    said.got.is_answered = false;
    said.got.error = errc::http_status;
    said.got.why = fmt::format("redirected more than {} times", max_redirects);
    co_return said;
}

error traffic::failed(const wanted& what, const heard& said) const {
    const bool is_redirect = said.got.error == errc::http_status;
    return {
        .code = said.got.error,
        .title = fmt::format(
            "{}{}: {}",
            is_redirect       ? ""
            : said.got.is_tls ? "SSL exception connecting to "
                              : "Unable to establish connection to ",
            said.url,
            masked(said.got.why, what.token)),
        .method = std::string(what.method),
        .url = said.url,
        .is_of_login = what.is_login};
}

error traffic::refused(const wanted& what, const heard& said) const {
    const auto& http = said.got.http;
    auto why = monasca_client::read_refusal(http);
    return {
        .code = http.status == 401 ? errc::unauthorized : errc::http_status,
        .status = http.status,
        .title = masked(why.title, what.token),
        .description = masked(why.description, what.token),
        .method = std::string(what.method),
        .url = said.url,
        .request_id = http.request_id,
        .is_of_login = what.is_login};
}

} // namespace monarc::monasca::detail
