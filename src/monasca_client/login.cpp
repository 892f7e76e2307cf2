#include "monasca_client/login.hpp"

#include "core/option_value.hpp"
#include "monasca_client/state.hpp"
#include "monasca_client/target.hpp"

#include <monarc/error.hpp>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace monarc::monasca::detail {
namespace asio = boost::asio;
using monasca_client::encoded_path;
using monasca_client::stop_by;
using steady = std::chrono::steady_clock;

namespace {

// monasca-cli.md section 3.5; half of a life that is shorter than twice that.
constexpr std::chrono::seconds renewed_before_end{120};
constexpr std::chrono::seconds pause_after_failure{10};

std::system_error bad_option(std::string_view what) {
    return {make_error_code(errc::bad_options), std::string(what)};
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

} // namespace

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

login::login(const client_options& options, traffic& over)
    : options_(options), over_(over), credentials_(login_of(options)) {
    require_token_text(options_.token, "token");
    if (!options_.url.empty()) {
        service_ = require_url(options_.url, "url");
    }
    if (options_.login == login_method::fixed_token) {
        if (options_.url.empty()) {
            throw bad_option("url must be set where no catalogue is asked, got an empty text");
        }
        replace(options_.token);
    } else {
        require_url(options_.auth_url, "auth_url");
    }
}

void login::replace(secret token) {
    token_ = std::move(token);
    ++number_;
    is_fixed_ = true;
}

bool login::is_usable(std::uint64_t refused, time_point now) const noexcept {
    return number_ != 0 && number_ != refused && (!ends_ || now < *ends_);
}

bool login::is_ending(time_point now) const noexcept {
    return renewed_from_ && now >= *renewed_from_;
}

// As long as one request logs in for all.
class login_under_way {
public:
    explicit login_under_way(login& of) : of_(of) { of_.is_under_way_ = true; }
    ~login_under_way() { of_.end_of_login(); }
    login_under_way(const login_under_way&) = delete;
    login_under_way& operator=(const login_under_way&) = delete;

private:
    login& of_;
};

void login::end_of_login() noexcept {
    is_under_way_ = false;
    for (auto* const one : std::exchange(waiting_, {})) {
        one->cancel();
    }
}

// Returns: false if the time was over before, or the answer is not wanted any more.
asio::awaitable<bool> login::wait_for_other(asking& who) {
    const auto executor = co_await asio::this_coro::executor;
    asio::steady_timer until(executor, who.deadline());
    const stop_by leaving(who.stop(), [&until] { until.cancel(); });
    waiting_.push_back(&until);
    boost::system::error_code ignored;
    auto into = asio::redirect_error(asio::use_awaitable, ignored);
    co_await until.async_wait(into);
    // Whoever ended the login has emptied the list.
    co_return std::erase(waiting_, &until) == 0;
}

asio::awaitable<std::optional<error>> login::require(asking& who, std::uint64_t refused) {
    while (!is_fixed_) {
        if (who.stop().is_asked_for()) { // closing: nobody begins a login any more
            co_return closed_error();
        }
        const auto now = steady::now();
        const bool is_usable_now = is_usable(refused, now);
        if (is_usable_now && (is_under_way_ || !is_ending(now))) {
            break;
        }
        if (is_under_way_) {
            const auto before = number_;
            const bool has_ended = co_await wait_for_other(who);
            if (!has_ended) {
                co_return error{
                    .code = std::make_error_code(std::errc::timed_out),
                    .title = "the time was over before the login was",
                    .is_of_login = true};
            }
            if (number_ == before && failure_) {
                co_return failure_; // one refusal is enough for all who waited for it
            }
            continue;
        }
        failure_.reset();
        std::optional<error> why;
        {
            const login_under_way turn(*this);
            why = co_await log_in(who);
            if (!who.stop().is_asked_for()) {
                failure_ = why;
            }
        }
        if (why && is_usable_now && steady::now() < ends_.value_or(time_point::max())) {
            renewed_from_ = steady::now() + pause_after_failure;
            break; // the old one is good still
        }
        co_return why;
    }
    co_return std::nullopt;
}

asio::awaitable<std::optional<error>> login::log_in(asking& who) {
    const auto deadline = [&] {
        return std::min(who.deadline(), steady::now() + options_.login_timeout);
    };
    if (!keystone_) {
        auto why = co_await find_keystone(who, deadline());
        if (why) {
            co_return why;
        }
    }
    const auto body = auth::login_body(credentials_);
    const auto shown = auth::shown_login_body(credentials_);
    const wanted what{
        .method = "POST",
        .origin = *keystone_,
        .target = encoded_path(keystone_->path + "/auth/tokens"),
        .body = body.reveal(),
        .shown_body = shown,
        .deadline = deadline(),
        .is_login = true};
    const auto sent = steady::now();
    const auto said = co_await over_.exchange(who.stop(), what);
    if (!said.got.is_answered) {
        co_return over_.failed(what, said);
    }
    if (said.got.http.status / 100 != 2) {
        co_return over_.refused(what, said);
    }
    co_return take(said, sent);
}

// What Keystone issued.
std::optional<error> login::take(const heard& said, time_point sent) {
    const auto issued = auth::read_token(said.got.http);
    if (!issued) {
        return error{
            .code = issued.error(),
            .status = said.got.http.status,
            .title = issued.error() == errc::too_large
                         ? fmt::format(
                               "{} issued a token of {} bytes; no server takes more than {}",
                               said.url,
                               said.got.http.subject_token.size(),
                               auth::max_token_bytes)
                         : fmt::format("{} answered without a token; is it Keystone?", said.url),
            .method = "POST",
            .url = said.url,
            .is_of_login = true};
    }
    if (is_fixed_) {
        return {}; // replaced meanwhile
    }
    if (auto why = find_service(*issued)) {
        return why;
    }
    token_ = issued->token;
    ++number_;
    ends_.reset();
    renewed_from_.reset();
    if (issued->life.count() > 0) {
        ends_ = sent + issued->life;
        renewed_from_ = *ends_ - std::min<steady::duration>(renewed_before_end, issued->life / 2);
    }
    return {};
}

// Where tokens are issued: section 3.2.
asio::awaitable<std::optional<error>> login::find_keystone(asking& who, time_point deadline) {
    auto asked = require_url(options_.auth_url, "auth_url");
    const bool is_v3 = asked.path.ends_with("/v3");
    if (!options_.asks_for_versions || is_v3) {
        if (!is_v3) {
            asked.path += "/v3";
        }
        keystone_ = std::move(asked);
        co_return std::nullopt;
    }
    const auto typed = options_.auth_url.find_last_not_of('/');
    auto target = asked.path + options_.auth_url.substr(typed + 1);
    const wanted what{
        .method = "GET",
        .origin = asked,
        .target = target.empty() ? "/" : std::move(target),
        .deadline = deadline,
        .is_login = true};
    const auto said = co_await over_.exchange(who.stop(), what);
    const auto& http = said.got.http;
    const bool is_told = said.got.is_answered && (http.status / 100 == 2 || http.status == 300);
    if (is_told) {
        if (const auto base = auth::newest_v3(http.body)) {
            if (auto url = transport::parse_http_url(*base)) {
                keystone_ = std::move(*url);
                co_return std::nullopt;
            }
        }
    }
    if (asked.path.starts_with("/v3")) {
        keystone_ = std::move(asked);
        co_return std::nullopt;
    }
    auto why = !said.got.is_answered ? over_.failed(what, said)
               : !is_told            ? over_.refused(what, said)
                                     : error{.code = errc::bad_data, .url = said.url};
    why.is_of_login = true;
    if (asked.path.starts_with("/v2.0")) {
        why.description = "Keystone v2.0 is not spoken here; the address of its v3 ends in /v3";
    }
    if (is_told) {
        why.title = fmt::format(
            "{} answered, but names no Keystone v3 that it speaks; is it the address of Keystone?",
            said.url);
    }
    co_return why;
}

std::optional<error> login::find_service(const auth::keystone_token& issued) {
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
        why.title = fmt::format(
            "the catalogue's address is no http or https URL that can be asked: {}",
            shown(found->url));
        return why;
    }
    service_ = std::move(*url);
    return {};
}

} // namespace monarc::monasca::detail
