#include "sink/keystone_directory.hpp"

#include <fmt/format.h>

#include <cstdint>

namespace monarc::sink {
namespace {

// FNV-1a: an id has to be stable and to look like one, no more.
std::uint64_t hash(std::uint64_t start, std::string_view text) noexcept {
    for (const char c : text) {
        start ^= static_cast<unsigned char>(c);
        start *= 0x100000001b3;
    }
    return start;
}

std::string within_domain(const keystone_account& a, std::string_view name) {
    return fmt::format("{}/{}", domain_id(a), name);
}

bool is_named(std::string_view id, std::string_view name, const keystone_reference& wanted) {
    return wanted.id.empty() ? name == wanted.name : id == wanted.id;
}

} // namespace

std::string keystone_id(std::string_view kind, std::string_view name) {
    const auto both = fmt::format("{}:{}", kind, name);
    const auto first = hash(0xcbf29ce484222325, both);
    return fmt::format("{:016x}{:016x}", first, hash(first, both));
}

std::string domain_id(const keystone_account& a) {
    return a.domain == "Default" ? "default" : keystone_id("domain", a.domain);
}

std::string user_id(const keystone_account& a) {
    return keystone_id("user", within_domain(a, a.user));
}

std::string project_id(const keystone_account& a) {
    return keystone_id("project", within_domain(a, a.project));
}

std::string role_id(std::string_view role) {
    return keystone_id("role", role);
}

std::string application_credential_id(const keystone_account& a) {
    return keystone_id("application credential", user_id(a) + project_id(a));
}

std::string application_credential_name(const keystone_account& a) {
    return fmt::format("{}-{}", a.user, a.project);
}

std::string read_account(std::string_view text, keystone_account& into) {
    constexpr std::string_view form = "is not USER:PASSWORD@PROJECT/ROLE,ROLE";
    const auto at = text.rfind('@');
    const auto colon = text.find(':');
    if (colon == std::string_view::npos || at == std::string_view::npos || at < colon)
        return std::string(form);
    const auto slash = text.find('/', at);
    if (slash == std::string_view::npos)
        return std::string(form);
    into.user = text.substr(0, colon);
    into.password = text.substr(colon + 1, at - colon - 1);
    into.project = text.substr(at + 1, slash - at - 1);
    into.roles.clear();
    auto roles = text.substr(slash + 1);
    while (!roles.empty()) {
        const auto end = roles.find(',');
        into.roles.emplace_back(roles.substr(0, end));
        roles.remove_prefix(end == std::string_view::npos ? roles.size() : end + 1);
        if (into.roles.back().empty())
            return std::string(form);
    }
    if (into.user.empty() || into.password.empty() || into.project.empty())
        return std::string(form);
    return {};
}

std::vector<keystone_account> default_accounts() {
    return {
        {"mini-mon", "password", "mini-mon", {"monasca-user"}},
        {"monasca-agent", "password", "mini-mon", {"monasca-agent", "admin"}},
    };
}

bool is_domain(const keystone_account& a, const keystone_reference& domain) {
    return is_named(domain_id(a), a.domain, domain);
}

bool is_user(
    const keystone_account& a, const keystone_reference& user, const keystone_reference& domain) {
    return is_named(user_id(a), a.user, user) && (!user.id.empty() || is_domain(a, domain));
}

bool is_project(
    const keystone_account& a,
    const keystone_reference& project,
    const keystone_reference& domain) {
    return is_named(project_id(a), a.project, project) &&
           (!project.id.empty() || is_domain(a, domain));
}

} // namespace monarc::sink
