#include "monasca/credentials.hpp"

#include "monasca/key_values.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace monarc::tool {
namespace {

const global_definition* definition_of(std::string_view option) noexcept {
    for (const auto& one : global_options()) {
        if (one.name == option) {
            return &one;
        }
    }
    return nullptr;
}

bool is_yes(const std::string& text) {
    const auto word = lower(text);
    return word == "true" || word == "1" || word == "yes" || word == "on" || word == "t" ||
           word == "y";
}

std::string interface_of(std::string type) {
    if (type.ends_with("URL")) {
        type.resize(type.size() - 3);
    }
    return type;
}

} // namespace

settings::settings(const arguments& given, const surroundings& around)
    : given_(given), around_(around) {
    choose_cloud();
}

std::string settings::option(std::string_view name) const {
    const auto found = given_.globals.find(name);
    return found == given_.globals.end() ? std::string() : found->second;
}

std::string settings::without_cloud(std::string_view name) const {
    const auto* const what = definition_of(name);
    if (auto text = option(name); !text.empty() || what == nullptr || what->variable.empty()) {
        return text;
    }
    const char* const text = around_.variable(std::string(what->variable).c_str());
    return text == nullptr ? std::string() : text;
}

std::string settings::value(std::string_view option) const {
    if (auto text = without_cloud(option); !text.empty()) {
        return text;
    }
    const auto found = cloud_.find(option);
    return found == cloud_.end() ? std::string() : found->second;
}

bool settings::is_on(std::string_view option) const {
    return given_.has_flag(option) || !value(option).empty();
}

// Of several names for one thing: any option comes before any variable, that before the cloud.
std::string settings::first_of(std::initializer_list<std::string_view> options) const {
    for (const auto held : {&settings::option, &settings::without_cloud, &settings::value}) {
        for (const auto name : options) {
            if (auto text = (this->*held)(name); !text.empty()) {
                return text;
            }
        }
    }
    return {};
}

// The one that is named; without a name the only one, if nothing else says who asks.
void settings::choose_cloud() {
    const auto name = without_cloud("--os-cloud");
    if (name.empty()) {
        for (const std::string_view option :
             {"--os-auth-url",
              "--os-auth-type",
              "--os-token",
              "--os-auth-token",
              "--os-username",
              "--os-password",
              "--os-no-client-auth"}) {
            if (is_on(option)) {
                return;
            }
        }
    }
    const auto file = around_.clouds();
    if (!file.wrong.empty()) {
        throw failure{"monasca: " + file.wrong};
    }
    if (name.empty() && file.clouds.size() > 1) {
        std::string names;
        for (const auto& [one, held] : file.clouds) {
            names += names.empty() ? one : ", " + one;
        }
        throw failure{fmt::format(
            "monasca: {} has several clouds; choose one with --os-cloud: {}", file.path, names)};
    }
    if (name.empty()) {
        if (!file.clouds.empty()) {
            cloud_ = file.clouds.begin()->second;
        }
        return;
    }
    const auto found = file.clouds.find(name);
    if (found == file.clouds.end()) {
        throw failure{fmt::format(
            "Cloud {} was not found{}.",
            name,
            file.path.empty() ? ": there is no clouds.yaml" : " in " + file.path)};
    }
    cloud_ = found->second;
}

std::chrono::milliseconds
settings::seconds_of(std::string_view option, std::chrono::milliseconds otherwise) const {
    const auto text = value(option);
    double seconds = 0;
    if (text.empty()) {
        return otherwise;
    }
    if (!read_number(text, seconds) || seconds <= 0 || seconds > 1e9) {
        throw failure{
            fmt::format("monasca: {} must be a number of seconds above 0, got '{}'", option, text),
            2};
    }
    return std::chrono::milliseconds(std::llround(std::ceil(seconds * 1000)));
}

