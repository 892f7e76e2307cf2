#include "sink/keystone_api.hpp"

#include "sink/json_members.hpp"
#include "sink/keystone_tokens.hpp"
#include "sink/monasca_errors.hpp"
#include "sink/monasca_query.hpp"

#include <fmt/format.h>

#include <array>
#include <chrono>
#include <mutex>
#include <utility>

namespace monarc::sink {
namespace {

constexpr std::string_view not_found_page =
    "<!doctype html>\n<html lang=en>\n<title>404 Not Found</title>\n<h1>Not Found</h1>\n"
    "<p>The requested URL was not found on the server. If you entered the URL manually please "
    "check your spelling and try again.</p>\n";

http_response error_response(int status, std::string_view message, std::string_view base) {
    std::string body = "{\"error\":";
    json_members(body)
        .number("code", status)
        .text("message", message)
        .text("title", reason_phrase(status))
        .end();
    body += "}\n";
    auto response = json_response(status, std::move(body));
    if (status == 401)
        response.fields.emplace_back(
            "WWW-Authenticate", fmt::format("Keystone uri=\"{}/v3\"", base));
    return response;
}

http_response page_response(int status, std::string_view page) {
    http_response response;
    response.status = status;
    response.fields.emplace_back("Content-Type", "text/html; charset=utf-8");
    response.body = page;
    return response;
}

std::string version_json(std::string_view base) {
    return fmt::format(
        R"({{"id":"v3.14","status":"stable","updated":"2020-04-07T00:00:00Z",)"
        R"("links":[{{"rel":"self","href":"{}/v3/"}}],"media-types":[{{"base":"application/json",)"
        R"("type":"application/vnd.openstack.identity-v3+json"}}]}})",
        base);
}

// Keystone shows microseconds, and keeps whole seconds apart from zeros.
std::string to_keystone_time(std::int64_t milliseconds) {
    auto text = to_time(milliseconds, true);
    text.insert(text.size() - 1, "000");
    return text;
}

// RFC 9110, 5.6.7.
std::string to_http_date(std::int64_t milliseconds) {
    constexpr std::array<std::string_view, 7> days{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    constexpr std::array<std::string_view, 12> months{
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    using namespace std::chrono;
    const auto at = floor<seconds>(
        sys_time<std::chrono::milliseconds>(std::chrono::milliseconds(milliseconds)));
    const auto day = floor<std::chrono::days>(at);
    const year_month_day date(day);
    return fmt::format(
        "{}, {:02} {} {:04} {} GMT",
        days[weekday(day).c_encoding()],
        static_cast<unsigned>(date.day()),
        months[static_cast<unsigned>(date.month()) - 1],
        static_cast<int>(date.year()),
        to_time(milliseconds, false).substr(11, 8));
}

void append_service(
    std::string& out,
    std::string_view type,
    std::string_view name,
    std::string_view url,
    std::string_view region) {
    constexpr std::array<std::string_view, 3> interfaces{"public", "internal", "admin"};
    json_members service(out);
    service.name("endpoints");
    out += '[';
    for (const auto interface : interfaces) {
        if (interface != interfaces.front())
            out += ',';
        json_members(out)
            .text("id", keystone_id("endpoint", fmt::format("{}/{}", type, interface)))
            .text("interface", interface)
            .text("region_id", region)
            .text("url", url)
            .text("region", region)
            .end();
    }
    out += ']';
    service.text("id", keystone_id("service", type)).text("type", type).text("name", name).end();
}

std::string reference_json(std::string_view id, std::string_view name) {
    std::string out;
    json_members(out).text("id", id).text("name", name).end();
    return out;
}

} // namespace

class keystone_api::state {
public:
    explicit state(keystone_options wanted)
        : options_(std::move(wanted)), tokens_(options_.accounts, options_.seed) {}

    http_response serve(const http_request& request, std::int64_t now);

    mutable std::mutex mutex_; // guards what follows
    keystone_options options_;
    keystone_tokens tokens_;
    keystone_summary totals_;
    bool is_down_ = false;

private:
    struct call {
        const http_request& request;
        std::string_view path;
        std::string base; ///< http://host:port
        std::int64_t now;
    };

    http_response answer(const call& c);
    http_response log_in(const call& c);
    http_response about_subject(const call& c);
    std::string token_json(const keystone_token& token, const call& c) const;
    std::string catalogue_json(const call& c) const;

    std::uint64_t requests_ = 0;
};

http_response keystone_api::state::serve(const http_request& request, std::int64_t now) {
    std::string_view path = request.path;
    while (path.size() > 1 && path.ends_with('/'))
        path.remove_suffix(1);
    const auto host = request.field("host");
    const call c{request, path, fmt::format("http://{}", host.empty() ? "127.0.0.1" : host), now};

    const std::lock_guard lock(mutex_);
    http_response response;
    try {
        response = answer(c);
    } catch (const keystone_refusal& no) {
        response = error_response(no.status, no.what(), c.base);
    }
    ++totals_.responses[response.status];
    if (path == "/v3/auth/tokens" && request.method == "POST")
        ++(response.status == 201 ? totals_.logins : totals_.refused_logins);
    response.fields.emplace_back("Date", to_http_date(now));
    response.fields.emplace_back("Vary", "X-Auth-Token");
    response.fields.emplace_back(
        "x-openstack-request-id", fmt::format("req-00000000-0000-4000-9000-{:012x}", ++requests_));
    return response;
}

http_response keystone_api::state::answer(const call& c) {
    if (is_down_) {
        http_response response;
        response.status = 503;
        response.fields.emplace_back("Content-Type", "text/plain");
        response.body = "The service is down\n";
        return response;
    }
    const auto& method = c.request.method;
    const bool is_read = method == "GET" || method == "HEAD";
    if (c.path == "/v3/auth/tokens")
        return method == "POST" ? log_in(c) : about_subject(c);
    if (c.path == "/" && is_read) {
        auto response = json_response(
            300, fmt::format(R"({{"versions":{{"values":[{}]}}}})", version_json(c.base)));
        response.fields.emplace_back("Location", c.base + "/v3/");
        return response;
    }
    if (c.path == "/v3" && is_read)
        return json_response(200, fmt::format(R"({{"version":{}}})", version_json(c.base)));
    if (c.path == "/" || c.path == "/v3")
        throw keystone_refusal(405, "The method is not allowed for the requested URL.");
    return page_response(404, not_found_page);
}

http_response keystone_api::state::log_in(const call& c) {
    const auto login = read_login(c.request.body);
    const auto& token = tokens_.issue(login, c.now, options_.token_life.count());
    auto response = json_response(201, token_json(token, c));
    response.fields.emplace_back("X-Subject-Token", token.id);
    return response;
}

// GET, HEAD and DELETE: the sender's token first, then the one that it is about.
http_response keystone_api::state::about_subject(const call& c) {
    const auto& method = c.request.method;
    if (method != "GET" && method != "HEAD" && method != "DELETE")
        throw keystone_refusal(405, "The method is not allowed for the requested URL.");
    if (tokens_.find(c.request.field("x-auth-token"), c.now) == nullptr)
        throw not_authenticated();
    const auto subject = c.request.field("x-subject-token");
    const auto* found = tokens_.find(subject, c.now);
    if (found == nullptr)
        throw keystone_refusal(404, "Could not find token");
    if (method == "DELETE") {
        tokens_.revoke(subject);
        ++totals_.revoked;
        http_response response;
        response.status = 204;
        return response;
    }
    auto response = json_response(200, token_json(*found, c));
    response.fields.emplace_back("X-Subject-Token", std::string(subject));
    return response;
}

std::string keystone_api::state::token_json(const keystone_token& token, const call& c) const {
    const auto& owner = token.owner;
    const auto domain = reference_json(domain_id(owner), owner.domain);
    std::string out = "{\"token\":";
    json_members top(out);
    top.texts("methods", token.methods).name("user");
    json_members(out)
        .raw("domain", domain)
        .text("id", user_id(owner))
        .text("name", owner.user)
        .raw("password_expires_at", "null")
        .end();
    top.texts("audit_ids", token.audit_ids).text("expires_at", to_keystone_time(token.expires_at));
    top.text("issued_at", to_keystone_time(token.issued_at));
    if (!owner.project.empty()) {
        top.name("project");
        json_members(out)
            .raw("domain", domain)
            .text("id", project_id(owner))
            .text("name", owner.project)
            .end();
        top.boolean("is_domain", false).name("roles");
        out += '[';
        const auto roles = tokens_.facts_of(token).roles;
        for (const auto& role : roles) {
            if (&role != roles.data())
                out += ',';
            out += reference_json(role_id(role), role);
        }
        out += ']';
        if (!(c.request.query + "&").starts_with("nocatalog"))
            top.raw("catalog", catalogue_json(c));
    }
    top.end();
    return out + "}";
}

std::string keystone_api::state::catalogue_json(const call& c) const {
    std::string out = "[";
    append_service(out, "identity", "keystone", c.base + "/v3/", options_.region);
    if (!options_.monasca_url.empty()) {
        out += ',';
        append_service(out, "monitoring", "monasca", options_.monasca_url, options_.region);
    }
    return out + "]";
}

keystone_api::keystone_api(keystone_options wanted)
    : state_(std::make_unique<state>(std::move(wanted))) {}

keystone_api::~keystone_api() = default;

http_response keystone_api::serve(const http_request& request, std::int64_t now_milliseconds) {
    return state_->serve(request, now_milliseconds);
}

std::optional<token_facts>
keystone_api::find_token(std::string_view token, std::int64_t now) const {
    const std::lock_guard lock(state_->mutex_);
    const auto* found = state_->tokens_.find(token, now);
    return found == nullptr ? std::nullopt : std::optional(state_->tokens_.facts_of(*found));
}

void keystone_api::set_monasca_url(std::string url) {
    const std::lock_guard lock(state_->mutex_);
    state_->options_.monasca_url = std::move(url);
}

void keystone_api::set_token_life(std::chrono::milliseconds life) {
    const std::lock_guard lock(state_->mutex_);
    state_->options_.token_life = life;
}

void keystone_api::set_down(bool is_down) {
    const std::lock_guard lock(state_->mutex_);
    state_->is_down_ = is_down;
}

void keystone_api::revoke_all() {
    const std::lock_guard lock(state_->mutex_);
    state_->totals_.revoked += state_->tokens_.size();
    state_->tokens_.revoke_all();
}

void keystone_api::set_roles(std::string_view user, const std::vector<std::string>& roles) {
    const std::lock_guard lock(state_->mutex_);
    state_->tokens_.set_roles(user, roles);
}

keystone_summary keystone_api::snapshot() const {
    const std::lock_guard lock(state_->mutex_);
    return state_->totals_;
}

} // namespace monarc::sink
