#include "destinations/monasca.hpp"

#include "auth/masked.hpp"

#include <monarc/error.hpp>

#include <fmt/format.h>
#include <string.h>

#include <cassert>
#include <ctime>
#include <iterator>
#include <utility>

namespace monarc::destinations {
namespace asio = boost::asio;
using steady = std::chrono::steady_clock;

namespace {

// The table on top of delivery.md.
constexpr std::chrono::seconds connect_timeout{3};
constexpr std::chrono::milliseconds longest_idle{1500};

transport::http_url url_of(const std::string& text, std::string_view option) {
    auto url = transport::parse_http_url(text);
    if (!url) {
        throw std::system_error(
            errc::bad_options,
            fmt::format(
                "{} must be http://host[:port]/path without user, query or fragment, got '{}'",
                option,
                text));
    }
    return std::move(*url);
}

// Who logs in: with a user the password, with a token that, else an application credential.
auth::keystone_login login_of(const monasca_options& o) {
    using auth::keystone_method;
    const bool has_user = !o.username.empty() || !o.user_id.empty();
    return {
        .method = has_user              ? keystone_method::password
                  : !o.token.is_empty() ? keystone_method::token
                                        : keystone_method::application_credential,
        .user_id = o.user_id,
        .user_name = o.username,
        .user_domain = {.id = o.user_domain_id, .name = o.user_domain},
        .password = o.password,
        .token = o.token,
        .credential_id = o.credential_id,
        .credential_secret = o.credential_secret,
        .project_id = o.project_id,
        .project_name = o.project,
        .project_domain = {.id = o.project_domain_id, .name = o.project_domain}};
}

auth::keystone_access::settings keystone_of(const monasca::settings& s) {
    const auto& o = s.options;
    auth::keystone_access::settings made{
        .auth_url = url_of(o.auth_url, "monasca.auth_url"),
        .login = login_of(o),
        .rules =
            {.trusts_catalogue = o.catalogue == catalogue_mode::trust,
             .allows_plain_credentials = s.tls.allow_plain_credentials},
        .tenant_id = o.tenant_id,
        .response_timeout = s.response_timeout,
        .max_retry_after = s.max_retry_after,
        .say = s.say};
    if (o.url.empty()) {
        made.service.emplace();
        made.service->interface = o.interface;
        made.service->region = o.region;
    }
    return made;
}

std::string told(const transport::http_url& url, std::string_view why) {
    return fmt::format("POST {}/metrics: {}", url.text(), why);
}

} // namespace

monasca::monasca(
    asio::any_io_executor executor,
    const settings& s,
    std::span<std::atomic<int>, max_descriptors> descriptors,
    std::mt19937_64& random)
    : options_(s.options), wire_(s.max_retry_after, s.options.compression) {
    const bool has_keystone = !options_.auth_url.empty();
    uses_tls_ = has_keystone;
    if (!options_.url.empty()) {
        const auto url = url_of(options_.url, "monasca.url");
        uses_tls_ = uses_tls_ || url.is_tls;
        if (!has_keystone) {
            address_ = address_of(url, options_.token, 0);
        }
    }
    if (uses_tls_) {
        if (const auto wrong = tls_.load(s.tls); !wrong.empty()) {
            throw std::system_error(errc::bad_options, "tls." + wrong);
        }
    }
    if (has_keystone) {
        keystone_.emplace(executor, keystone_of(s), tls_, descriptors[max_connections], random);
    }
    const transport::http_waits waits{
        .connect = connect_timeout, .answer = s.response_timeout, .idle = longest_idle};
    for (std::size_t i = 0; i < lines_.size(); ++i) {
        lines_[i].peer.emplace(executor, tls_, descriptors[i], waits);
    }
}

monasca::~monasca() {
    abandon();
}

// Section 5: nothing that some server does not take.
std::shared_ptr<const monasca::address> monasca::address_of(
    const transport::http_url& url, const secret& token, std::uint64_t generation) const {
    std::string head;
    head.reserve(512 + url.path.size() + url.authority.size() + token.reveal().size());
    fmt::format_to(
        std::back_inserter(head),
        "POST {}/metrics{}{} HTTP/1.1\r\nHost: {}\r\n",
        url.path,
        options_.tenant_id.empty() ? "" : "?tenant_id=",
        options_.tenant_id,
        url.authority);
    if (!token.is_empty()) {
        head += "X-Auth-Token: ";
        head += token.reveal();
        head += "\r\n";
    }
    head += "Content-Type: application/json\r\nAccept: application/json\r\nUser-Agent: monarc\r\n";
    auto made = std::make_shared<const address>(
        address{.generation = generation, .url = url, .token = token, .head = secret(head)});
    ::explicit_bzero(head.data(), head.size());
    return made;
}

asio::awaitable<monasca::addressed> monasca::find_address() {
    addressed found;
    if (keystone_) {
        auto opened = co_await keystone_->open();
        if (opened.with == nullptr) {
            found.failed = std::move(opened.failed);
            co_return found;
        }
        const auto& pass = *opened.with;
        if (address_ == nullptr || address_->generation != pass.generation) {
            const auto url = options_.url.empty() ? pass.service : url_of(options_.url, "url");
            address_ = address_of(url, pass.token, pass.generation);
        }
    }
    found.to = address_;
    co_return found;
}

outcome
monasca::judge(transport::http_answer answer, const address& to, const exchange_facts& how) {
    if (answer.status / 100 != 2) { // no secret that it repeats is shown, nor a part of one
        answer.reason = auth::masked(answer.reason, {&to.token});
        answer.body = auth::masked(answer.body, {&to.token});
    }
    auto result = wire_.judge(answer, how);
    if (!result.why.empty()) {
        result.why = told(to.url, result.why);
    }
    if (!keystone_) {
        return result;
    }
    if (answer.status != 401 || result.kind != failure::auth) {
        keystone_->accepted(to.generation);
    } else if (keystone_->refused(to.generation)) {
        result.what = verdict::fresh_token;
    } else { // without a token there is nothing to try
        result.until_login = keystone_->time_to_login();
    }
    return result;
}

asio::awaitable<outcome> monasca::attempt(line& on, std::shared_ptr<const payload> p) {
    outcome result;
    auto found = co_await find_address();
    if (found.to == nullptr) {
        result = std::move(found.failed);
        co_return result;
    }
    const auto& to = *found.to;
    std::string text;
    text.reserve(to.head.reveal().size() + 128);
    text += to.head.reveal();
    text += p->is_gzip ? "Content-Encoding: gzip\r\n" : "";
    fmt::format_to(std::back_inserter(text), "Content-Length: {}\r\n\r\n", p->body.size());
    const secret head(text);
    ::explicit_bzero(text.data(), text.size());
    const std::array<std::string_view, 2> request{head.reveal(), p->body};
    const auto begin = steady::now();
    auto made = co_await on.peer->exchange(to.url, request);
    const auto end = steady::now();
    auto& got = made.got;
    if (!got.is_answered) {
        const bool was_idle =
            made.was_reused && !got.has_begun && !got.has_timed_out && !made.is_refusal;
        result.what = was_idle ? verdict::again : verdict::retry;
        result.was_written = got.was_written;
        result.was_unanswered = got.has_timed_out;
        result.kind = made.is_refusal ? failure::config : failure::network;
        result.why = made.was_connected ? told(to.url, got.why) : got.why;
        co_return result;
    }
    const exchange_facts how{
        .wall_seconds = std::time(nullptr),
        .now = end,
        .took = std::chrono::duration_cast<std::chrono::milliseconds>(end - begin),
        .was_gzip = p->is_gzip};
    const auto status = got.answer.status;
    result = judge(std::move(got.answer), to, how);
    if (status >= 500) { // another worker may be better (section 4)
        on.peer->close();
    }
    co_return result;
}

// The one used last, so that the others grow old and are not used again.
monasca::line* monasca::free_line() noexcept {
    line* best = nullptr;
    for (auto& one : lines_) {
        if (!one.is_busy && (best == nullptr || one.idle_since > best->idle_since)) {
            best = &one;
        }
    }
    return best;
}

asio::awaitable<outcome> monasca::send(std::shared_ptr<const payload> p) {
    auto* const on = free_line();
    assert(on != nullptr); // no more are in flight than there are lines
    outcome result;
    on->is_busy = true;
    // Not by a destructor: that also runs when the loop lets go of what it never resumed, and this
    // destination is gone before.
    try {
        result = co_await attempt(*on, std::move(p));
    } catch (...) {
        on->is_busy = false;
        throw;
    }
    on->is_busy = false;
    on->idle_since = steady::now();
    if (is_abandoned_ && result.what != verdict::delivered) {
        result.what = verdict::abandoned;
    }
    co_return result;
}

void monasca::retry_now() noexcept {
    if (keystone_) {
        keystone_->retry_now();
    }
}

void monasca::cut_backoff() noexcept {
    if (keystone_) {
        keystone_->cut_backoff();
    }
}

void monasca::abandon() noexcept {
    is_abandoned_ = true;
    if (keystone_) {
        keystone_->abandon();
    }
    for (auto& one : lines_) {
        if (one.peer) {
            one.peer->abandon();
        }
    }
}

std::uint64_t monasca::connections() const noexcept {
    std::uint64_t all = 0;
    for (const auto& one : lines_) {
        all += one.peer->connections();
    }
    return all;
}

} // namespace monarc::destinations
