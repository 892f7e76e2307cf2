#include "monasca_client/state.hpp"

#include "core/option_value.hpp"
#include "encode/json_writer.hpp"
#include "monasca_client/refusal.hpp"
#include "monasca_client/target.hpp"

#include <monarc/error.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

namespace monarc::monasca::detail {

using monasca_client::encoded_path;
using monasca_client::web;
using monasca_client::web_answer;
using steady = std::chrono::steady_clock;
using std::chrono::milliseconds;

namespace {

constexpr int max_redirects = 30;

std::system_error bad_option(std::string_view what) {
    return {make_error_code(errc::bad_options), std::string(what)};
}

void require_token_text(const secret& token, std::string_view name) {
    const auto text = token.reveal();
    if (text.size() > auth::max_token_bytes) {
        throw bad_option(fmt::format(
            "{} must be at most {} bytes, got {}", name, auth::max_token_bytes, text.size()));
    }
    if (std::any_of(text.begin(), text.end(), [](char c) { return c <= ' ' || c > '~'; })) {
        throw bad_option(fmt::format("{} must be visible ASCII without spaces", name));
    }
}

transport::http_url require_url(const std::string& text, std::string_view name) {
    auto url = transport::parse_http_url(text);
    if (!url) {
        throw bad_option(fmt::format(
            "{} must be http:// or https:// with a host and without user, query or fragment, got "
            "{}",
            name,
            shown(text)));
    }
    return std::move(*url);
}

auth::keystone_login login_of(const client_options& o) {
    using auth::keystone_method;
    return {
        .method = o.login == login_method::token ? keystone_method::token
                  : o.login == login_method::application_credential
                      ? keystone_method::application_credential
                      : keystone_method::password,
        .user_id = o.user_id,
        .user_name = o.username,
        .user_domain = {.id = o.user_domain_id, .name = o.user_domain},
        .password = o.password,
        .token = o.token,
        .credential_id = o.credential_id,
        .credential_name = o.credential,
        .credential_secret = o.credential_secret,
        .project_id = o.project_id,
        .project_name = o.project,
        .project_domain = {.id = o.project_domain_id, .name = o.project_domain},
        .domain = {.id = o.domain_id, .name = o.domain},
        .trust_id = o.trust_id,
        .is_for_system = o.is_for_system};
}

std::string text_of(const transport::http_url& origin, std::string_view target) {
    return fmt::format("{}://{}{}", origin.is_tls ? "https" : "http", origin.authority, target);
}

} // namespace

client_state::client_state(client_options options)
    : options_(std::move(options)), login_(login_of(options_)),
      web_(options_.tls, options_.connect_timeout) {
    require_token_text(options_.token, "token");
    if (!options_.url.empty()) {
        service_ = require_url(options_.url, "url");
    }
    if (options_.login == login_method::fixed_token) {
        if (options_.url.empty()) {
            throw bad_option("url must be set where no catalogue is asked, got an empty text");
        }
        token_ = options_.token;
    } else {
        require_url(options_.auth_url, "auth_url");
    }
}

void client_state::replace_token(secret token) {
    require_token_text(token, "token");
    token_ = std::move(token);
    options_.login = login_method::fixed_token;
}

std::string client_state::masked(std::string_view text) const {
    std::string out(text);
    for (const auto* const one :
         {&options_.password, &options_.token, &options_.credential_secret, &token_}) {
        const auto plain = one->reveal();
        if (plain.empty()) {
            continue;
        }
        std::string in_json;
        encode::put_json_text(in_json, plain);
        const auto escaped = std::string_view(in_json).substr(1, in_json.size() - 2);
        for (const auto hidden : {plain, escaped}) {
            for (auto at = out.find(hidden); at != out.npos; at = out.find(hidden, at + 3)) {
                out.replace(at, hidden.size(), "***");
            }
        }
    }
    return out;
}

void client_state::trace(
    const wanted& what, const exchanged& done, std::chrono::duration<double> took) {
    if (!options_.trace) {
        return;
    }
    const auto body = masked(what.shown_body.empty() ? what.body : what.shown_body);
    const auto said = masked(done.got.is_answered ? done.got.http.body : done.got.why);
    options_.trace(
        {.method = what.method,
         .url = done.url,
         .body = body,
         .status = done.got.is_answered ? done.got.http.status : 0,
         .answer = said,
         .request_id = done.got.http.request_id,
         .took = took});
}

client_state::exchanged client_state::exchange(const wanted& what) {
    const auto deadline = steady::now() + what.timeout;
    auto target = what.target;
    exchanged done;
    for (int redirects = 0; redirects <= max_redirects; ++redirects) {
        const auto begin = steady::now();
        const auto left = std::chrono::ceil<milliseconds>(deadline - begin);
        done.url = text_of(what.origin, target);
        done.got = web_.exchange(
            {.method = what.method,
             .to = &what.origin,
             .target = target,
             .token = what.token,
             .body = what.body,
             .timeout = std::max(left, milliseconds(1))});
        trace(what, done, steady::now() - begin);
        if (!done.got.is_answered || !monasca_client::is_redirect(done.got.http.status)) {
            return done;
        }
        const auto& location = done.got.http.location;
        auto next = monasca_client::redirected_target(location, what.origin, target);
        if (next.empty()) {
            done.got.is_answered = false;
            done.got.error = errc::http_status;
            done.got.why =
                fmt::format("redirected to '{}', another place, where no token is sent", location);
            return done;
        }
        target = std::move(next);
    }
    done.got.is_answered = false;
    done.got.error = errc::http_status;
    done.got.why = fmt::format("redirected more than {} times", max_redirects);
    return done;
}

// Without an answer.
error client_state::failed(const wanted& what, const exchanged& done) const {
    const bool is_redirect = done.got.error == errc::http_status;
    return {
        .code = done.got.error,
        .title = fmt::format(
            "{}{}: {}",
            is_redirect       ? ""
            : done.got.is_tls ? "SSL exception connecting to "
                              : "Unable to establish connection to ",
            done.url,
            masked(done.got.why)),
        .method = std::string(what.method),
        .url = done.url,
        .is_of_login = what.is_login};
}

error client_state::refused(const wanted& what, const exchanged& done) const {
    const auto& http = done.got.http;
    auto why = monasca_client::read_refusal(http);
    return {
        .code = http.status == 401 ? errc::unauthorized : errc::http_status,
        .status = http.status,
        .title = masked(why.title),
        .description = masked(why.description),
        .method = std::string(what.method),
        .url = done.url,
        .request_id = http.request_id,
        .is_of_login = what.is_login};
}

// Where tokens are issued: section 3.2.
std::optional<error> client_state::find_keystone(milliseconds timeout) {
    auto asked = require_url(options_.auth_url, "auth_url");
    const bool is_v3 = asked.path.ends_with("/v3");
    if (!options_.asks_for_versions || is_v3) {
        if (!is_v3) {
            asked.path += "/v3";
        }
        keystone_ = std::move(asked);
        return {};
    }
    const auto typed = options_.auth_url.find_last_not_of('/');
    auto target = asked.path + options_.auth_url.substr(typed + 1);
    const wanted what{
        .method = "GET",
        .origin = asked,
        .target = target.empty() ? "/" : std::move(target),
        .timeout = timeout,
        .is_login = true};
    const auto done = exchange(what);
    const auto& http = done.got.http;
    const bool is_told = done.got.is_answered && (http.status / 100 == 2 || http.status == 300);
    if (is_told) {
        if (const auto base = auth::newest_v3(http.body)) {
            if (auto url = transport::parse_http_url(*base)) {
                keystone_ = std::move(*url);
                return {};
            }
        }
    }
    if (asked.path.starts_with("/v3")) {
        keystone_ = std::move(asked);
        return {};
    }
    auto why = !done.got.is_answered ? failed(what, done)
               : !is_told            ? refused(what, done)
                                     : error{.code = errc::bad_data, .url = done.url};
    why.is_of_login = true;
    if (asked.path.starts_with("/v2.0")) {
        why.description = "Keystone v2.0 is not spoken here; the address of its v3 ends in /v3";
    }
    if (is_told) {
        why.title = fmt::format(
            "{} answered, but names no Keystone v3 that it speaks; is it the address of Keystone?",
            done.url);
    }
    return why;
}

std::optional<error> client_state::find_service(const auth::keystone_token& issued) {
    if (!options_.url.empty()) {
        return {};
    }
    error why{.code = errc::bad_data, .is_of_login = true};
    if (issued.catalogue.empty()) {
        why.title = "The service catalog is empty.";
        return why;
    }
    const auto* const found = auth::find_endpoint(
        issued.catalogue, options_.service_type, options_.interface, options_.region);
    if (found == nullptr) {
        why.title = fmt::format(
            "{} endpoint for {} service{} not found",
            options_.interface,
            options_.service_type,
            options_.region.empty() ? "" : fmt::format(" in {} region", options_.region));
        return why;
    }
    auto url = transport::parse_http_url(found->url);
    if (!url) {
        why.title =
            fmt::format("the catalogue's address is no http or https URL: '{}'", found->url);
        return why;
    }
    service_ = std::move(*url);
    return {};
}

std::optional<error> client_state::log_in(milliseconds timeout) {
    const auto left = std::min(timeout, options_.login_timeout);
    if (!keystone_) {
        if (auto why = find_keystone(left)) {
            return why;
        }
    }
    const auto body = auth::login_body(login_);
    const auto shown = auth::shown_login_body(login_);
    const wanted what{
        .method = "POST",
        .origin = *keystone_,
        .target = encoded_path(keystone_->path + "/auth/tokens"),
        .body = body.reveal(),
        .shown_body = shown,
        .timeout = left,
        .is_login = true};
    const auto done = exchange(what);
    if (!done.got.is_answered) {
        return failed(what, done);
    }
    if (done.got.http.status / 100 != 2) {
        return refused(what, done);
    }
    const auto issued = auth::read_token(done.got.http);
    if (!issued) {
        return error{
            .code = issued.error(),
            .status = done.got.http.status,
            .title = issued.error() == errc::too_large
                         ? fmt::format(
                               "{} issued a token of {} bytes; no server takes more than {}",
                               done.url,
                               done.got.http.subject_token.size(),
                               auth::max_token_bytes)
                         : fmt::format("{} answered without a token; is it Keystone?", done.url),
            .method = "POST",
            .url = done.url,
            .is_of_login = true};
    }
    token_ = issued->token;
    has_logged_in_ = true;
    return find_service(*issued);
}

answer<reply> client_state::send(const call& what) {
    const auto deadline = steady::now() + options_.timeout;
    const auto left = [&] { return std::chrono::ceil<milliseconds>(deadline - steady::now()); };
    const bool is_fixed = options_.login == login_method::fixed_token;
    bool has_repeated = false; // with a new token
    if (!is_fixed && !has_logged_in_) {
        if (auto why = log_in(left())) {
            return std::move(*why);
        }
    }
    if (!service_) {
        return error{
            .code = errc::bad_options,
            .title = "where the API is was never told: neither by url nor by a catalogue"};
    }
    const auto query = monasca_client::encoded_query(what.query);
    while (true) {
        const bool has_query = what.path.find('?') != what.path.npos;
        const wanted asked{
            .method = what.method,
            .origin = *service_,
            .target = service_->path + encoded_path(what.path) +
                      (query.empty() ? ""
                       : has_query   ? "&"
                                     : "?") +
                      query,
            .token = token_.is_empty() ? nullptr : &token_,
            .body = what.body,
            .timeout = left()};
        auto done = exchange(asked);
        if (!done.got.is_answered) {
            return failed(asked, done);
        }
        auto& http = done.got.http;
        if (http.status == 401 && !is_fixed && !std::exchange(has_repeated, true)) {
            if (auto why = log_in(left())) {
                return std::move(*why);
            }
            continue;
        }
        if (http.status / 100 != 2) {
            return refused(asked, done);
        }
        if (http.is_cut) {
            return error{
                .code = errc::too_large,
                .status = http.status,
                .title = fmt::format(
                    "{}: the answer is larger than {} bytes; ask for less with a limit",
                    done.url,
                    web::max_body_bytes),
                .method = what.method,
                .url = done.url};
        }
        return reply{.status = http.status, .body = std::move(http.body), .url = done.url};
    }
}

} // namespace monarc::monasca::detail
