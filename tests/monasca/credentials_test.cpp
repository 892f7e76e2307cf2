#include "monasca/credentials.hpp"
#include "monasca/key_values.hpp"

#include <doctest/doctest.h>

#include <map>
#include <string>
#include <vector>

using namespace monarc;
using namespace monarc::tool;
using monasca::login_method;

namespace {

struct scene {
    std::map<std::string, std::string> variables{};
    std::string clouds_text{};
    std::vector<std::string> words{};

    monasca::client_options options() const {
        auto line = words;
        line.emplace_back("metric-list");
        const auto given = read_arguments(line);
        REQUIRE(given.wrong == "");
        const surroundings around{
            .variable =
                [&](const char* name) {
                    const auto found = variables.find(name);
                    return found == variables.end() ? nullptr : found->second.c_str();
                },
            .clouds =
                [&] {
                    return clouds_text.empty() ? clouds_file()
                                               : parse_clouds("clouds.yaml", clouds_text);
                },
            .ask_password = [] { return std::optional<secret>(); }};
        return settings(given, around).client_options();
    }
    std::string wrong() const {
        try {
            options();
        } catch (const failure& why) {
            return why.text;
        }
        return "";
    }
};

scene user() {
    return {
        .variables = {{"OS_AUTH_URL", "http://k/v3"}, {"OS_USERNAME", "u"}, {"OS_PASSWORD", "p"}}};
}

} // namespace

