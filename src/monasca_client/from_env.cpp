#include <monarc/monasca_client.hpp>

#include <algorithm>
#include <cstdlib>

namespace monarc::monasca {
namespace {

std::string text_of(const char* name) {
    const char* const text = std::getenv(name);
    return text != nullptr ? text : "";
}

bool is_yes(std::string word) {
    std::transform(word.begin(), word.end(), word.begin(), [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    return word == "true" || word == "1" || word == "yes";
}

login_method method_of(const client_options& o) {
    if (!o.username.empty() || !o.user_id.empty()) {
        return login_method::password;
    }
    if (!o.credential_secret.is_empty()) {
        return login_method::application_credential;
    }
    return o.auth_url.empty() ? login_method::fixed_token : login_method::token;
}

} // namespace

client_options client_options::from_env() {
    client_options o;
    const struct {
        std::string client_options::*member;
        const char* name;
    } texts[] = {
        {&client_options::url, "MONASCA_API_URL"},
        {&client_options::auth_url, "OS_AUTH_URL"},
        {&client_options::username, "OS_USERNAME"},
        {&client_options::user_id, "OS_USER_ID"},
        {&client_options::user_domain, "OS_USER_DOMAIN_NAME"},
        {&client_options::user_domain_id, "OS_USER_DOMAIN_ID"},
        {&client_options::credential, "OS_APPLICATION_CREDENTIAL_NAME"},
        {&client_options::credential_id, "OS_APPLICATION_CREDENTIAL_ID"},
        {&client_options::project, "OS_PROJECT_NAME"},
        {&client_options::project_id, "OS_PROJECT_ID"},
        {&client_options::project_domain, "OS_PROJECT_DOMAIN_NAME"},
        {&client_options::project_domain_id, "OS_PROJECT_DOMAIN_ID"},
        {&client_options::domain, "OS_DOMAIN_NAME"},
        {&client_options::domain_id, "OS_DOMAIN_ID"},
        {&client_options::trust_id, "OS_TRUST_ID"},
        {&client_options::region, "OS_REGION_NAME"}};
    for (const auto& [member, name] : texts) {
        o.*member = text_of(name);
    }
    if (auto interface = text_of("OS_INTERFACE"); !interface.empty()) {
        o.interface = std::move(interface);
    }
    o.password = secret::from_env("OS_PASSWORD");
    o.token = secret::from_env("OS_TOKEN");
    o.credential_secret = secret::from_env("OS_APPLICATION_CREDENTIAL_SECRET");
    o.is_for_system = !text_of("OS_SYSTEM_SCOPE").empty();
    o.tls.ca_file = text_of("OS_CACERT");
    o.tls.cert_file = text_of("OS_CERT");
    o.tls.key_file = o.tls.cert_file.empty() ? "" : text_of("OS_KEY");
    o.tls.verify = !is_yes(text_of("OS_INSECURE"));
    o.login = method_of(o);
    return o;
}

} // namespace monarc::monasca
