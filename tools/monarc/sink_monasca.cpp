#include "monarc/sink_monasca.hpp"

#include "monarc/argument_checks.hpp"
#include "sink/loopback.hpp"
#include "sink/monasca_query.hpp"
#include "sink/start_error.hpp"

#include <boost/asio/ip/address.hpp>
#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <functional>
#include <utility>

namespace monarc::tool {
namespace {

using std::chrono::milliseconds;

milliseconds to_milliseconds(double seconds) {
    return milliseconds(static_cast<std::int64_t>(seconds * 1000));
}

// `option` takes a value that `read` fills something from; it says why not, or nothing.
template <class Read>
CLI::Option* add_read(CLI::App& command, const char* name, const char* what, Read read) {
    const auto take = [read](const CLI::results_t& values) {
        for (const auto& value : values)
            (void)read(value);
        return true;
    };
    const auto check = [read](const std::string& value) { return read(value); };
    return command.add_option(name, take, what)
        ->check(CLI::Validator(check, ""))
        ->expected(1)
        ->take_all();
}

std::string read_frozen_time(const std::string& text, monasca_arguments& into) {
    const auto at = sink::read_time(text);
    if (!at)
        return fmt::format("must be a time such as 2026-11-21T12:00:00Z, got '{}'", text);
    into.frozen_milliseconds = *at / 1000;
    return {};
}

std::string catalogue_url(const std::string& host, std::uint16_t port) {
    boost::system::error_code ec;
    const auto address = boost::asio::ip::make_address(host, ec);
    if (!ec && address.is_unspecified())
        return fmt::format("http://127.0.0.1:{}/v2.0", port);
    if (!ec && address.is_v6())
        return fmt::format("http://[{}]:{}/v2.0", host, port);
    return fmt::format("http://{}:{}/v2.0", host, port);
}

std::function<std::int64_t()> clock_of(const monasca_arguments& arguments) {
    if (const auto frozen = arguments.frozen_milliseconds)
        return [at = *frozen] { return at; };
    return sink::wall_clock_milliseconds;
}

sink::http_options http_of(const sink::options& of_all, std::uint16_t port, const char* option) {
    sink::http_options http;
    http.host = of_all.host;
    http.port = port;
    http.port_option = option;
    http.limits.max_connections = of_all.limits.max_connections;
    http.limits.idle_timeout = of_all.limits.idle_timeout;
    http.log = of_all.log;
    return http;
}

// D-13.2.
void demand_a_token(const sink::options& of_all, const monasca_arguments& arguments, bool is_open) {
    if (!sink::is_beyond_loopback(of_all.host))
        return;
    if (is_open)
        throw sink::start_error(fmt::format(
            "sink: --host {}: beyond the loopback anybody could send to --monasca-port; give "
            "--monasca-token, or --keystone-port with --keystone-user, as well",
            of_all.host));
    if (arguments.keystone_port && arguments.accounts.empty())
        throw sink::start_error(fmt::format(
            "sink: --host {}: beyond the loopback anybody could log in as one of the users that "
            "everybody knows; give --keystone-user as well",
            of_all.host));
}

void add_keystone_options(CLI::App& command, monasca_arguments& arguments, CLI::Option* monasca) {
    auto* port = command
                     .add_option(
                         "--keystone-port",
                         arguments.keystone_port,
                         "Port to offer Keystone's API v3 on; Monasca then takes its tokens only")
                     ->transform(whole_number(largest_port))
                     ->needs(monasca)
                     ->excludes("--monasca-token");
    add_read(
        command,
        "--keystone-user",
        "A user, a password, and what the user is in a project, as "
        "USER:PASSWORD@PROJECT/ROLE,ROLE; may be repeated",
        [&arguments](const std::string& text) {
            sink::keystone_account account;
            auto why = sink::read_account(text, account);
            if (why.empty())
                std::erase_if(arguments.accounts, [&](const auto& a) {
                    return a.user == account.user && a.project == account.project;
                });
            if (why.empty())
                arguments.accounts.push_back(std::move(account));
            return why;
        })
        ->needs(port)
        ->type_name("ACCOUNT");
    command
        .add_option(
            "--keystone-token-life", arguments.token_life_seconds, "How long a token is good")
        ->check(CLI::Range(0.001, 31'622'400.0))
        ->needs(port)
        ->type_name("SECONDS")
        ->capture_default_str();
}

} // namespace

void add_monasca_options(CLI::App& command, monasca_arguments& arguments) {
    auto* port = command
                     .add_option(
                         "--monasca-port",
                         arguments.port,
                         "Port to offer Monasca's API on, at the same address; 0: any that is free")
                     ->transform(whole_number(largest_port));
    const auto add = [&](const char* name, auto& value, const char* what) {
        return command.add_option(name, value, what)->needs(port);
    };
    add("--monasca-token", arguments.options.token, "The X-Auth-Token to demand; else any will do")
        ->type_name("TOKEN");
    add("--monasca-keep-alive",
        arguments.keep_alive_seconds,
        "Keep an HTTP connection for so long; 0: each response closes it, as stock servers do")
        ->check(CLI::Range(0.0, 86'400.0))
        ->type_name("SECONDS")
        ->capture_default_str();
    add("--monasca-memory",
        arguments.memory_mebibytes,
        "What measurements may take; beyond it the oldest are dropped, and stay counted")
        ->check(CLI::Range(std::size_t{1}, std::size_t{65'536}))
        ->type_name("MIB")
        ->capture_default_str();
    command
        .add_flag(
            "--monasca-gzip",
            arguments.options.switches.takes_gzip,
            "Inflate gzip bodies, which stock servers refuse")
        ->needs(port);
    add_read(
        command,
        "--monasca-switch",
        "Be another Monasca: gzip=accept, profile=java, kafka=down, kafka=wedged, keystone=down, "
        "no_role, revoke=N, slow=N, reset_after=N, half_close, 413_over=N, 429=N, token_life=N, "
        "keepalive=N; may be repeated",
        [&arguments](const std::string& text) {
            return sink::read_switch(text, arguments.options.switches);
        })
        ->needs(port)
        ->type_name("NAME=VALUE");
    add("--monasca-seed",
        arguments.options.seed,
        "Make the same ids in the same order each time; 0: others")
        ->transform(whole_number())
        ->type_name("N")
        ->capture_default_str();
    add_read(
        command,
        "--monasca-time",
        "Stop the clock of Monasca and Keystone at this time, in ISO 8601",
        [&arguments](const std::string& text) { return read_frozen_time(text, arguments); })
        ->needs(port)
        ->type_name("TIME");
    add_keystone_options(command, arguments, port);
}

monasca_part::monasca_part(const monasca_arguments& arguments, const sink::options& of_all)
    : host_(of_all.host), has_usual_accounts_(arguments.accounts.empty()) {
    auto options = arguments.options;
    options.max_store_bytes = arguments.memory_mebibytes << 20;
    options.log = of_all.log;
    const auto now = clock_of(arguments);
    if (arguments.keystone_port) {
        sink::keystone_options keystone;
        keystone.seed = options.seed;
        keystone.token_life = to_milliseconds(arguments.token_life_seconds);
        if (!has_usual_accounts_)
            keystone.accounts = arguments.accounts;
        accounts_ = keystone.accounts;
        keystone_ = std::make_unique<sink::keystone_api>(std::move(keystone));
        options.find_token = [this](std::string_view token, std::int64_t at) {
            return keystone_->find_token(token, at);
        };
        options.on_switches = [this](const sink::monasca_switches& s) {
            keystone_->set_down(s.keystone_is_down);
            if (s.token_life)
                keystone_->set_token_life(*s.token_life);
        };
        options.on_switches(options.switches);
    }
    auto http = http_of(of_all, *arguments.port, "monasca-port");
    http.limits.keep_alive =
        options.switches.keep_alive.value_or(to_milliseconds(arguments.keep_alive_seconds));
    demand_a_token(of_all, arguments, options.token.empty() && !keystone_);
    monasca_ = std::make_unique<sink::monasca_server>(std::move(http), std::move(options), now);
    if (!keystone_)
        return;
    keystone_->set_monasca_url(catalogue_url(host_, monasca_->port()));
    keystone_server_ = std::make_unique<sink::keystone_server>(
        http_of(of_all, *arguments.keystone_port, "keystone-port"), *keystone_, now);
}

void monasca_part::print_start() const {
    fmt::print("sink: monasca listening on {}:{}\n", host_, monasca_->port());
    if (!keystone_server_)
        return;
    fmt::print("sink: keystone listening on {}:{}\n", host_, keystone_server_->port());
    for (const auto& a : accounts_)
        fmt::print(
            "sink: keystone user {}{}, project {} ({}), domain {}, roles {}; application "
            "credential {}, its secret is the password\n",
            a.user,
            // Whoever gave a password knows it.
            has_usual_accounts_ ? fmt::format(", password {}", a.password) : "",
            a.project,
            project_id(a),
            a.domain,
            fmt::join(a.roles, " "),
            application_credential_id(a));
}

void monasca_part::stop() {
    if (keystone_server_)
        keystone_server_->stop();
    monasca_->stop();
}

void monasca_part::report(sink::summary& into) const {
    into.monasca = monasca_->snapshot();
    if (keystone_)
        into.keystone = keystone_->snapshot();
}

} // namespace monarc::tool
