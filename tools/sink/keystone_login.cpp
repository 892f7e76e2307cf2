#include "sink/keystone_login.hpp"

#include "sink/python_json.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace monarc::sink {
namespace {

using python::kind;
using python::value;

[[noreturn]] void expect(std::string_view what, std::string_view where) {
    throw keystone_refusal(
        400,
        fmt::format(
            "Expecting to find {} in {}. The server could not comply with the request since it is "
            "either malformed or otherwise incorrect. The client is assumed to be in error.",
            what,
            where));
}

[[noreturn]] void wrong_type(std::string_view where, const value& v, std::string_view wanted) {
    throw keystone_refusal(
        400,
        fmt::format(
            "Invalid input for field '{}': {} is not of type '{}'",
            where,
            python::to_text(v),
            wanted));
}

const value* object_of(const value& v, std::string_view name) {
    const auto* found = v.find(name);
    if (found != nullptr && found->kind != kind::object)
        wrong_type(name, *found, "object");
    return found;
}

const value& require(const value& v, std::string_view name, std::string_view where) {
    const auto* found = object_of(v, name);
    if (found == nullptr)
        expect(name, where);
    return *found;
}

std::string text_of(const value& v, std::string_view name) {
    const auto* found = v.find(name);
    if (found == nullptr || found->kind == kind::none)
        return {};
    if (found->kind != kind::text)
        wrong_type(name, *found, "string");
    return std::string(found->text);
}

keystone_reference reference_of(const value& v) {
    return {text_of(v, "id"), text_of(v, "name")};
}

// A user or a project, and its domain, which it needs unless it has an id.
keystone_reference
read_reference(const value& v, std::string_view called, keystone_reference& domain) {
    auto made = reference_of(v);
    if (!made.is_given())
        expect("id or name", called);
    if (const auto* its = object_of(v, "domain"))
        domain = reference_of(*its);
    if (made.id.empty() && !domain.is_given())
        expect("domain", called);
    return made;
}

void read_scope(const value& auth, keystone_login& into) {
    using scopes = keystone_login::scopes;
    const auto* scope = auth.find("scope");
    if (scope == nullptr)
        return;
    if (scope->kind == kind::text && scope->text == "unscoped")
        return;
    if (scope->kind != kind::object)
        wrong_type("scope", *scope, "object");
    constexpr std::array<std::string_view, 4> known{
        "project", "domain", "OS-TRUST:trust", "system"};
    const auto given = std::count_if(known.begin(), known.end(), [&](std::string_view name) {
        return scope->find(name) != nullptr;
    });
    if (given != 1)
        expect("project, domain, OS-TRUST:trust or system", "scope");
    if (const auto* project = object_of(*scope, "project")) {
        into.scope = scopes::project;
        into.project = read_reference(*project, "project", into.domain);
    } else if (const auto* domain = object_of(*scope, "domain")) {
        into.scope = scopes::domain;
        into.domain = reference_of(*domain);
        if (!into.domain.is_given())
            expect("id or name", "domain");
    } else {
        into.scope = scopes::other;
    }
}

void read_methods(const value& identity, keystone_login& into) {
    const auto* methods = identity.find("methods");
    if (methods == nullptr)
        expect("methods", "identity");
    if (methods->kind != kind::list)
        wrong_type("methods", *methods, "array");
    for (const auto& one : methods->members) {
        if (one.held.kind != kind::text)
            wrong_type("methods", one.held, "string");
        if (std::find(into.methods.begin(), into.methods.end(), one.held.text) ==
            into.methods.end())
            into.methods.emplace_back(one.held.text);
    }
    if (into.methods.empty())
        expect("at least one method", "methods");
}

void read_method(const value& identity, const std::string& method, keystone_login& into) {
    if (method != "password" && method != "token" && method != "application_credential")
        throw not_authenticated();
    const auto& of = require(identity, method, "identity");
    if (method == "password") {
        const auto& user = require(of, "user", "password");
        into.user = read_reference(user, "user", into.user_domain);
        into.password = text_of(user, "password");
    } else if (method == "token") {
        into.token = text_of(of, "id");
        if (into.token.empty())
            expect("id", "token");
    } else {
        into.credential = reference_of(of);
        into.secret = text_of(of, "secret");
        if (!into.credential.is_given())
            expect("id or name", "application_credential");
        // A name says which one only together with its owner.
        if (into.credential.id.empty())
            into.user = read_reference(
                require(of, "user", "application_credential"), "user", into.user_domain);
    }
}

} // namespace

keystone_refusal not_authenticated() {
    return {401, "The request you have made requires authentication."};
}

keystone_login read_login(std::string_view body) {
    const auto json = python::document::read(body);
    if (!json || json->root().kind != kind::object)
        expect("valid JSON", "request body");
    const auto& auth = require(json->root(), "auth", "request body");
    const auto& identity = require(auth, "identity", "auth");
    keystone_login made;
    read_methods(identity, made);
    read_scope(auth, made);
    for (const auto& method : made.methods)
        read_method(identity, method, made);
    return made;
}

} // namespace monarc::sink
