#include "auth/keystone.hpp"

#include "core/utf8.hpp"
#include "encode/json_writer.hpp"

#include <monarc/error.hpp>

#include <simdjson.h>
#include <string.h>
#include <time.h>

#include <algorithm>
#include <charconv>

namespace monarc::auth {
namespace {

namespace dom = simdjson::dom;

void put_text(std::string& out, std::string_view text) {
    std::string valid;
    append_utf8(text, valid);
    encode::put_json_text(out, valid);
    ::explicit_bzero(valid.data(), valid.size()); // it may have been a password
}

void put_member(std::string& out, std::string_view key, std::string_view text) {
    out += out.back() == '{' ? "\"" : ",\"";
    out += key;
    out += "\":";
    put_text(out, text);
}

void open_member(std::string& out, std::string_view key) {
    out += out.back() == '{' ? "\"" : ",\"";
    out += key;
    out += "\":{";
}

void put_domain(std::string& out, const keystone_domain& domain) {
    if (domain.is_empty()) {
        return;
    }
    open_member(out, "domain");
    put_member(out, domain.id.empty() ? "name" : "id", domain.id.empty() ? domain.name : domain.id);
    out += '}';
}

void open_user(std::string& out, const keystone_login& login) {
    open_member(out, "user");
    if (!login.user_id.empty()) {
        put_member(out, "id", login.user_id);
    } else {
        put_member(out, "name", login.user_name);
        put_domain(out, login.user_domain);
    }
}

void put_scope(std::string& out, const keystone_login& login) {
    const bool has_project = !login.project_id.empty() || !login.project_name.empty();
    const bool has_scope =
        has_project || !login.domain.is_empty() || !login.trust_id.empty() || login.is_for_system;
    if (!has_scope || login.method == keystone_method::application_credential) {
        return;
    }
    open_member(out, "scope");
    if (has_project) {
        open_member(out, "project");
        if (!login.project_id.empty()) {
            put_member(out, "id", login.project_id);
        } else {
            put_member(out, "name", login.project_name);
            put_domain(out, login.project_domain);
        }
        out += '}';
    } else if (!login.domain.is_empty()) {
        put_domain(out, login.domain);
    } else if (!login.trust_id.empty()) {
        open_member(out, "OS-TRUST:trust");
        put_member(out, "id", login.trust_id);
        out += '}';
    } else {
        out += "\"system\":{\"all\":true}";
    }
    out += '}';
}

void put_identity(std::string& out, const keystone_login& login, bool is_shown) {
    const auto told = [&](const secret& text) { return is_shown ? "***" : text.reveal(); };
    open_member(out, "identity");
    switch (login.method) {
    case keystone_method::password:
        out += "\"methods\":[\"password\"],\"password\":{";
        open_user(out, login);
        put_member(out, "password", told(login.password));
        out += "}}";
        break;
    case keystone_method::token:
        out += "\"methods\":[\"token\"],\"token\":{";
        put_member(out, "id", told(login.token));
        out += '}';
        break;
    case keystone_method::application_credential:
        out += "\"methods\":[\"application_credential\"],\"application_credential\":{";
        if (!login.credential_id.empty()) {
            put_member(out, "id", login.credential_id);
        } else {
            put_member(out, "name", login.credential_name);
            open_user(out, login);
            out += '}';
        }
        put_member(out, "secret", told(login.credential_secret));
        out += '}';
    }
    out += '}';
}

std::string body_of(const keystone_login& login, bool is_shown) {
    std::string out = "{";
    out.reserve(2048); // so that no part of a secret is left behind in an outgrown buffer
    open_member(out, "auth");
    put_identity(out, login, is_shown);
    put_scope(out, login);
    out += "}}";
    return out;
}

std::string text_at(const dom::element& in, const char* key) {
    std::string_view text;
    return in[key].get(text) == simdjson::SUCCESS ? std::string(text) : std::string();
}

// Seconds since 1970; the fraction does not matter. -1: it is none.
std::int64_t read_time(const std::string& text) {
    tm parts{};
    return ::strptime(text.c_str(), "%Y-%m-%dT%H:%M:%S", &parts) == nullptr ? -1 : ::timegm(&parts);
}

std::vector<keystone_service> read_catalogue(const dom::element& token) {
    std::vector<keystone_service> all;
    dom::array services;
    if (token["catalog"].get(services) != simdjson::SUCCESS) {
        return all;
    }
    for (const auto service : services) {
        auto& made = all.emplace_back();
        made.type = text_at(service, "type");
        made.name = text_at(service, "name");
        dom::array endpoints;
        if (service["endpoints"].get(endpoints) != simdjson::SUCCESS) {
            continue;
        }
        for (const auto one : endpoints) {
            auto region = text_at(one, "region_id");
            made.endpoints.push_back(
                {.interface = text_at(one, "interface"),
                 .region = region.empty() ? text_at(one, "region") : std::move(region),
                 .url = text_at(one, "url")});
        }
    }
    return all;
}

} // namespace

secret login_body(const keystone_login& login) {
    auto text = body_of(login, false);
    secret body(text);
    ::explicit_bzero(text.data(), text.size());
    return body;
}

std::string shown_login_body(const keystone_login& login) {
    return body_of(login, true);
}

result<keystone_token> read_token(const transport::http_answer& answer) {
    const auto& text = answer.subject_token;
    const bool is_visible =
        std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c <= '~'; });
    if (text.empty() || !is_visible) {
        return make_error_code(errc::bad_data);
    }
    if (text.size() > max_token_bytes) {
        return make_error_code(errc::too_large);
    }
    dom::parser parser;
    dom::element root;
    dom::element token;
    if (parser.parse(answer.body).get(root) != simdjson::SUCCESS ||
        root["token"].get(token) != simdjson::SUCCESS || !token.is_object()) {
        return make_error_code(errc::bad_data);
    }
    keystone_token made;
    made.token = secret(text);
    const auto issued = read_time(text_at(token, "issued_at"));
    const auto expires = read_time(text_at(token, "expires_at"));
    if (issued >= 0 && expires > issued) {
        made.life = std::chrono::seconds(expires - issued);
    }
    dom::element project;
    if (token["project"].get(project) == simdjson::SUCCESS) {
        made.project_id = text_at(project, "id");
    }
    dom::array roles;
    if (token["roles"].get(roles) == simdjson::SUCCESS) {
        for (const auto one : roles) {
            made.roles.push_back(text_at(one, "name"));
        }
    }
    made.catalogue = read_catalogue(token);
    return made;
}

