#include "monarc/sink_rest.hpp"

#include "monarc/argument_checks.hpp"
#include "sink/loopback.hpp"
#include "sink/rest_reactions.hpp"
#include "sink/start_error.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <chrono>
#include <string>
#include <utility>

namespace monarc::tool {

void add_rest_options(CLI::App& command, rest_arguments& arguments) {
    auto* port =
        command
            .add_option(
                "--rest-port",
                arguments.port,
                "Port to offer Mona's REST interface and its token service on; 0: any that is free")
            ->transform(whole_number(largest_port));
    const auto add = [&](const char* name, auto& value, const char* what) {
        return command.add_option(name, value, what)->needs(port);
    };
    add("--rest-token",
        arguments.rest.token,
        "The access token to demand beside those of the token service; else any will do")
        ->type_name("TOKEN");
    add("--rest-secret",
        arguments.rest.tokens.secret,
        "The secret that every login has to bring; else any will do")
        ->type_name("SECRET");
    add("--rest-tenant", arguments.rest.tokens.tenant, "Whose the tokens say that they are")
        ->type_name("ID")
        ->capture_default_str();
    add("--rest-token-life", arguments.token_life_seconds, "How long a token is good")
        ->transform(whole_number())
        ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{31'536'000}))
        ->type_name("SECONDS")
        ->capture_default_str();
    command
        .add_flag(
            "--rest-gzip", arguments.rest.takes_gzip, "Inflate gzip bodies, which else get a 415")
        ->needs(port);
    command
        .add_option_function<std::string>(
            "--rest-answers",
            [&arguments](const std::string& list) {
                auto all = sink::read_rest_reactions(list);
                if (!all)
                    throw CLI::ValidationError(
                        "--rest-answers",
                        fmt::format(
                            "must be a list of ok, lost, stall, partial and statuses such as "
                            "503, with commas between them; got '{}'",
                            list));
                arguments.rest.reactions = std::move(*all);
            },
            "What to do about the first requests with messages, in order")
        ->needs(port)
        ->type_name("LIST");
}

std::unique_ptr<sink::rest_server>
start_rest(const rest_arguments& arguments, const sink::options& options, sink::server& keeper) {
    if (!arguments.port)
        return nullptr;
    sink::http_options http;
    http.host = options.host;
    http.port = *arguments.port;
    http.port_option = "rest-port";
    http.limits.max_connections = options.limits.max_connections;
    http.limits.idle_timeout = options.limits.idle_timeout;
    http.log = options.log;
    auto rest = arguments.rest;
    if (sink::is_beyond_loopback(options.host)) {
        if (rest.token.empty() && rest.tokens.secret.empty())
            throw sink::start_error(fmt::format(
                "sink: --host {}: beyond the loopback anybody could send to --rest-port; give "
                "--rest-token or --rest-secret as well",
                options.host));
        rest.has_open_doors = false;
    }
    rest.tokens.life = std::chrono::seconds(arguments.token_life_seconds);
    rest.log = options.log;
    auto server = std::make_unique<sink::rest_server>(std::move(http), std::move(rest), keeper);
    return server;
}

} // namespace monarc::tool
