#include "auth/mona_login.hpp"

#include "core/utf8.hpp"
#include "encode/json_writer.hpp"

#include <fmt/format.h>
#include <simdjson.h>
#include <string.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace monarc::auth {
namespace {

namespace dom = simdjson::dom;

constexpr std::string_view mona_login_url =
    "https://monalabs.frontegg.com/identity/resources/auth/v1/api-token";
constexpr std::size_t max_token_bytes = 8000; // what servers take of a header

secret wiped_into_secret(std::string& text) {
    secret kept(text);
    ::explicit_bzero(text.data(), text.size());
    return kept;
}

void put_text(std::string& out, std::string_view text) {
    std::string valid;
    append_utf8(text, valid);
    encode::put_json_text(out, valid);
    ::explicit_bzero(valid.data(), valid.size());
}

// application/x-www-form-urlencoded.
void put_form(std::string& out, std::string_view key, std::string_view value) {
    out += out.empty() ? "" : "&";
    out += key;
    out += '=';
    for (const char c : value) {
        const auto byte = static_cast<unsigned char>(c);
        const bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                              (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.' ||
                              c == '~';
        if (is_plain) {
            out += c;
        } else if (c == ' ') {
            out += '+';
        } else {
            out += fmt::format("%{:02X}", byte);
        }
    }
}

std::string_view text_at(const dom::element& in, std::string_view key) {
    std::string_view text;
    return in[key].get(text) == simdjson::SUCCESS ? text : std::string_view();
}

// Of base64url without padding; empty if it is none.
std::string decoded(std::string_view text) {
    std::string bytes;
    std::uint32_t word = 0;
    int bits = 0;
    for (const char c : text) {
        const int value = c >= 'A' && c <= 'Z'   ? c - 'A'
                          : c >= 'a' && c <= 'z' ? c - 'a' + 26
                          : c >= '0' && c <= '9' ? c - '0' + 52
                          : c == '-' || c == '+' ? 62
                          : c == '_' || c == '/' ? 63
                                                 : -1;
        if (c == '=') {
            break;
        }
        if (value < 0) {
            return {};
        }
        word = word << 6 | static_cast<std::uint32_t>(value);
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            bytes += static_cast<char>(word >> bits & 0xff);
        }
    }
    return bytes;
}

// 4xx but for those that ask for patience: other credentials are needed, not another attempt.
bool is_refusal(unsigned status) noexcept {
    return status / 100 == 4 && status != 408 && status != 425 && status != 429;
}

// What an error says of itself: short texts only, for a token is long.
std::string error_of(const dom::element& root) {
    constexpr std::size_t longest_word = 120;
    for (const auto* const key : {"error_description", "error", "message", "errors"}) {
        dom::element found;
        if (root[key].get(found) != simdjson::SUCCESS) {
            continue;
        }
        dom::array several;
        if (found.get(several) == simdjson::SUCCESS && several.begin() != several.end()) {
            found = *several.begin();
        }
        std::string_view text;
        if (found.get(text) == simdjson::SUCCESS && text.size() <= longest_word) {
            std::string line(text);
            std::replace_if(
                line.begin(),
                line.end(),
                [](unsigned char c) { return c < 0x20 || c == 0x7f; },
                ' ');
            return ": " + line;
        }
    }
    return {};
}

mona_login_answer no_token(failure kind, std::string why) {
    return {.is_json = true, .kind = kind, .why = std::move(why)};
}

} // namespace

secret mona_login_body(const mona_rest_options& options) {
    std::string body;
    body.reserve(
        256 + 6 * (options.api_key.reveal().size() + options.secret.reveal().size()) +
        3 * options.oidc_scope.size()); // so that no outgrown buffer keeps a part
    if (options.auth == mona_auth_mode::oidc) {
        put_form(body, "client_id", options.api_key.reveal());
        put_form(body, "client_secret", options.secret.reveal());
        put_form(body, "grant_type", "client_credentials");
        if (!options.oidc_scope.empty()) {
            put_form(body, "scope", options.oidc_scope);
        }
    } else {
        body += "{\"clientId\":";
        put_text(body, options.api_key.reveal());
        body += ",\"secret\":";
        put_text(body, options.secret.reveal());
        body += '}';
    }
    return wiped_into_secret(body);
}

secret mona_refresh_body(const secret& refresh_token) {
    std::string body;
    body.reserve(64 + 6 * refresh_token.reveal().size());
    body += "{\"refreshToken\":";
    put_text(body, refresh_token.reveal());
    body += '}';
    return wiped_into_secret(body);
}

std::string_view login_content_type(mona_auth_mode mode) noexcept {
    return mode == mona_auth_mode::oidc ? "application/x-www-form-urlencoded" : "application/json";
}

std::string login_url(const mona_rest_options& options) {
    return options.token_url.empty() ? std::string(mona_login_url) : options.token_url;
}

std::string refresh_url(const mona_rest_options& options) {
    return options.refresh_url.empty() ? login_url(options) + "/token/refresh"
                                       : options.refresh_url;
}

std::string tenant_of(std::string_view jwt) {
    const auto begin = jwt.find('.') + 1;
    if (begin == 0) {
        return {};
    }
    const auto claims = decoded(jwt.substr(begin, jwt.find('.', begin) - begin));
    dom::parser parser;
    dom::element root;
    if (parser.parse(claims).get(root) != simdjson::SUCCESS) {
        return {};
    }
    return std::string(text_at(root, "tenantId"));
}

mona_login_answer read_login_answer(const transport::http_answer& answer, mona_auth_mode mode) {
    dom::parser parser;
    dom::element root;
    if (parser.parse(answer.body).get(root) != simdjson::SUCCESS) {
        mona_login_answer other;
        other.kind = is_refusal(answer.status) ? failure::auth : failure::throttle;
        other.why = fmt::format("{} with an answer that is no JSON", answer.status);
        return other;
    }
    if (answer.status / 100 != 2) {
        return no_token(
            is_refusal(answer.status) ? failure::auth : failure::throttle,
            fmt::format("{}{}", answer.status, error_of(root)));
    }
    const bool is_oidc = mode == mona_auth_mode::oidc;
    const auto access = text_at(root, is_oidc ? "access_token" : "accessToken");
    const bool is_visible =
        std::all_of(access.begin(), access.end(), [](char c) { return c > ' ' && c <= '~'; });
    if (access.empty() || access.size() > max_token_bytes || !is_visible) {
        return no_token(failure::throttle, fmt::format("{} without a usable token", answer.status));
    }
    mona_token made{.access = secret(access)};
    double seconds = 0;
    if (root[is_oidc ? "expires_in" : "expiresIn"].get(seconds) == simdjson::SUCCESS) {
        constexpr double longest = 1e9;
        if (!(seconds > 0)) {
            return no_token(
                failure::throttle,
                fmt::format("a token that is expired already (it lasts {} s)", seconds));
        }
        made.life = std::chrono::milliseconds(
            std::max<std::int64_t>(1, std::llround(std::min(seconds, longest) * 1000)));
    }
    if (!is_oidc) {
        made.refresh = secret(text_at(root, "refreshToken"));
        made.tenant = tenant_of(access);
    }
    mona_login_answer good{.is_json = true};
    good.token = std::move(made);
    return good;
}

} // namespace monarc::auth