std::string error_message(std::string_view body) {
    dom::parser parser;
    dom::element root;
    dom::element error;
    if (parser.parse(body.data(), body.size()).get(root) != simdjson::SUCCESS ||
        root["error"].get(error) != simdjson::SUCCESS) {
        return {};
    }
    auto message = text_at(error, "message");
    return message.empty() ? text_at(error, "title") : message;
}

result<std::string> newest_v3(std::string_view body) {
    dom::parser parser;
    dom::element root;
    if (parser.parse(body.data(), body.size()).get(root) != simdjson::SUCCESS) {
        return make_error_code(errc::bad_data);
    }
    std::string best;
    int best_minor = -1;
    const auto look_at = [&](const dom::element& version) {
        const auto id = text_at(version, "id");
        int minor = 0;
        if (!id.starts_with("v3") || (id.size() > 2 && id[2] != '.')) {
            return;
        }
        if (id.size() > 3) {
            std::from_chars(id.data() + 3, id.data() + id.size(), minor);
        }
        dom::array links;
        if (minor <= best_minor || version["links"].get(links) != simdjson::SUCCESS) {
            return;
        }
        for (const auto link : links) {
            if (text_at(link, "rel") == "self" && !text_at(link, "href").empty()) {
                best = text_at(link, "href");
                best_minor = minor;
                return;
            }
        }
    };
    dom::element one;
    dom::array several;
    if (root["version"].get(one) == simdjson::SUCCESS) {
        look_at(one);
    } else if (
        root["versions"]["values"].get(several) == simdjson::SUCCESS ||
        root["versions"].get(several) == simdjson::SUCCESS) {
        for (const auto version : several) {
            look_at(version);
        }
    }
    if (best.empty()) {
        return make_error_code(errc::bad_data);
    }
    return best;
}

const keystone_endpoint* find_endpoint(
    std::span<const keystone_service> catalogue,
    std::string_view type,
    std::string_view interface,
    std::string_view region) noexcept {
    for (const auto& service : catalogue) {
        if (service.type != type) {
            continue;
        }
        for (const auto& one : service.endpoints) {
            if (one.interface == interface && (region.empty() || one.region == region)) {
                return &one;
            }
        }
    }
    return nullptr;
}

} // namespace monarc::auth
