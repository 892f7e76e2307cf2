#include "monarc/sink_command.hpp"

#include "monarc/argument_checks.hpp"
#include "monarc/sink_monasca.hpp"
#include "monarc/sink_rest.hpp"
#include "sink/server.hpp"

#include <CLI/CLI.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace monarc::tool {
namespace {

constexpr std::uint16_t forward_port = 24224;

struct sink_arguments {
    sink::options options{.port = forward_port};
    bool no_answer = false;
    bool json = false;
    std::string json_file;
    double idle_seconds = 60;

    monasca_arguments monasca;
    rest_arguments rest{};
    bool is_strict = false;
};

constexpr int violated = 1;

constexpr std::string_view footer = R"(
What it does: takes Message, Forward, PackedForward and CompressedPackedForward over TCP, TLS or a Unix
socket, answers chunks with {"ack": chunk}, and counts. It runs until SIGTERM or SIGINT, prints the
summary, exits 0. Beyond the loopback (--host) it wants a --shared-key.
With --monasca-port it is a Monasca as well: metrics, notification methods, alarm definitions, alarms
and their history. With --keystone-port it is a Keystone too, whose tokens that Monasca then wants.
With --rest-port it is Mona's REST interface as well: POST /export, /monaExport, /sendEvent,
/monaSendEvent, and a token service at /identity/resources/auth/v1/api-token.
Exit codes: 0 stopped; 1 could not listen, open or write a file, or --strict and a violation; 2 wrong
arguments.

Limits (beyond them the connection is closed and counted under "refused"): 8 MiB a message, 64 MiB
inflated, 200 : 1 beyond the first 1 MiB, nesting 16, 1024 connections, 128 MiB arriving at once.

With --store an event is handed to the kernel before it is acknowledged: it survives a SIGKILL of the
sink. An existing file is read again first. A chunk that comes again is recognised by tag, chunk id and
index: its events are stored with "repeat":true and counted as repeats only.

Members of the JSON summary (docs/sink.md says more):
  totals     events, repeats, records, fields, class_messages, special_messages, empty_messages,
             plain_events, contexts, restored, forgotten, messages, repeated_messages, acknowledged,
             cut_off, bytes_received, bytes_inflated, connections, open_connections, unfinished
  refused    connections closed by us, by reason: too_large, bomb, bad_gzip, malformed, not_a_map,
             bad_time, json, idle, connections, memory, store, tls, handshake
  at_least   true where a bound of memory was met: contexts, classes, tags, repeats
  classes    by name: contexts, records, fields, sample; other_classes beyond 1024
  tags       by name: events, repeats; other_tags beyond 1024
  sum        of --sum FIELD: field, count, sum (exact, 128 bits), sum_mod_2_64, min, max, xor,
             not_integer; else null
  monasca    if it is offered: posts, accepted, repeats, overwritten, not_kept, pending, points,
             dropped_points, responses by status, violations, violations_by reason, metrics by name:
             count, sum (exact), series, repeats, ...; http; else null
  keystone   if it is offered: logins, refused_logins, revoked, responses by status; else null
  rest       if it is offered: posts, accepted, refused, repeated_requests, logins, refreshes,
             responses, violations, violations_by reason, ...; http; else null

Examples:
  monarc sink                                     listen on 127.0.0.1:24224, stop with Ctrl-C
  monarc sink --port 0 --store events.ndjson      any free port; keep what arrives
  monarc sink --sum value --json --exit-after 1000 | jq .sum
  monarc sink --no-answer                         what does my sender do without answers?
  monarc sink --tls-cert sink.pem --shared-key env:SINK_KEY      as a collector far away wants it
  monarc sink --monasca-port 8070 --strict        fail if a metric would hurt a real Monasca
  monarc sink --monasca-port 8070 --keystone-port 5000
                                                  log in first: users are printed at the start
  monarc sink --monasca-port 0 --monasca-switch profile=java --monasca-switch slow=300ms
  monarc sink --rest-port 8080 --rest-answers 503,lost,ok    does my sender repeat what it must?
)";