// Which way is taken; empty: nothing says who asks.
std::string settings::login_type() const {
    if (auto type = value("--os-auth-type"); !type.empty()) {
        return type;
    }
    if (is_on("--os-no-client-auth")) {
        return "no_client_auth";
    }
    const auto token = first_of({"--os-token", "--os-auth-token"});
    if (!value("--os-username").empty() || !value("--os-user-id").empty()) {
        return "password";
    }
    if (!value("--os-application-credential-secret").empty()) {
        return "v3applicationcredential";
    }
    if (token.empty()) {
        return {};
    }
    return value("--os-auth-url").empty() ? "no_client_auth" : "token";
}

monasca::client_options settings::client_options() const {
    if (const auto version = value("--monasca-api-version"); !version.empty() && version != "2_0") {
        throw failure{fmt::format("monasca: --monasca-api-version must be 2_0, got '{}'", version)};
    }
    monasca::client_options o;
    set_addresses(o);
    set_login(o);
    o.timeout = seconds_of("--timeout", o.timeout);
    o.login_timeout = std::min(seconds_of("--keystone_timeout", o.login_timeout), o.timeout);
    o.connect_timeout = std::min(o.connect_timeout, o.timeout);
    const auto insecure = value("--insecure");
    o.tls.verify =
        !given_.has_flag("--insecure") && (given_.has_flag("--verify") || !is_yes(insecure));
    o.tls.ca_file = value("--os-cacert");
    o.tls.cert_file = value("--os-cert");
    o.tls.key_file = o.tls.cert_file.empty() ? "" : value("--os-key");
    return o;
}

void settings::set_addresses(monasca::client_options& o) const {
    o.url = value("--monasca-api-url");
    o.auth_url = value("--os-auth-url");
    o.region = value("--os-region-name");
    if (const auto type = value("--os-service-type"); !type.empty()) {
        o.service_type = type;
    }
    if (const auto from = first_of({"--os-endpoint-type", "--os-interface"}); !from.empty()) {
        o.interface = interface_of(from);
    }
}

void settings::set_login(monasca::client_options& o) const {
    using monasca::login_method;
    const auto type = login_type();
    const char* const override = around_.variable("OS_MONITORING_ENDPOINT_OVERRIDE");
    const bool is_old_way = type == "no_client_auth";
    if (type == "admin_token" || type == "none" || is_old_way) {
        o.login = login_method::fixed_token;
        o.token = secret(
            type == "none" ? "notused"
            : is_old_way   ? first_of({"--os-auth-token", "--os-token"})
                           : first_of({"--os-token", "--os-auth-token"}));
        if (o.url.empty() && !is_old_way) {
            o.url = value("--os-endpoint");
        }
        if (o.url.empty() && override != nullptr) {
            o.url = override;
        }
        if (o.url.empty()) {
            throw failure{"monasca: without Keystone the address of Monasca must be given: "
                          "--monasca-api-url or MONASCA_API_URL"};
        }
        // 1.0.1 took a user in its place, whom nobody but Keystone can check.
        if (o.token.is_empty() && is_old_way &&
            (value("--os-username").empty() || value("--os-password").empty())) {
            throw failure{
                "monasca: without Keystone a token must be given: --os-token or OS_TOKEN"};
        }
        if (o.token.is_empty() && type == "admin_token") {
            throw failure{"monasca: the type admin_token wants a token: --os-token or OS_TOKEN"};
        }
        return;
    }
    if (o.url.empty() && override != nullptr) {
        o.url = override;
    }
    if (type.empty()) {
        throw failure{"monasca: nothing says who asks: give --os-auth-url with --os-username and "
                      "--os-password, or --os-token, or --os-cloud; or the variables OS_..."};
    }
    if (o.auth_url.empty()) {
        throw failure{"monasca: --os-auth-url is not set; give the flag or OS_AUTH_URL"};
    }
    o.asks_for_versions = !type.starts_with("v3");
    if (type == "password" || type == "v3password") {
        set_user(o);
        set_scope(o);
        if (type == "v3password" && o.user_id.empty() && o.user_domain.empty() &&
            o.user_domain_id.empty()) {
            throw failure{"monasca: a user's name is unique only within a domain: give "
                          "--os-user-domain-name or --os-user-domain-id"};
        }
    } else if (type == "token" || type == "v3token") {
        o.login = login_method::token;
        o.token = secret(first_of({"--os-token", "--os-auth-token"}));
        if (o.token.is_empty()) {
            throw failure{"monasca: the type token wants a token: --os-token or OS_TOKEN"};
        }
        set_scope(o);
    } else if (type == "v3applicationcredential") {
        o.login = login_method::application_credential;
        o.credential_id = value("--os-application-credential-id");
        o.credential = value("--os-application-credential-name");
        o.credential_secret = secret(value("--os-application-credential-secret"));
        o.user_id = value("--os-user-id");
        o.username = value("--os-username");
        o.user_domain_id = value("--os-user-domain-id");
        o.user_domain = value("--os-user-domain-name");
        if (o.credential_secret.is_empty() || (o.credential_id.empty() && o.credential.empty())) {
            throw failure{
                "monasca: an application credential wants its id or name, and its secret: "
                "--os-application-credential-id, --os-application-credential-secret"};
        }
    } else {
        throw failure{fmt::format(
            "monasca: --os-auth-type '{}' is not spoken here; there are password, token, "
            "v3password, v3token, v3applicationcredential, admin_token and none{}",
            type,
            type.starts_with("v2") ? "; Keystone v2.0 is gone since 2018" : "")};
    }
}

