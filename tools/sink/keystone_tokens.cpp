#include "sink/keystone_tokens.hpp"

#include <algorithm>
#include <utility>

namespace monarc::sink {
namespace {

constexpr std::size_t token_characters = 176; // behind the prefix: as long as Fernet's
constexpr std::string_view token_prefix = "gAAAAAB";
constexpr std::size_t audit_characters = 22;

bool has_method(const keystone_login& login, std::string_view method) {
    return std::find(login.methods.begin(), login.methods.end(), method) != login.methods.end();
}

bool owns_credential(const keystone_account& a, const keystone_login& login) {
    if (a.password != login.secret)
        return false;
    if (!login.credential.id.empty())
        return application_credential_id(a) == login.credential.id;
    return application_credential_name(a) == login.credential.name &&
           is_user(a, login.user, login.user_domain);
}

} // namespace

// The account that is meant, whatever its project.
const keystone_account&
keystone_tokens::log_in(const keystone_login& login, const keystone_token* parent) const {
    const auto found = std::find_if(accounts_.begin(), accounts_.end(), [&](const auto& a) {
        if (has_method(login, "application_credential") && !owns_credential(a, login))
            return false;
        if (parent != nullptr && user_id(a) != user_id(parent->owner))
            return false;
        return !has_method(login, "password") ||
               (is_user(a, login.user, login.user_domain) && a.password == login.password);
    });
    if (found == accounts_.end())
        throw not_authenticated();
    return *found;
}

const keystone_token& keystone_tokens::issue(
    const keystone_login& login, std::int64_t now, std::int64_t life_milliseconds) {
    using scopes = keystone_login::scopes;
    const keystone_token* parent = nullptr;
    if (has_method(login, "token")) {
        parent = find(login.token, now);
        if (parent == nullptr)
            throw keystone_refusal(
                404,
                login.token.starts_with(token_prefix) ? "Failed to validate token"
                                                      : "Could not recognize Fernet token");
    }
    const bool is_credential = has_method(login, "application_credential");
    // A credential brings its project along, and may name none.
    if (is_credential && login.scope != scopes::none)
        throw not_authenticated();

    keystone_token made;
    made.owner = log_in(login, parent);
    if (login.scope == scopes::project) {
        const auto found = std::find_if(accounts_.begin(), accounts_.end(), [&](const auto& a) {
            return user_id(a) == user_id(made.owner) &&
                   is_project(a, login.project, login.domain) && !a.roles.empty();
        });
        if (found == accounts_.end())
            throw not_authenticated();
        made.owner = *found;
    } else if (login.scope != scopes::none) {
        throw not_authenticated(); // nobody has a role on a domain, or on the system
    } else if (!is_credential) {
        made.owner.project.clear();
        made.owner.roles.clear();
    }
    made.methods = login.methods;
    made.audit_ids.push_back(ids_.base64url(audit_characters));
    made.issued_at = now;
    made.expires_at = parent != nullptr ? parent->expires_at : now + life_milliseconds;
    if (parent != nullptr) {
        for (const auto& method : parent->methods)
            if (!has_method(login, method))
                made.methods.push_back(method);
        made.audit_ids.push_back(parent->audit_ids.back());
    }
    return add(std::move(made));
}

keystone_token& keystone_tokens::add(keystone_token token) {
    while (tokens_.size() >= max_tokens && !order_.empty()) {
        tokens_.erase(order_.front());
        order_.pop_front();
    }
    if (order_.size() >= 2 * max_tokens)
        std::erase_if(order_, [this](const auto& id) { return tokens_.count(id) == 0; });
    token.id = std::string(token_prefix) + ids_.base64url(token_characters);
    order_.push_back(token.id);
    auto id = token.id;
    return tokens_.insert_or_assign(std::move(id), std::move(token)).first->second;
}

const keystone_token* keystone_tokens::find(std::string_view id, std::int64_t now) const {
    const auto at = tokens_.find(id);
    return at == tokens_.end() || now >= at->second.expires_at ? nullptr : &at->second;
}

bool keystone_tokens::revoke(std::string_view id) {
    const auto at = tokens_.find(id);
    if (at == tokens_.end())
        return false;
    tokens_.erase(at);
    return true;
}

void keystone_tokens::revoke_all() {
    tokens_.clear();
    order_.clear();
}

void keystone_tokens::set_roles(std::string_view user, const std::vector<std::string>& roles) {
    for (auto& a : accounts_)
        if (a.user == user)
            a.roles = roles;
}

token_facts keystone_tokens::facts_of(const keystone_token& token) const {
    token_facts facts;
    facts.expires_at = token.expires_at;
    if (token.owner.project.empty())
        return facts;
    facts.project = project_id(token.owner);
    // Of today: a role may have been taken away since.
    for (const auto& a : accounts_)
        if (user_id(a) == user_id(token.owner) && a.project == token.owner.project)
            facts.roles = a.roles;
    return facts;
}

} // namespace monarc::sink