// CLI11 wants what is wrong, or nothing.
std::string is_address(const std::string& host) {
    boost::system::error_code ec;
    boost::asio::ip::make_address(host, ec);
    if (!ec || host == "localhost")
        return {};
    return fmt::format("'{}' is no IP address; give one of this machine, or localhost", host);
}

void print_line(std::string_view line) {
    fmt::print(stderr, "{}\n", line);
}

std::error_code write_whole(int file, std::string_view bytes) {
    while (!bytes.empty()) {
        const auto written = ::write(file, bytes.data(), bytes.size());
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return {errno, std::system_category()};
        bytes.remove_prefix(static_cast<std::size_t>(written));
    }
    return {};
}

// Whoever reads `path` sees the old content or the new one, nothing between.
std::error_code write_atomically(const std::string& path, std::string_view bytes) {
    const auto draft = fmt::format("{}.{}.tmp", path, ::getpid());
    const int file = ::open(draft.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (file < 0)
        return {errno, std::system_category()};
    auto ec = write_whole(file, bytes);
    if (::close(file) != 0 && !ec)
        ec = {errno, std::system_category()};
    if (!ec && std::rename(draft.c_str(), path.c_str()) != 0)
        ec = {errno, std::system_category()};
    if (ec)
        ::unlink(draft.c_str());
    return ec;
}

// A file that can be read once one of them has come. They reach no thread of the process any more.
int open_signals(std::initializer_list<int> numbers) {
    sigset_t set;
    ::sigemptyset(&set);
    for (const int number : numbers)
        ::sigaddset(&set, number);
    ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
    const int file = ::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (file < 0)
        throw std::system_error(errno, std::system_category(), "sink: signalfd");
    return file;
}

int report(const sink::summary& totals, const sink_arguments& arguments) {
    const auto json = sink::to_json(totals) + "\n";
    const auto text = arguments.json ? json : sink::to_text(totals);
    const bool printed = std::fwrite(text.data(), 1, text.size(), stdout) == text.size();
    if (!printed || std::fflush(stdout) != 0) {
        print_line("sink: write the summary to stdout: the other end is gone; use --json-file");
        return 1;
    }
    if (arguments.json_file.empty())
        return 0;
    if (const auto ec = write_atomically(arguments.json_file, json)) {
        print_line(fmt::format(
            "sink: write {}: {}; the summary was not kept", arguments.json_file, ec.message()));
        return 1;
    }
    return 0;
}

int run(sink_arguments& arguments) {
    auto& options = arguments.options;
    options.answer = !arguments.no_answer;
    options.limits.idle_timeout =
        std::chrono::milliseconds(static_cast<std::int64_t>(arguments.idle_seconds * 1000));
    options.log = print_line;

    // Signals and the end of the job are awaited here; the server has a thread of its own.
    boost::asio::io_context io;
    boost::asio::posix::stream_descriptor signals(io, open_signals({SIGTERM, SIGINT}));
    signals.async_wait(signals.wait_read, [&io](const boost::system::error_code& ec) {
        if (!ec)
            io.stop();
    });
    options.on_goal = [&io] { io.stop(); };
    try {
        sink::server server(options);
        std::unique_ptr<monasca_part> monasca;
        if (arguments.monasca.port)
            monasca = std::make_unique<monasca_part>(arguments.monasca, options);
        const auto rest = start_rest(arguments.rest, options, server);
        fmt::print("sink: listening on {}:{}\n", options.host, server.port());
        if (!options.unix_path.empty())
            fmt::print("sink: listening on {}\n", options.unix_path);
        if (monasca)
            monasca->print_start();
        if (rest)
            fmt::print("sink: rest listening on {}:{}\n", options.host, rest->port());
        std::fflush(stdout);
        io.run();
        if (rest)
            rest->stop(); // before what keeps for it
        server.stop();
        auto totals = server.snapshot();
        if (monasca) {
            monasca->stop();
            monasca->report(totals);
        }
        if (rest)
            totals.rest = rest->snapshot();
        const int reported = report(totals, arguments);
        const bool is_bad = (totals.monasca && totals.monasca->violations != 0) ||
                            (totals.rest && totals.rest->violations != 0);
        return reported == 0 && arguments.is_strict && is_bad ? violated : reported;
    } catch (const sink::start_error& e) {
        print_line(e.what());
        return 1;
    }
}

void demand_what_strict_is_about(const sink_arguments& arguments) {
    if (arguments.is_strict && !arguments.monasca.port && !arguments.rest.port)
        throw CLI::RequiresError("--strict", "--monasca-port or --rest-port");
}

// Who may connect, and how.
void add_door_options(CLI::App& command, sink::options& options) {
    command
        .add_option("--unix", options.unix_path, "Unix socket to listen on as well as on the port")
        ->type_name("PATH");
    auto* cert =
        command
            .add_option("--tls-cert", options.tls.cert_file, "PEM to show; the port wants TLS then")
            ->type_name("FILE");
    command.add_option("--tls-key", options.tls.key_file, "PEM of its key; else in the same file")
        ->needs(cert)
        ->type_name("FILE");
    command
        .add_option(
            "--tls-client-ca",
            options.tls.ca_file,
            "PEM of the CA that the certificates of clients must be of")
        ->needs(cert)
        ->type_name("FILE");
    command
        .add_option_function<std::string>(
            "--shared-key",
            [&options](const std::string& text) {
                options.shared_key = secret_of("--shared-key", text);
            },
            "Key that a client must know: env:NAME or file:/path")
        ->type_name("SECRET");
    command.add_flag(
        "--deny-keepalive",
        options.deny_keepalive,
        "Close each connection behind its first message, as Fluentd does if told to");
}

} // namespace

