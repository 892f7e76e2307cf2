#include "auth/keystone_access.hpp"

#include "auth/masked.hpp"
#include "transport/http_date.hpp"

#include <monarc/error.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>
#include <string.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <ctime>
#include <exception>
#include <utility>

namespace monarc::auth {
namespace asio = boost::asio;
using namespace std::chrono_literals;
using steady = std::chrono::steady_clock;
using std::chrono::milliseconds;

namespace {

constexpr auto connect_timeout = 5s;
constexpr auto longest_pause = 1s; // between two starts of a login: waited for within an attempt
constexpr auto told_clock_difference = 60s;
// D-13.1; a token alone may have 8000 bytes.
constexpr transport::http_limits limits{
    .header_bytes = 16 * 1024, .body_bytes = std::size_t{1} << 20};

// Who may write for another project (monasca-api.md section 6).
constexpr std::array<std::string_view, 2> delegate_roles{"admin", "monitoring-delegate"};

secret
head_of(std::string_view method, std::string_view target, std::string_view host, std::size_t body) {
    return secret(fmt::format(
        "{} {} HTTP/1.1\r\nHost: {}\r\nAccept: application/json\r\nUser-Agent: monarc\r\n"
        "Connection: close\r\n{}\r\n",
        method,
        target,
        host,
        body != 0 ? fmt::format("Content-Type: application/json\r\nContent-Length: {}\r\n", body)
                  : ""));
}

// A token service that is in trouble, somebody it does not know, or a wrong address.
failure kind_of(unsigned status) noexcept {
    if (status == 401 || status == 403) {
        return failure::auth;
    }
    const bool may_pass = status >= 500 || status == 408 || status == 425 || status == 429;
    return may_pass ? failure::throttle : failure::config;
}

} // namespace

keystone_access::keystone_access(
    const asio::any_io_executor& executor,
    settings s,
    transport::tls_context& tls,
    std::atomic<int>& descriptor,
    std::mt19937_64& random)
    : executor_(executor), settings_(std::move(s)), random_(random),
      peer_(
          executor,
          tls,
          descriptor,
          {.connect = connect_timeout, .answer = settings_.response_timeout}),
      login_over_(executor, steady::time_point::max()), wishes_(settings_.max_retry_after),
      log_(settings_.say, "Keystone") {
    if (settings_.auth_url.path.ends_with("/v3")) {
        v3_path_ = settings_.auth_url.path;
    }
}

keystone_access::~keystone_access() {
    abandon();
}

void keystone_access::abandon() noexcept {
    is_abandoned_ = true;
    login_over_.cancel();
    peer_.abandon();
}

asio::awaitable<keystone_access::opened> keystone_access::open() {
    opened result;
    bool has_tried = false;
    while (!is_abandoned_) {
        const auto now = steady::now();
        if (life_.is_valid(now)) {
            if (life_.is_due(now)) { // sending goes on meanwhile
                begin_refresh();
            }
            result.with = pass_;
            co_return result;
        }
        if (has_tried) {
            break;
        }
        const auto pause = time_to_login();
        boost::system::error_code ignored;
        auto into = asio::redirect_error(asio::use_awaitable, ignored);
        if (life_.is_running()) {
            has_tried = true;
            co_await login_over_.async_wait(into);
        } else if (pause <= 0ms) {
            has_tried = true;
            life_.begin(now);
            co_await log_in();
        } else if (!life_.has_failed() && pause <= longest_pause) {
            asio::steady_timer until(executor_, pause);
            co_await until.async_wait(into);
        } else {
            break;
        }
    }
    result.failed = no_token();
    co_return result;
}

void keystone_access::begin_refresh() {
    life_.begin(steady::now());
    try {
        auto refresh = log_in();
        asio::co_spawn(executor_, std::move(refresh), asio::detached);
    } catch (...) { // no memory: the next request tries
        life_.abandoned();
    }
}

// Waits as long as the next login does.
outcome keystone_access::no_token() const {
    auto failed = last_failure_;
    if (failed.why.empty()) {
        failed.why = "no token";
    }
    failed.retry_after = time_to_login();
    return failed;
}

milliseconds keystone_access::time_to_login() const noexcept {
    const auto now = steady::now();
    return life_.due_at() <= now ? 0ms : std::chrono::ceil<milliseconds>(life_.due_at() - now);
}

bool keystone_access::refused(std::uint64_t generation) {
    if (life_.refused(generation, steady::now(), uniform())) {
        return true;
    }
    last_failure_.kind = failure::auth;
    last_failure_.why = "Keystone: a new token was answered 401 like the one before it";
    return false;
}

asio::awaitable<void> keystone_access::log_in() {
    logged_in done;
    try {
        done = co_await try_login();
    } catch (const std::exception& error) { // no memory
        done.failed.why = error.what();
    }
    finish(std::move(done));
}

void keystone_access::finish(logged_in&& done) {
    if (done.with) {
        life_.obtained(done.life, uniform());
        done.with->generation = life_.generation();
        pass_ = std::make_shared<const pass>(std::move(*done.with));
        last_failure_ = {};
        log_.issued();
    } else if (is_abandoned_) {
        life_.abandoned();
    } else {
        ++failed_logins_;
        const auto now = steady::now();
        life_.failed(done.failed.kind, now, uniform(), done.failed.retry_after);
        last_failure_ = std::move(done.failed);
        log_.failed(last_failure_.why, life_.is_valid(now), now);
    }
    login_over_.cancel(); // everybody who waits looks again
}

// The origin of auth_url is the only one that is ever told a secret.
asio::awaitable<keystone_access::answered>
keystone_access::ask(std::string_view method, std::string target, const secret& body) {
    answered result;
    result.failed.kind = failure::throttle;
    const auto& to = settings_.auth_url;
    const auto head = head_of(method, target, to.authority, body.reveal().size());
    const std::array<std::string_view, 2> request{head.reveal(), body.reveal()};
    auto made = co_await peer_.exchange(to, request, limits);
    if (made.got.is_answered) {
        result.http = std::move(made.got.answer);
        co_return result;
    }
    result.failed.kind = made.is_refusal ? failure::config : failure::throttle;
    result.failed.why = made.was_connected ? told(method, target, made.got.why)
                                           : fmt::format("Keystone: {}", made.got.why);
    co_return result;
}

std::string keystone_access::told(
    std::string_view method, std::string_view target, const std::string& what) const {
    const auto& to = settings_.auth_url;
    return fmt::format(
        "Keystone: {} {}://{}{}: {}",
        method,
        to.is_tls ? "https" : "http",
        to.authority,
        target,
        what);
}

outcome
keystone_access::refusal(std::string_view method, std::string_view target, const answered& got) {
    if (got.http.status == 0) {
        return got.failed;
    }
    const auto& login = settings_.login;
    auto shown = got.http;
    for (auto* const text : {&shown.reason, &shown.body}) { // whole: of a secret no part is left
        *text = masked(*text, {&login.password, &login.token, &login.credential_secret});
    }
    outcome result;
    result.kind = kind_of(shown.status);
    result.retry_after = wishes_.of(shown, std::time(nullptr));
    result.why = told(method, target, transport::refusal_text(shown));
    return result;
}

// Where tokens are issued. A version document may name another host, as one behind a proxy does:
// of what it says only a path at our own origin is believed.
asio::awaitable<outcome> keystone_access::find_v3() {
    outcome failed;
    const auto& base = settings_.auth_url.path;
    const auto target = base.empty() ? std::string("/") : base + "/";
    const secret nothing;
    const auto got = co_await ask("GET", target, nothing);
    const auto status = got.http.status;
    if (status / 100 != 2 && status != 300) {
        failed = refusal("GET", target, got);
        co_return failed;
    }
    const auto named = newest_v3(got.http.body);
    if (!named) {
        failed.kind = failure::config;
        failed.why = fmt::format(
            "Keystone: {} names no v3 that it speaks; is monasca.auth_url the address of Keystone?",
            settings_.auth_url.text());
        co_return failed;
    }
    const auto url = transport::parse_http_url(*named);
    v3_path_ = url && url->is_same_origin(settings_.auth_url) ? url->path : base + "/v3";
    co_return failed;
}

asio::awaitable<keystone_access::logged_in> keystone_access::try_login() {
    logged_in done;
    if (!v3_path_) {
        done.failed = co_await find_v3();
        if (!done.failed.why.empty()) {
            co_return done;
        }
    }
    const bool is_catalogue_wanted = settings_.service.has_value();
    const auto target = *v3_path_ + "/auth/tokens" + (is_catalogue_wanted ? "" : "?nocatalog");
    const auto body = login_body(settings_.login);
    auto got = co_await ask("POST", target, body);
    if (got.http.status / 100 != 2) {
        done.failed = refusal("POST", target, got);
        co_return done;
    }
    done = take(got.http);
    ::explicit_bzero(got.http.subject_token.data(), got.http.subject_token.size());
    co_return done;
}

keystone_access::logged_in keystone_access::take(const transport::http_answer& answer) {
    logged_in done;
    done.failed.kind = failure::config;
    const auto issued = read_token(answer);
    if (!issued) {
        done.failed.why =
            issued.error() == errc::too_large
                ? fmt::format(
                      "Keystone: {} issued a token of {} bytes; no server takes more than {}",
                      settings_.auth_url.text(),
                      answer.subject_token.size(),
                      max_token_bytes)
                : fmt::format(
                      "Keystone: {} answered without a token; is monasca.auth_url the address of "
                      "Keystone?",
                      settings_.auth_url.text());
        return done;
    }
    if (issued->project_id.empty()) {
        done.failed.why = "Keystone: the token is of no project, which Monasca refuses; set "
                          "monasca.project";
        return done;
    }
    pass made{.token = issued->token};
    if (settings_.service) {
        auto chosen = choose_endpoint(
            issued->catalogue, *settings_.service, settings_.auth_url, settings_.rules);
        if (!chosen.why.empty()) {
            done.failed.why = fmt::format("Keystone: {}", chosen.why);
            return done;
        }
        made.service = std::move(chosen.url);
    }
    done.with = std::move(made);
    done.life = issued->life;
    look_at_clock(answer.date);
    look_at_roles(*issued);
    return done;
}

// Metrics are stamped with our clock.
void keystone_access::look_at_clock(const std::string& date) {
    const auto theirs = transport::read_http_date(date);
    if (!theirs || has_told_clock_) {
        return;
    }
    const auto difference = std::chrono::seconds(*theirs - std::time(nullptr));
    if (std::chrono::abs(difference) > told_clock_difference) {
        has_told_clock_ = true;
        settings_.say(
            log_level::warning,
            fmt::format(
                "Keystone: its clock and that of this machine are {} s apart; the times of metrics "
                "may be wrong",
                std::chrono::abs(difference).count()));
    }
}

// Without the role tenant_id is ignored in silence.
void keystone_access::look_at_roles(const keystone_token& issued) {
    const bool may_delegate =
        std::any_of(issued.roles.begin(), issued.roles.end(), [](const std::string& role) {
            return std::find(delegate_roles.begin(), delegate_roles.end(), role) !=
                   delegate_roles.end();
        });
    if (settings_.tenant_id.empty() || may_delegate || std::exchange(has_told_roles_, true)) {
        return;
    }
    settings_.say(
        log_level::warning,
        fmt::format(
            "monasca.tenant_id = {}: the token has neither the role admin nor monitoring-delegate; "
            "Monasca then ignores it, and the metrics become those of project {}",
            settings_.tenant_id,
            issued.project_id));
}

} // namespace monarc::auth
