#include "sink/rest_tokens.hpp"

#include "sink/json_members.hpp"
#include "sink/monasca_errors.hpp"
#include "sink/python_json.hpp"
#include "transport/digest.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <ctime>
#include <optional>

namespace monarc::sink {
namespace {

constexpr std::string_view form_type = "application/x-www-form-urlencoded";

// RFC 4648, section 5, without padding.
std::string base64url(std::string_view bytes) {
    constexpr std::string_view digits =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    std::string out;
    std::uint32_t word = 0;
    int bits = 0;
    for (const char byte : bytes) {
        word = word << 8 | static_cast<std::uint8_t>(byte);
        for (bits += 8; bits >= 6; bits -= 6)
            out += digits[word >> (bits - 6) & 0x3f];
    }
    if (bits != 0)
        out += digits[word << (6 - bits) & 0x3f];
    return out;
}

// The text member of that name of a JSON object.
std::optional<std::string> text_member(std::string_view json, std::string_view name) {
    const auto document = python::document::read(json);
    const auto* const found = document ? document->root().find(name) : nullptr;
    if (found == nullptr || found->kind != python::kind::text)
        return std::nullopt;
    return std::string(found->text);
}

std::string_view value_of(const query_params& form, std::string_view name) noexcept {
    for (const auto& [key, value] : form)
        if (key == name)
            return value;
    return {};
}

} // namespace

bool rest_tokens::is_for(std::string_view path) noexcept {
    return path.ends_with("/api-token") || path.ends_with("/api-token/token/refresh") ||
           path.ends_with("/token");
}

http_response rest_tokens::serve(const http_request& request, std::int64_t now) {
    if (request.method != "POST" || request.is_chunked)
        return refused(
            request.method != "POST" ? 405 : 411, R"({"errors":["POST with a length"]})");
    if (request.field("content-type").starts_with(form_type))
        return log_in_by_form(request, now);
    return request.path.ends_with("/refresh") ? refresh(request, now) : log_in(request, now);
}

http_response rest_tokens::refused(int status, std::string_view body) {
    ++counts_.refused;
    return json_response(status, std::string(body));
}

bool rest_tokens::is_secret(std::string_view secret) const noexcept {
    return !secret.empty() && (options_.secret.empty() || secret == options_.secret);
}

http_response rest_tokens::log_in(const http_request& request, std::int64_t now) {
    const auto key = text_member(request.body, "clientId");
    const auto secret = text_member(request.body, "secret");
    if (!key || !secret)
        return refused(400, R"({"errors":["clientId and secret are wanted, as JSON texts"]})");
    if (key->empty() || !is_secret(*secret))
        return refused(401, R"({"errors":["Invalid authentication"]})");
    ++counts_.logins;
    return as_json(issue(now), now);
}

http_response rest_tokens::refresh(const http_request& request, std::int64_t now) {
    const auto given = text_member(request.body, "refreshToken");
    if (!given)
        return refused(400, R"({"errors":["refreshToken is wanted, as a JSON text"]})");
    const auto known = by_refresh_token_.find(*given);
    if (known == by_refresh_token_.end())
        return refused(401, R"({"errors":["Invalid refresh token"]})");
    by_refresh_token_.erase(known); // good for one use
    ++counts_.refreshes;
    return as_json(issue(now), now);
}

http_response rest_tokens::log_in_by_form(const http_request& request, std::int64_t now) {
    const auto form = read_query(request.body);
    if (value_of(form, "grant_type") != "client_credentials")
        return refused(400, R"({"error":"unsupported_grant_type"})");
    if (value_of(form, "client_id").empty() || !is_secret(value_of(form, "client_secret")))
        return refused(401, R"({"error":"invalid_client"})");
    ++counts_.logins;
    std::string body;
    json_members(body)
        .text("access_token", issue(now).token)
        .text("token_type", "Bearer")
        .number("expires_in", options_.life.count())
        .end();
    return json_response(200, std::move(body));
}

http_response rest_tokens::as_json(const issued& made, std::int64_t now) const {
    const auto end = static_cast<std::time_t>(now / 1000 + options_.life.count());
    std::string body;
    json_members(body)
        .text("accessToken", made.token)
        .text("refreshToken", made.refresh)
        .number("expiresIn", options_.life.count())
        .text("expires", fmt::format("{:%a, %d %b %Y %H:%M:%S} GMT", fmt::gmtime(end)))
        .end();
    return json_response(200, std::move(body));
}

rest_tokens::issued rest_tokens::issue(std::int64_t now) {
    constexpr std::size_t unguessable = 16; // bytes
    const auto number = ++number_;
    const auto nonce = base64url(transport::random_bytes(unguessable));
    const auto expiry = now + std::chrono::milliseconds(options_.life).count();
    std::string claims;
    json_members(claims)
        .text("tenantId", options_.tenant)
        .text("jti", nonce)
        .number("exp", expiry / 1000)
        .end();
    issued made{
        fmt::format("{}.{}.c2ln", base64url(R"({"alg":"HS256","typ":"JWT"})"), base64url(claims)),
        "refresh-" + nonce};
    while (kept_.size() >= options_.max_tokens) {
        const auto& oldest = kept_.begin()->second;
        expiries_.erase(oldest.token);
        by_refresh_token_.erase(oldest.refresh);
        kept_.erase(kept_.begin());
    }
    expiries_[made.token] = expiry;
    by_refresh_token_[made.refresh] = number;
    kept_[number] = made;
    return made;
}

rest_tokens::standing rest_tokens::of(std::string_view token, std::int64_t now) const {
    const auto known = expiries_.find(token);
    if (known == expiries_.end())
        return standing::unknown;
    return now < known->second ? standing::good : standing::expired;
}

} // namespace monarc::sink
