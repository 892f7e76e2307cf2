#pragma once

// Who may log in at the sink's Keystone, to what and with which roles. Ids follow from the names,
// so that they are the same in every run. Pure.

#include <string>
#include <string_view>
#include <vector>

namespace monarc::sink {

// What a user may do in one project. A user of several projects has several of these, with one
// password.
struct keystone_account {
    std::string user{};
    std::string password{};
    std::string project{};
    std::vector<std::string> roles{};
    std::string domain = "Default"; ///< Of the user and of the project.
};

// A domain, user or project as a login names it: an id wins over a name.
struct keystone_reference {
    std::string id{};
    std::string name{};

    bool is_given() const noexcept { return !id.empty() || !name.empty(); }
};

// 32 hexadecimal digits.
std::string keystone_id(std::string_view kind, std::string_view name);

std::string domain_id(const keystone_account& a); ///< "default" for the domain Default.
std::string user_id(const keystone_account& a);
std::string project_id(const keystone_account& a);
std::string role_id(std::string_view role);
// Each account has one: its secret is the user's password.
std::string application_credential_id(const keystone_account& a);
std::string application_credential_name(const keystone_account& a);

// `USER:PASSWORD@PROJECT/ROLE,ROLE`; the password may hold any of these signs.
// Returns: why not, in words; empty if `into` was filled.
std::string read_account(std::string_view text, keystone_account& into);

// What there is without any option: a user that may do everything to Monasca's resources, and an
// agent that may only send, but for any project.
std::vector<keystone_account> default_accounts();

bool is_domain(const keystone_account& a, const keystone_reference& domain);
bool is_user(
    const keystone_account& a, const keystone_reference& user, const keystone_reference& domain);
bool is_project(
    const keystone_account& a, const keystone_reference& project, const keystone_reference& domain);

} // namespace monarc::sink