TEST_SUITE("monasca/credentials") {
TEST_CASE("an option wins over its variable, that over clouds.yaml; empty counts as not given") {
    auto s = user();
    s.variables["OS_CLOUD"] = "c";
    s.variables["OS_REGION_NAME"] = "";
    s.clouds_text = "clouds: {c: {region_name: R, verify: no, auth: {username: cloud, "
                    "project_name: P, auth_url: 'http://c'}}}";
    s.words = {"--os-username", "option"};
    const auto o = s.options();

    CHECK(o.username == "option");
    CHECK(o.auth_url == "http://k/v3");
    CHECK(o.project == "P");
    CHECK(o.region == "R");
    CHECK(!o.tls.verify);
}

TEST_CASE("without a type the way is found by what is there") {
    const auto way = [](std::map<std::string, std::string> variables) {
        return scene{.variables = std::move(variables)}.options().login;
    };

    CHECK(user().options().login == login_method::password);
    CHECK(way({{"OS_TOKEN", "t"}, {"OS_AUTH_URL", "http://k"}}) == login_method::token);
    CHECK(way({{"OS_TOKEN", "t"}, {"MONASCA_API_URL", "http://m"}}) == login_method::fixed_token);
    CHECK(
        way(
            {{"OS_NO_CLIENT_AUTH", "0"},
             {"OS_AUTH_TOKEN", "t"},
             {"OS_AUTH_URL", "http://k"},
             {"MONASCA_API_URL", "http://m"}}) == login_method::fixed_token);
    CHECK(
        way(
            {{"OS_APPLICATION_CREDENTIAL_ID", "i"},
             {"OS_APPLICATION_CREDENTIAL_SECRET", "s"},
             {"OS_AUTH_URL", "http://k"}}) == login_method::application_credential);
}

TEST_CASE("without Keystone there is a token, or the user of 1.0.1, whom nobody checks") {
    scene s{.variables = {{"OS_NO_CLIENT_AUTH", "1"}, {"MONASCA_API_URL", "http://m"}}};
    CHECK(s.wrong().find("a token must be given") != std::string::npos);
    s.variables["OS_USERNAME"] = "u";
    CHECK(s.wrong().find("a token must be given") != std::string::npos);
    s.variables["OS_PASSWORD"] = "p";
    CHECK(s.options().token.is_empty());
}

TEST_CASE("the types without Keystone") {
    scene s{.variables = {{"OS_AUTH_TYPE", "none"}, {"OS_ENDPOINT", "http://m/v2.0"}}};
    CHECK(s.options().token == secret("notused"));
    CHECK(s.options().url == "http://m/v2.0");

    s.variables["OS_AUTH_TYPE"] = "admin_token";
    CHECK(s.wrong().find("--os-token") != std::string::npos);
    s.variables["OS_TOKEN"] = "t";
    CHECK(s.options().token == secret("t"));
    s.variables["MONASCA_API_URL"] = "http://other";
    CHECK(s.options().url == "http://other");
    s.variables.erase("MONASCA_API_URL");
    s.variables.erase("OS_ENDPOINT");
    CHECK(s.wrong().find("--monasca-api-url") != std::string::npos);
}

TEST_CASE("what is missing is named before anything is sent") {
    CHECK(scene{}.wrong().find("nothing says who asks") != std::string::npos);
    auto s = user();
    s.variables.erase("OS_AUTH_URL");
    CHECK(s.wrong().find("OS_AUTH_URL") != std::string::npos);
    s = user();
    s.variables.erase("OS_PASSWORD");
    CHECK(s.wrong().starts_with("No password entered"));
    s = user();
    s.variables["OS_AUTH_TYPE"] = "v3password";
    CHECK(s.wrong().find("--os-user-domain-name") != std::string::npos);
    s.variables["OS_AUTH_TYPE"] = "v2password";
    CHECK(s.wrong().find("gone since 2018") != std::string::npos);
    s = user();
    s.variables["OS_TRUST_ID"] = "t";
    s.variables["OS_PROJECT_ID"] = "p";
    CHECK(s.wrong().find("one scope") != std::string::npos);
    s = user();
    s.words = {"--monasca-api-version", "1_0"};
    CHECK(s.wrong().find("2_0") != std::string::npos);
    s.words = {"--timeout", "soon"};
    CHECK(s.wrong().find("--timeout must be a number") != std::string::npos);
}

TEST_CASE("default domains fill what is missing, the plain default only for version 3") {
    auto s = user();
    s.variables["OS_DEFAULT_DOMAIN"] = "x";
    CHECK(s.options().user_domain_id == "");
    s.variables["OS_IDENTITY_API_VERSION"] = "3";
    CHECK(s.options().user_domain_id == "x");
    CHECK(s.options().project_domain_id == "x");
    s.variables["OS_USER_DOMAIN_NAME"] = "Mine";
    CHECK(s.options().user_domain_id == "");
    CHECK(s.options().user_domain == "Mine");
    CHECK(s.options().project_domain_id == "x");
    s.variables["OS_DEFAULT_DOMAIN_NAME"] = "Named";
    CHECK(s.options().project_domain == "Named");

    s = user();
    s.variables["OS_AUTH_TYPE"] = "v3password";
    s.variables["OS_DEFAULT_DOMAIN_ID"] = "x";
    CHECK(s.wrong().find("--os-user-domain-name") != std::string::npos);
    s.variables["OS_IDENTITY_API_VERSION"] = "3";
    CHECK(s.options().user_domain_id == "default");
}

TEST_CASE("beside a project a domain is that of user and project, the system does not count") {
    auto s = user();
    s.variables["OS_DOMAIN_NAME"] = "d";
    CHECK(s.options().user_domain == "");
    s.variables["OS_PROJECT_NAME"] = "p";
    s.variables["OS_PROJECT_DOMAIN_ID"] = "pd";
    s.variables["OS_SYSTEM_SCOPE"] = "all";
    CHECK(s.options().user_domain == "d");
    CHECK(s.options().project_domain == "");
    CHECK(!s.options().is_for_system);

    s = user();
    s.variables["OS_SYSTEM_SCOPE"] = "all";
    CHECK(s.options().is_for_system);
    s.variables["OS_TRUST_ID"] = "t";
    CHECK(!s.options().is_for_system);
}

TEST_CASE("old names stand in: tenant, endpoint type, token") {
    auto s = user();
    s.variables["OS_TENANT_NAME"] = "old";
    s.variables["OS_ENDPOINT_TYPE"] = "internalURL";
    s.variables["OS_MONITORING_ENDPOINT_OVERRIDE"] = "http://m";
    CHECK(s.options().project == "old");
    CHECK(s.options().interface == "internal");
    CHECK(s.options().url == "http://m");
    s.variables["OS_PROJECT_NAME"] = "new";
    CHECK(s.options().project == "new");
    s.variables["OS_INTERFACE"] = "admin";
    CHECK(s.options().interface == "internal");
}

TEST_CASE("an option wins over a variable, that over clouds.yaml, also by another name") {
    auto s = user();
    s.clouds_text = "clouds: {c: {interface: admin, auth: {project_name: P}}}";
    s.variables["OS_CLOUD"] = "c";
    s.variables["OS_TENANT_NAME"] = "variable";
    s.variables["OS_ENDPOINT_TYPE"] = "internalURL";
    CHECK(s.options().project == "variable");
    CHECK(s.options().interface == "internal");
    s.words = {"--os-interface", "public", "--os-project-name", "", "--os-tenant-name", "option"};
    s.variables["OS_PROJECT_NAME"] = "new";
    CHECK(s.options().project == "option");
    CHECK(s.options().interface == "public");
    s.words = {"--os-username", "", "--os-password="};
    CHECK(s.options().username == "u");
}

TEST_CASE("insecure beats a CA file, verify beats the variable; a key alone is not looked at") {
    auto s = user();
    s.variables["OS_INSECURE"] = "yes";
    s.variables["OS_KEY"] = "k.pem";
    CHECK(!s.options().tls.verify);
    CHECK(s.options().tls.key_file == "");
    s.words = {"--verify"};
    CHECK(s.options().tls.verify);
    s.variables["OS_INSECURE"] = "no";
    s.words = {};
    CHECK(s.options().tls.verify);
    s.words = {"-k", "--os-cert", "c.pem"};
    CHECK(!s.options().tls.verify);
    CHECK(s.options().tls.key_file == "k.pem");
}

TEST_CASE("broken clouds.yaml: path, line and reason") {
    for (const std::string text :
         {"clouds:\n  a: [", "\t", "clouds: 5", "- a", "", "a: &x\nb: *y", "clouds"}) {
        CAPTURE(text);
        const auto file = parse_clouds("clouds.yaml", text);
        CHECK(file.wrong.starts_with("clouds.yaml: "));
    }
    const auto odd =
        parse_clouds("clouds.json", R"({"clouds": {"a": {"auth": [], "verify": {}}}})");
    CHECK(odd.wrong == "");
    CHECK(odd.clouds.at("a").empty());
}
}