void add_sink_command(CLI::App& monarc, int& exit_code) {
    auto* command = monarc.add_subcommand(
        "sink", "A local server that takes what a sender of the Fluentd forward protocol sends.");
    auto arguments = std::make_shared<sink_arguments>(); // lives as long as the callback below
    auto& options = arguments->options;
    command->footer(std::string(footer));
    command->add_option("--host", options.host, "IP address to listen on, or localhost")
        ->check(is_address)
        ->type_name("ADDRESS")
        ->capture_default_str();
    command->add_option("--port", options.port, "Port to listen on; 0: any that is free")
        ->transform(whole_number(largest_port))
        ->capture_default_str();
    add_door_options(*command, options);
    command->add_option("--store", options.store, "File to keep the events in, one JSON line each")
        ->type_name("FILE");
    command->add_flag("--json", arguments->json, "Print the summary as one JSON object");
    command
        ->add_option("--json-file", arguments->json_file, "Write the JSON summary to this file too")
        ->type_name("FILE");
    command
        ->add_option(
            "--sum",
            options.sum_field,
            "Integer member of `message` to count and add, and find min, max and xor of")
        ->type_name("FIELD");
    command->add_option("--lose", options.lose, "Acknowledge the N-th record and forget it")
        ->transform(whole_number())
        ->type_name("N");
    command->add_flag("--no-answer", arguments->no_answer, "Read and count, but never acknowledge");
    command
        ->add_option("--exit-after", options.event_goal, "Stop by itself once N events are there")
        ->transform(whole_number())
        ->type_name("N");
    command
        ->add_option(
            "--idle",
            arguments->idle_seconds,
            "Close a connection that is silent for so many seconds")
        ->check(CLI::Range(0.01, 86'400.0))
        ->type_name("SECONDS")
        ->capture_default_str();
    command
        ->add_option("--max-contexts", options.memory.max_contexts, "Contexts that are told apart")
        ->transform(whole_number())
        ->capture_default_str();
    command->add_option("--max-chunks", options.memory.max_chunks, "Chunk ids that are remembered")
        ->transform(whole_number())
        ->capture_default_str();
    command
        ->add_option("--max-connections", options.limits.max_connections, "Connections at a time")
        ->check(CLI::Range(std::size_t{1}, std::size_t{1'000'000}))
        ->capture_default_str();
    add_monasca_options(*command, arguments->monasca);
    add_rest_options(*command, arguments->rest);
    command->add_flag(
        "--strict",
        arguments->is_strict,
        "Exit 1 if anything came that Monasca's store, or Mona's contract, does not take");
    command->callback([arguments, &exit_code] {
        demand_what_strict_is_about(*arguments);
        exit_code = run(*arguments);
    });
}

} // namespace monarc::tool
