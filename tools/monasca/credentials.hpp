#pragma once

// Options, environment and clouds.yaml to what a client needs (monasca-cli.md sections 2 and 3.1).

#include "monasca/arguments.hpp"
#include "monasca/clouds_file.hpp"

#include <monarc/monasca_client.hpp>

#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace monarc::tool {

// What stands around the command line; the test's own in tests.
struct surroundings {
    std::function<const char*(const char*)> variable; // as getenv
    std::function<clouds_file()> clouds;
    std::function<std::optional<secret>()> ask_password; // nothing: there is no terminal
};

// Options first, then variables, then clouds.yaml. Throws failure for what is missing or wrong.
class settings {
public:
    settings(const arguments& given, const surroundings& around);

    monasca::client_options client_options() const;

    // Empty: not given.
    std::string value(std::string_view option) const;
    bool is_on(std::string_view option) const;

private:
    std::string option(std::string_view name) const;
    std::string first_of(std::initializer_list<std::string_view> options) const;
    std::string without_cloud(std::string_view name) const;
    void choose_cloud();
    void set_addresses(monasca::client_options& o) const;
    void set_login(monasca::client_options& o) const;
    void set_user(monasca::client_options& o) const;
    void set_scope(monasca::client_options& o) const;
    static void
    fill_domains(monasca::client_options& o, const std::string& id, const std::string& name);
    std::string login_type() const;
    std::chrono::milliseconds
    seconds_of(std::string_view option, std::chrono::milliseconds otherwise) const;

    const arguments& given_;
    const surroundings& around_;
    cloud_settings cloud_;
};

} // namespace monarc::tool