void settings::set_user(monasca::client_options& o) const {
    o.user_id = value("--os-user-id");
    o.username = value("--os-username");
    o.user_domain_id = value("--os-user-domain-id");
    o.user_domain = value("--os-user-domain-name");
    if (o.user_id.empty() && o.username.empty()) {
        throw failure{"monasca: --os-username is not set; give the flag or OS_USERNAME"};
    }
    o.password = secret(value("--os-password"));
    if (o.password.is_empty()) {
        auto typed = around_.ask_password();
        if (!typed || typed->is_empty()) {
            throw failure{"No password entered, or found via --os-password or OS_PASSWORD"};
        }
        o.password = std::move(*typed);
    }
}

void settings::set_scope(monasca::client_options& o) const {
    o.project_id = first_of({"--os-project-id", "--os-tenant-id"});
    o.project = first_of({"--os-project-name", "--os-tenant-name"});
    o.project_domain_id = value("--os-project-domain-id");
    o.project_domain = value("--os-project-domain-name");
    o.domain_id = value("--os-domain-id");
    o.domain = value("--os-domain-name");
    o.trust_id = value("--os-trust-id");
    const bool has_project = !o.project_id.empty() || !o.project.empty();
    const bool has_domain = !o.domain_id.empty() || !o.domain.empty();
    if (!o.trust_id.empty() && (has_project || has_domain)) {
        throw failure{"monasca: a token has one scope: a trust, or a project or domain"};
    }
    // Whatever is smaller than the system counts.
    o.is_for_system =
        !value("--os-system-scope").empty() && !has_project && !has_domain && o.trust_id.empty();
    if (has_project) {
        fill_domains(o, o.domain_id, o.domain);
    }
    if (o.asks_for_versions) { // the v3 types do not know these two
        fill_domains(o, value("--os-default-domain-id"), value("--os-default-domain-name"));
    }
    const char* const version = around_.variable("OS_IDENTITY_API_VERSION");
    if (version != nullptr && std::string_view(version).starts_with('3')) {
        const auto id = value("--os-default-domain");
        fill_domains(o, id.empty() ? "default" : id, {});
    }
}

// Where user or project have no domain yet.
void settings::fill_domains(
    monasca::client_options& o, const std::string& id, const std::string& name) {
    if (o.user_domain_id.empty() && o.user_domain.empty()) {
        o.user_domain_id = id;
        o.user_domain = name;
    }
    if (o.project_domain_id.empty() && o.project_domain.empty()) {
        o.project_domain_id = id;
        o.project_domain = name;
    }
}

} // namespace monarc::tool
