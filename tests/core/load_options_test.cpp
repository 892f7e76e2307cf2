// Options from a file and the environment: what arrives, and what each mistake is told.

#include "core/option_table.hpp"
#include "core/options.hpp"
#include "support/scoped_environment.hpp"
#include "support/temporary_folder.hpp"

#include <monarc/error.hpp>
#include <monarc/options.hpp>

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <set>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

using namespace monarc;
using namespace std::chrono_literals;
using namespace std::string_literals;
using support::scoped_environment;
using support::temporary_folder;
using support::variables;

namespace {

// What load_options threw, without the path of the file.
std::string error_of(const option_sources& from) {
    try {
        load_options(from);
    } catch (const std::system_error& error) {
        CHECK(error.code() == errc::bad_options);
        std::string text = error.what();
        const std::string tail = ": " + error.code().message();
        CHECK(text.ends_with(tail));
        text.resize(text.size() - tail.size());
        const auto at = text.find(from.file);
        return from.file.empty() || at == text.npos
                   ? text
                   : text.replace(at, from.file.size(), "monarc.toml");
    }
    return "nothing was thrown";
}
std::string error_of_text(std::string_view text) {
    const temporary_folder folder;
    return error_of({.file = folder.write("monarc.toml", text)});
}
std::string error_of_variable(const std::string& name, const std::string& value) {
    const scoped_environment environment(variables{{name, value}});
    return error_of({.environment = true});
}

struct loaded {
    exporter_options options;
    std::vector<std::string> warnings;
};
loaded load_file(const std::string& file, bool environment = false) {
    loaded result;
    result.options =
        load_options({.file = file, .environment = environment, .log = [&](const log_line& line) {
                          CHECK(line.level == log_level::warning);
                          result.warnings.emplace_back(line.text);
                      }});
    return result;
}
loaded load_text(std::string_view text) {
    const temporary_folder folder;
    return load_file(folder.write("monarc.toml", text));
}

// The names of the options that differ.
std::set<std::string> differences(const exporter_options& a, const exporter_options& b) {
    std::set<std::string> names;
    for (const auto& option : option_table()) {
        if (!option.is_equal(a, b)) {
            names.emplace(option.name);
        }
    }
    return names;
}

std::string tree() {
    const char* const root = std::getenv("TREE");
    return root != nullptr ? root : ".";
}

// --- every option at another value than its default

exporter_options common_options() {
    return {
        .name = "orders",
        .monasca =
            monasca_options{
                .url = "http://mon.example:8070/v2.0",
                .auth_url = "https://keystone.example:5000/v3",
                .username = "agent",
                .password = secret("pass,word"),
                .project = "metrics",
                .user_domain = "users",
                .project_domain = "projects",
                .tenant_id = "0123456789abcdef0123456789abcdef",
                .token = secret("gAAAA"),
                .compression = compression_mode::gzip,
                .interval = 30s,
                .dimensions = {{{"hostname", "web-1"}, {"rack", "7"}}},
                .catalogue = catalogue_mode::trust,
                .user_id = "0a",
                .user_domain_id = "0b",
                .project_id = "0c",
                .project_domain_id = "0d",
                .credential_id = "0e",
                .credential_secret = secret("cred"),
                .interface = "internal",
                .region = "north"},
        .queue = {.capacity = 131'072, .block_timeout = 20ms},
        .batch = {.max_records = 500, .max_bytes = 100'000, .max_delay = 250ms},
        .retry =
            {.min_wait = 1s,
             .max_wait = 1min,
             .max_retry_after = 1h,
             .max_age = 24h,
             .max_attempts = 9},
        .spool = {.directory = "/var/spool/orders", .max_bytes = 1u << 30, .durable = true},
        .tls =
            {.ca_file = "/etc/ca.pem",
             .cert_file = "/etc/cert.pem",
             .key_file = "/etc/key.pem",
             .verify = false,
             .allow_plain_credentials = true},
        .io_thread = {.name = "orders-io", .cpu = 3, .priority = -5},
        .clock = clock_source::system,
        .memory_limit = std::size_t{128} << 20,
        .max_contexts = 1000,
        .response_timeout = 10s,
        .close_timeout = 0s,
        .on_fork = fork_policy::restart,
        .enabled = false,
    };
}
exporter_options forward_options() {
    auto options = common_options();
    options.mona = mona_forward_options{
        .host = "collector.internal",
        .port = 24225,
        .unix_path = "/run/mona.sock",
        .user_id = "customer",
        .mode = forward_mode::message,
        .gzip = false,
        .ack = false,
        .merge = merge_mode::overwrite,
        .use_tls = true,
        .server_name = "collector",
        .shared_key = secret("key")};
    return options;
}
exporter_options rest_options() {
    auto options = common_options();
    options.mona = mona_rest_options{
        .url = "https://incoming.example/export",
        .user_id = "customer",
        .api_key = secret("api"),
        .secret = secret("s3cret"),
        .auth = mona_auth_mode::oidc,
        .token_url = "https://login.example/token",
        .sampling = {{"*", 0.25}, {"fill", 1.0}},
        .drop_nulls = true,
        .reserved_keys = reserved_key_mode::rename,
        .gzip = true,
        .merge = merge_mode::off,
        .on_uncertain = uncertain_mode::dead,
        .host = "incoming.example:8443",
        .use_tls = false,
        .use_send_event = true,
        .use_send_timestamp = true,
        .default_action = action::fresh,
        .refresh_url = "https://login.example/refresh",
        .use_refresh_tokens = false,
        .refresh_margin = 5min,
        .oidc_scope = "mona",
        .login_retries = 0,
        .login_retry_wait = 500ms};
    return options;
}
const std::vector<derived_series> derived{
    {.from = {.class_name = "fill", .fields = {"price", "size"}, .dimensions = {"venue"}},
     .to = {.prefix = "orders", .kind = series_kind::timer}},
    {.from = {.class_name = "quote", .fields = {"bid"}}, .to = {.prefix = "quotes"}}};

constexpr std::string_view common_text = R"(
name = "orders"
enabled = false
clock = "system"
memory_limit = "128MiB"
max_contexts = 1_000
response_timeout = "10s"
close_timeout = "0s"
on_fork = "restart"
queue = { capacity = 131072, block_timeout = "20ms" }
batch = { max_records = 500, max_bytes = 100000, max_delay = "250ms" }
retry = { min_wait = "1000000000ns", max_wait = "1min", max_retry_after = "1h", max_age = "24h", max_attempts = 9 }
spool = { directory = "/var/spool/orders", max_bytes = "1GiB", durable = true }
tls = { ca_file = "/etc/ca.pem", cert_file = "/etc/cert.pem", key_file = "/etc/key.pem", verify = false, allow_plain_credentials = true }
io_thread.name = "orders-io"
io_thread.cpu = 3
io_thread.priority = -5
[monasca]
url = "http://mon.example:8070/v2.0"
auth_url = "https://keystone.example:5000/v3"
username = "agent"
password = "env:TEST_PASSWORD"
project = "metrics"
user_domain = "users"
project_domain = "projects"
tenant_id = "0123456789abcdef0123456789abcdef"
token = "env:TEST_TOKEN"
compression = "gzip"
interval = "30 s"
catalogue = "trust"
user_id = "0a"
user_domain_id = "0b"
project_id = "0c"
project_domain_id = "0d"
credential_id = "0e"
credential_secret = "env:TEST_CREDENTIAL"
interface = "internal"
region = "north"
[monasca.dimensions]
hostname = "web-1"
rack = "7"
[[derive]]
from = { class = "fill", fields = ["price", "size"], dimensions = ["venue"] }
to = { prefix = "orders", kind = "timer" }
[[derive]]
from = { class = "quote", fields = ["bid"] }
to.prefix = "quotes"
)";
constexpr std::string_view forward_text = R"(
[mona]
kind = "forward"
host = "collector.internal"
port = 24225
unix_path = "/run/mona.sock"
user_id = "customer"
mode = "message"
gzip = false
ack = false
merge = "overwrite"
use_tls = true
server_name = "collector"
shared_key = "env:TEST_KEY"
)";
constexpr std::string_view rest_text = R"(
[mona]
kind = "rest"
url = "https://incoming.example/export"
user_id = "customer"
api_key = "env:TEST_API"
secret = "env:TEST_SECRET"
auth = "oidc"
token_url = "https://login.example/token"
sampling = { "*" = 0.25, fill = 1 }
drop_nulls = true
reserved_keys = "rename"
gzip = true
merge = "off"
on_uncertain = "dead"
host = "incoming.example:8443"
use_tls = false
use_send_event = true
use_send_timestamp = true
default_action = "fresh"
refresh_url = "https://login.example/refresh"
use_refresh_tokens = false
refresh_margin = "5min"
oidc_scope = "mona"
login_retries = 0
login_retry_wait = "500ms"
)";
const variables secrets{
    {"TEST_PASSWORD", "pass,word"},
    {"TEST_TOKEN", "gAAAA"},
    {"TEST_KEY", "key"},
    {"TEST_API", "api"},
    {"TEST_SECRET", "s3cret"},
    {"TEST_CREDENTIAL", "cred"}};

const variables common_variables{
    {"MONARC_NAME", "orders"},
    {"MONARC_ENABLED", "false"},
    {"MONARC_CLOCK", "system"},
    {"MONARC_MEMORY_LIMIT", "128 MiB"},
    {"MONARC_MAX_CONTEXTS", "1000"},
    {"MONARC_RESPONSE_TIMEOUT", "10s"},
    {"MONARC_CLOSE_TIMEOUT", "0s"},
    {"MONARC_ON_FORK", "restart"},
    {"MONARC_QUEUE__CAPACITY", "131072"},
    {"MONARC_QUEUE__BLOCK_TIMEOUT", "20ms"},
    {"MONARC_BATCH__MAX_RECORDS", "500"},
    {"MONARC_BATCH__MAX_BYTES", "100000"},
    {"MONARC_BATCH__MAX_DELAY", "250ms"},
    {"MONARC_RETRY__MIN_WAIT", "1s"},
    {"MONARC_RETRY__MAX_WAIT", "60s"},
    {"MONARC_RETRY__MAX_RETRY_AFTER", "60min"},
    {"MONARC_RETRY__MAX_AGE", "24h"},
    {"MONARC_RETRY__MAX_ATTEMPTS", "9"},
    {"MONARC_SPOOL__DIRECTORY", "/var/spool/orders"},
    {"MONARC_SPOOL__MAX_BYTES", "1GiB"},
    {"MONARC_SPOOL__DURABLE", "true"},
    {"MONARC_TLS__CA_FILE", "/etc/ca.pem"},
    {"MONARC_TLS__CERT_FILE", "/etc/cert.pem"},
    {"MONARC_TLS__KEY_FILE", "/etc/key.pem"},
    {"MONARC_TLS__VERIFY", "false"},
    {"MONARC_TLS__ALLOW_PLAIN_CREDENTIALS", "true"},
    {"MONARC_IO_THREAD__NAME", "orders-io"},
    {"MONARC_IO_THREAD__CPU", "3"},
    {"MONARC_IO_THREAD__PRIORITY", "-5"},
    {"MONARC_MONASCA__URL", "http://mon.example:8070/v2.0"},
    {"MONARC_MONASCA__AUTH_URL", "https://keystone.example:5000/v3"},
    {"MONARC_MONASCA__USERNAME", "agent"},
    {"MONARC_MONASCA__PASSWORD", "pass,word"},
    {"MONARC_MONASCA__PROJECT", "metrics"},
    {"MONARC_MONASCA__USER_DOMAIN", "users"},
    {"MONARC_MONASCA__PROJECT_DOMAIN", "projects"},
    {"MONARC_MONASCA__TENANT_ID", "0123456789abcdef0123456789abcdef"},
    {"MONARC_MONASCA__TOKEN", "env:TEST_TOKEN"},
    {"MONARC_MONASCA__COMPRESSION", "gzip"},
    {"MONARC_MONASCA__INTERVAL", "30s"},
    {"MONARC_MONASCA__DIMENSIONS", "hostname=web-1,rack=7"},
    {"MONARC_MONASCA__CATALOGUE", "trust"},
    {"MONARC_MONASCA__USER_ID", "0a"},
    {"MONARC_MONASCA__USER_DOMAIN_ID", "0b"},
    {"MONARC_MONASCA__PROJECT_ID", "0c"},
    {"MONARC_MONASCA__PROJECT_DOMAIN_ID", "0d"},
    {"MONARC_MONASCA__CREDENTIAL_ID", "0e"},
    {"MONARC_MONASCA__CREDENTIAL_SECRET", "cred"},
    {"MONARC_MONASCA__INTERFACE", "internal"},
    {"MONARC_MONASCA__REGION", "north"}};
const variables forward_variables{
    {"MONARC_MONA__KIND", "forward"},
    {"MONARC_MONA__HOST", "collector.internal"},
    {"MONARC_MONA__PORT", "24225"},
    {"MONARC_MONA__UNIX_PATH", "/run/mona.sock"},
    {"MONARC_MONA__USER_ID", "customer"},
    {"MONARC_MONA__MODE", "message"},
    {"MONARC_MONA__GZIP", "false"},
    {"MONARC_MONA__ACK", "false"},
    {"MONARC_MONA__MERGE", "overwrite"},
    {"MONARC_MONA__USE_TLS", "true"},
    {"MONARC_MONA__SERVER_NAME", "collector"},
    {"MONARC_MONA__SHARED_KEY", "key"}};
const variables rest_variables{
    {"MONARC_MONA__KIND", "rest"},
    {"MONARC_MONA__URL", "https://incoming.example/export"},
    {"MONARC_MONA__USER_ID", "customer"},
    {"MONARC_MONA__API_KEY", "api"},
    {"MONARC_MONA__SECRET", "s3cret"},
    {"MONARC_MONA__AUTH", "oidc"},
    {"MONARC_MONA__TOKEN_URL", "https://login.example/token"},
    {"MONARC_MONA__SAMPLING", "*=0.25,fill=1"},
    {"MONARC_MONA__DROP_NULLS", "true"},
    {"MONARC_MONA__RESERVED_KEYS", "rename"},
    {"MONARC_MONA__GZIP", "true"},
    {"MONARC_MONA__MERGE", "off"},
    {"MONARC_MONA__ON_UNCERTAIN", "dead"},
    {"MONARC_MONA__HOST", "incoming.example:8443"},
    {"MONARC_MONA__USE_TLS", "false"},
    {"MONARC_MONA__USE_SEND_EVENT", "true"},
    {"MONARC_MONA__USE_SEND_TIMESTAMP", "true"},
    {"MONARC_MONA__DEFAULT_ACTION", "fresh"},
    {"MONARC_MONA__REFRESH_URL", "https://login.example/refresh"},
    {"MONARC_MONA__USE_REFRESH_TOKENS", "false"},
    {"MONARC_MONA__REFRESH_MARGIN", "5min"},
    {"MONARC_MONA__OIDC_SCOPE", "mona"},
    {"MONARC_MONA__LOGIN_RETRIES", "0"},
    {"MONARC_MONA__LOGIN_RETRY_WAIT", "500ms"}};

template <class Mona>
exporter_options defaults() {
    return {.mona = Mona{}, .monasca = monasca_options{}};
}
// Of options that are set to anything, but for the choice of the kind, which has no default.
template <class Mona>
std::set<std::string> options_with(const exporter_options& set) {
    std::set<std::string> names;
    for (const auto& option : option_table()) {
        if (option.is_there(set) && option.name != "mona.kind") {
            names.emplace(option.name);
        }
    }
    return names;
}

} // namespace

TEST_SUITE("core/load_options") {
TEST_CASE("without sources the options are the defaults") {
    const scoped_environment environment(variables{{"MONARC_ENABLED", "false"}});

    const auto options = load_options({});

    CHECK(differences(options, {}).empty());
}

TEST_CASE("the sample file equals the defaults but for its marked lines") {
    const scoped_environment environment(variables{{"OS_PASSWORD", "pass"}});
    exporter_options expected{
        .mona = mona_forward_options{},
        .monasca = monasca_options{
            .auth_url = "https://keystone.internal:5000/v3",
            .username = "agent",
            .password = secret("pass"),
            .project = "metrics",
            .dimensions = {{{"hostname", "web-1"}}}}};
    expected.derive = {
        {.from = {.class_name = "fill", .fields = {"price", "size"}, .dimensions = {"venue"}},
         .to = {.prefix = "orders", .kind = series_kind::gauge}}};

    const auto [options, warnings] = load_file(tree() + "/docs/monarc.toml");

    CHECK(differences(options, expected) == std::set<std::string>{});
    CHECK(warnings.empty());
}

TEST_CASE("every option arrives from a file") {
    const scoped_environment environment(secrets);
    auto forward = forward_options();
    auto rest = rest_options();
    forward.derive = rest.derive = derived;

    const auto from_forward = load_text(std::string(common_text) + std::string(forward_text));
    const auto from_rest = load_text(std::string(common_text) + std::string(rest_text));

    CHECK(differences(from_forward.options, forward) == std::set<std::string>{});
    CHECK(differences(from_rest.options, rest) == std::set<std::string>{});
    CHECK(from_forward.warnings.empty());
    CHECK(from_rest.warnings.empty());
    CHECK(
        differences(forward, defaults<mona_forward_options>()) ==
        options_with<mona_forward_options>(forward));
    CHECK(
        differences(rest, defaults<mona_rest_options>()) == options_with<mona_rest_options>(rest));
}

TEST_CASE("every option but derive arrives from the environment, without a warning") {
    for (const auto& [mona, expected] :
         {std::pair(forward_variables, forward_options()),
          std::pair(rest_variables, rest_options())}) {
        scoped_environment environment(secrets);
        for (const auto& list : {common_variables, mona}) {
            for (const auto& [name, value] : list) {
                environment.set(name, value);
            }
        }

        const auto [options, warnings] = load_file("", true);

        CHECK(differences(options, expected) == std::set<std::string>{});
        CHECK(warnings.empty());
        CHECK(
            common_variables.size() + mona.size() ==
            options_with<exporter_options>(expected).size()); // mona.kind for derive
    }
}

TEST_CASE("D-15.2 the environment wins over the file, and what it does not name stays") {
    const temporary_folder folder;
    const auto file = folder.write(
        "x.toml", "max_contexts = 7\nname = 'a'\n[mona]\nkind = 'forward'\nport = 1\nhost = 'h'");
    const scoped_environment environment(variables{
        {"MONARC_MONA__PORT", "2"}, {"MONARC_NAME", "b"}, {"MONARC_CONFIG", "/not/there"}});

    const auto options = load_options({.file = file, .environment = true});

    CHECK(options.max_contexts == 7);
    CHECK(options.name == "b");
    CHECK(std::get<mona_forward_options>(options.mona).port == 2);
    CHECK(std::get<mona_forward_options>(options.mona).host == "h");
}

TEST_CASE("MONARC_CONFIG names the file where none is given, and is read only if asked for") {
    const temporary_folder folder;
    const scoped_environment environment(
        variables{{"MONARC_CONFIG", folder.write("x.toml", "max_contexts = 7")}});

    CHECK(load_options({.environment = true}).max_contexts == 7);
    CHECK(load_options({}).max_contexts == 65'536);
}

TEST_CASE("the log of the sources becomes that of the options") {
    int lines = 0;
    const auto options = load_options({.log = [&](const log_line&) { ++lines; }});

    REQUIRE(options.log);
    options.log({.level = log_level::info, .text = ""});
    CHECK(lines == 1);
}

TEST_CASE("at its default an option of Mona's other kind is no error") {
    const auto options =
        load_text("[mona]\nkind = 'rest'\nport = 24224\nmode = 'packed'\nack = true").options;

    CHECK(differences(options, {.mona = mona_rest_options{}}).empty());
}

TEST_CASE("an empty monasca table is a Monasca with defaults; so is one of its variables") {
    CHECK(load_text("[monasca]").options.monasca.has_value());
    const scoped_environment environment(variables{{"MONARC_MONASCA__INTERVAL", "2s"}});
    CHECK(load_options({.environment = true}).monasca->interval == 2s);
}

TEST_CASE("dimensions may be none at all, which is not their default") {
    CHECK(load_text("[monasca]\ndimensions = {}").options.monasca->dimensions->empty());
    const scoped_environment environment(variables{{"MONARC_MONASCA__DIMENSIONS", ""}});
    CHECK(load_options({.environment = true}).monasca->dimensions->empty());
    CHECK_FALSE(load_text("[monasca]").options.monasca->dimensions.has_value());
}

TEST_CASE("D-15.3 each mistake in a file is told with file, line, option, range and value") {
    struct row {
        std::string text;
        std::string error;
    };
    const row rows[] = {
        // unknown names
        {"\n\nbatch = { max_delya = '1s' }",
         "monarc.toml:3: batch.max_delya is not an option; did you mean batch.max_delay?"},
        {"max_delay = '1s'",
         "monarc.toml:1: max_delay is not an option; did you mean batch.max_delay?"},
        {"[batch]\nmax_age = '1s'",
         "monarc.toml:2: batch.max_age is not an option; did you mean retry.max_age?"},
        {"[retries]\nmin_wait = '1s'",
         "monarc.toml:1: retries is not an option; did you mean derive?"},
        {"Name = 'x'", "monarc.toml:1: Name is not an option; did you mean name?"},
        {"log = 'stderr'", "monarc.toml:1: log is not an option; did you mean clock?"},
        {"\"na\\u001Bme\" = 'x'",
         "monarc.toml:1: \"na\\x1bme\" is not an option; did you mean name?"},
        {"[mona]\nkind = 'forward'\nhsot = 'h'",
         "monarc.toml:3: mona.hsot is not an option; did you mean mona.host?"},
        {"max_contexts = 0\nnmae = 'x'",
         "monarc.toml:2: nmae is not an option; did you mean name?"},
        // a group that is none, an option that is a group
        {"batch = 5", "monarc.toml:1: batch must be a table of options, got 5"},
        {"monasca = 'http://x'",
         "monarc.toml:1: monasca must be a table of options, got \"http://x\""},
        {"[name]\nx = 1",
         "monarc.toml:1: name must be a text, 1 to 64 of A-Z a-z 0-9 . _ - that "
         "do not begin with a dot, got a table"},
        // wrong types
        {"enabled = 'yes'", "monarc.toml:1: enabled must be true or false, got \"yes\""},
        {"enabled = 1", "monarc.toml:1: enabled must be true or false, got 1"},
        {"batch.max_records = 'many'",
         "monarc.toml:1: batch.max_records must be a whole number, 1..1000, got \"many\""},
        {"batch.max_records = '10'",
         "monarc.toml:1: batch.max_records must be a whole number, 1..1000, got \"10\""},
        {"batch.max_records = 1.5",
         "monarc.toml:1: batch.max_records must be a whole number, 1..1000, got 1.5"},
        {"batch.max_records = true",
         "monarc.toml:1: batch.max_records must be a whole number, 1..1000, got true"},
        {"batch.max_records = [1]",
         "monarc.toml:1: batch.max_records must be a whole number, 1..1000, got a list"},
        {"batch.max_records = 2026-01-01",
         "monarc.toml:1: batch.max_records must be a whole number, 1..1000, got a date or a time"},
        {"name = 7",
         "monarc.toml:1: name must be a text, 1 to 64 of A-Z a-z 0-9 . _ - that do not "
         "begin with a dot, got 7"},
        {"clock = 'TSC'", "monarc.toml:1: clock must be one of best, tsc, system, got \"TSC\""},
        {"clock = true", "monarc.toml:1: clock must be one of best, tsc, system, got true"},
        {"batch.max_delay = 200",
         "monarc.toml:1: batch.max_delay must be a duration such as \"200ms\" (ns, us, ms, s, min, "
         "h), 1ms..3600000ms, got 200"},
        {"close_timeout = '5'",
         "monarc.toml:1: close_timeout must be a duration such as \"200ms\" (ns, us, ms, s, min, "
         "h), 0ms..600000ms, got \"5\""},
        {"close_timeout = '-5s'",
         "monarc.toml:1: close_timeout must be a duration such as \"200ms\" (ns, us, ms, s, min, "
         "h), 0ms..600000ms, got \"-5s\""},
        {"close_timeout = '1.5s'",
         "monarc.toml:1: close_timeout must be a duration such as \"200ms\" (ns, us, ms, s, min, "
         "h), 0ms..600000ms, got \"1.5s\""},
        {"close_timeout = '5 S'",
         "monarc.toml:1: close_timeout must be a duration such as \"200ms\" (ns, us, ms, s, min, "
         "h), 0ms..600000ms, got \"5 S\""},
        {"close_timeout = '3000000000h'",
         "monarc.toml:1: close_timeout must be a duration such as \"200ms\" (ns, us, ms, s, min, "
         "h), 0ms..600000ms, got \"3000000000h\""},
        {"close_timeout = '1500us'",
         "monarc.toml:1: close_timeout must be whole milliseconds, 0ms..600000ms, got \"1500us\""},
        {"memory_limit = '64MB'",
         "monarc.toml:1: memory_limit must be a size such as \"64MiB\" (B, KiB, MiB, GiB), got "
         "\"64MB\""},
        {"memory_limit = -1",
         "monarc.toml:1: memory_limit must be a size such as \"64MiB\" (B, KiB, MiB, GiB), got -1"},
        {"memory_limit = '99999999999GiB'",
         "monarc.toml:1: memory_limit must be a size such as \"64MiB\" (B, KiB, MiB, GiB), got "
         "\"99999999999GiB\""},
        // out of range, also of the type
        {"\n\n\n[batch]\nmax_records = 0",
         "monarc.toml:5: batch.max_records must be 1..1000, got 0"},
        {"batch.max_records = -1",
         "monarc.toml:1: batch.max_records must be a whole number, 1..1000, got -1"},
        {"[mona]\nkind = 'forward'\nport = 65536",
         "monarc.toml:3: mona.port must be a whole number, 1..65535, got 65536"},
        {"[mona]\nkind = 'forward'\nport = 0", "monarc.toml:3: mona.port must be 1..65535, got 0"},
        {"batch.max_delay = '2h'",
         "monarc.toml:1: batch.max_delay must be 1ms..3600000ms, got 7200000ms"},
        {"memory_limit = '4MiB'",
         "monarc.toml:1: memory_limit must be at least 4 MiB and twice the queue's pool of "
         "12582912 bytes, 25165824 bytes in all, got 4194304"},
        {"retry.min_wait = '40s'",
         "monarc.toml:1: retry.max_wait must be 40000ms..3600000ms, got 30000ms"},
        // kinds of Mona
        {"[mona]", "monarc.toml:1: mona.kind must be one of forward, rest, got none"},
        {"\nmona.port = 1", "monarc.toml:2: mona.kind must be one of forward, rest, got none"},
        {"mona.kind = 'udp'", "monarc.toml:1: mona.kind must be one of forward, rest, got \"udp\""},
        {"[mona]\nkind = 'forward'\nurl = 'http://x'",
         "monarc.toml:3: mona.url belongs to mona.kind = rest, got forward"},
        {"[mona]\nkind = 'forward'\non_uncertain = 'never'",
         "monarc.toml:3: mona.on_uncertain must be one of resend, dead, got \"never\""},
        {"[mona]\nport = 1\nkind = 'rest'",
         "monarc.toml:2: mona.port belongs to mona.kind = forward, got rest"},
        // tables of names
        {"[monasca]\ndimensions = 'a=b'",
         "monarc.toml:2: monasca.dimensions must be a table of texts, got \"a=b\""},
        {"[monasca.dimensions]\nrack = 7",
         "monarc.toml:1: monasca.dimensions must be a table of texts: \"rack\" must be a text, got "
         "7"},
        {"[mona]\nkind = 'rest'\nsampling = { fill = 'all' }",
         "monarc.toml:3: mona.sampling must be a table of numbers: \"fill\" must be a number, "
         "shares of 0..1, got \"all\""},
        {"[mona]\nkind = 'rest'\nsampling = { fill = 2 }",
         "monarc.toml:3: mona.sampling must be shares of 0..1, got \"fill\"=2"},
        // derive
        {"derive = 1", "monarc.toml:1: derive must be [[derive]] tables, got 1"},
        {"derive = [1]", "monarc.toml:1: derive entry 1: an entry must be a table, got 1"},
        {"[[derive]]\nfrom = 'fill'",
         "monarc.toml:1: derive entry 1: from must be a table, got \"fill\""},
        {"[[derive]]\nform = {}",
         "monarc.toml:1: derive entry 1: it has no \"form\"; it has from, to"},
        {"[[derive]]\nfrom = { class = 'a', fields = ['b'] }\n[[derive]]\nfrom = { clas = 'a' }",
         "monarc.toml:1: derive entry 2: from has no \"clas\"; it has class, fields, dimensions"},
        {"[[derive]]\nfrom = { fields = 'b' }",
         "monarc.toml:1: derive entry 1: from.fields must be a list of texts, got \"b\""},
        {"[[derive]]\nfrom = { fields = [1] }",
         "monarc.toml:1: derive entry 1: from.fields must be a text, got 1"},
        {"[[derive]]\nto = { kind = 'sum' }",
         "monarc.toml:1: derive entry 1: to.kind must be one of gauge, counter, timer, every, got "
         "\"sum\""},
        {"[[derive]]\nto = { name = 'x' }",
         "monarc.toml:1: derive entry 1: to has no \"name\"; it has prefix, kind"},
        {"[[derive]]\nfrom = { class = 'a' }",
         "monarc.toml:1: derive must be a list in which each entry has from.class and "
         "from.fields, got one without"},
        // secrets
        {"[monasca]\ntoken = 5",
         "monarc.toml:2: monasca.token must be \"env:NAME\", "
         "\"file:/path\" or a text; what it got is not shown"},
        {"[monasca]\ntoken = 'env:TEST_NOT_SET'",
         "monarc.toml:2: monasca.token names the variable \"TEST_NOT_SET\", which is not set"},
        {"[monasca]\ntoken = 'file:/not/there'",
         "monarc.toml:2: monasca.token names a file that cannot be used: /not/there: No such file "
         "or directory"},
    };
    const scoped_environment environment;

    for (const auto& [text, error] : rows) {
        CHECK(error_of_text(text) == error);
    }
}

TEST_CASE("what is no TOML is told with its line") {
    const std::pair<std::string, int> rows[] = {
        {"name = \n", 1},
        {"\nname = 'a'\nname = 'b'", 3},
        {"[batch]\nmax_records = 1\n[batch]\n", 3},
        {"batch = { max_records = 1 }\n[batch]\nmax_bytes = 4096", 2},
        {"\nname = 'a", 2},
        {"name = 'a\0b'"s, 1},
        {"\nname = '\xff'", 2},
        {"name = 0x", 1},
        {"<xml/>", 1},
        {"{\"name\": 1}", 1},
    };
    for (const auto& [text, line] : rows) {
        CAPTURE(text);
        const auto error = error_of_text(text);

        CHECK(error.starts_with(fmt::format("monarc.toml:{}: ", line)));
        CHECK(error.find("option") == error.npos);
    }
    CHECK(error_of_text("\xef\xbb\xbfmax_contexts = 0").ends_with("got 0"));
    CHECK(error_of_text("max_contexts = 0\r\n").ends_with("got 0"));
    CHECK(error_of_text(std::string(100'000, '[')).starts_with("monarc.toml:1: "));
    CHECK(error_of_text("x = " + std::string(100'000, '[')).starts_with("monarc.toml:1: "));
}

TEST_CASE("a file that cannot be read is told with the reason") {
    const temporary_folder folder;
    const auto pipe = folder.path("pipe");
    REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
    const auto large = folder.write("large", std::string((1u << 20) + 1, '#'));
    const auto full = folder.write("full", std::string(1u << 20, '#'));

    CHECK(
        error_of({.file = folder.path("none")}) ==
        "cannot read monarc.toml: No such file or directory");
    CHECK(error_of({.file = folder.path("")}) == "cannot read monarc.toml: is a directory");
    CHECK(error_of({.file = pipe}) == "cannot read monarc.toml: is not a regular file");
    CHECK(error_of({.file = large}) == "cannot read monarc.toml: is larger than 1048576 bytes");
    CHECK(error_of({.file = "a\0b"s}) == "cannot read a path with a zero byte");
    CHECK_NOTHROW(load_options({.file = full}));
    CHECK(
        error_of_variable("MONARC_CONFIG", "/not/there") ==
        "cannot read /not/there: No such file or directory");
}

TEST_CASE("a file without the right to read it is told so") {
    const temporary_folder folder;
    const auto file = folder.write("x.toml", "", 0);
    const auto was = ::geteuid();
    if (was == 0) {
        REQUIRE(::seteuid(65'534) == 0);
    }
    const auto error = error_of({.file = file});
    if (was == 0) {
        REQUIRE(::seteuid(0) == 0);
    }

    CHECK(error == "cannot read monarc.toml: Permission denied");
}

TEST_CASE("each mistake in a variable is told with its name") {
    struct row {
        std::string name;
        std::string value;
        std::string error;
    };
    const row rows[] = {
        {"MONARC_BATCH__MAX_DELYA",
         "1s",
         "\"MONARC_BATCH__MAX_DELYA\" is not the variable of an option; did you mean "
         "MONARC_BATCH__MAX_DELAY?"},
        {"MONARC_BATCH_MAX_DELAY",
         "1s",
         "\"MONARC_BATCH_MAX_DELAY\" is not the variable of an option; did you mean "
         "MONARC_BATCH__MAX_DELAY?"},
        {"MONARC_max_contexts",
         "1",
         "\"MONARC_max_contexts\" is not the variable of an option; did you mean "
         "MONARC_MAX_CONTEXTS?"},
        {"MONARC_BATCH",
         "1",
         "\"MONARC_BATCH\" is not the variable of an option; did you mean MONARC_NAME?"},
        {"MONARC_LOG",
         "1",
         "\"MONARC_LOG\" is not the variable of an option; did you mean MONARC_CLOCK?"},
        {"MONARC_DERIVE",
         "fill",
         "MONARC_DERIVE: derive has no variable; it is set in a file or in code"},
        {"MONARC_ENABLED", "1", "MONARC_ENABLED: enabled must be true or false, got \"1\""},
        {"MONARC_ENABLED", "", "MONARC_ENABLED: enabled must be true or false, got \"\""},
        {"MONARC_QUEUE__CAPACITY",
         "many",
         "MONARC_QUEUE__CAPACITY: queue.capacity must be a whole number, 256..16777216, got "
         "\"many\""},
        {"MONARC_QUEUE__CAPACITY",
         "512 ",
         "MONARC_QUEUE__CAPACITY: queue.capacity must be a whole number, 256..16777216, got "
         "\"512 \""},
        {"MONARC_QUEUE__CAPACITY",
         "99999999999999999999",
         "MONARC_QUEUE__CAPACITY: queue.capacity must be a whole number, 256..16777216, got "
         "\"99999999999999999999\""},
        {"MONARC_QUEUE__CAPACITY",
         "300",
         "MONARC_QUEUE__CAPACITY: queue.capacity must be a multiple of 256, got 300"},
        {"MONARC_MONA__PORT",
         "1",
         "MONARC_MONA__PORT: mona.kind must be one of forward, rest, got none"},
        {"MONARC_MONASCA__DIMENSIONS",
         "hostname",
         "MONARC_MONASCA__DIMENSIONS: monasca.dimensions must be a list name=text,name=text, got "
         "\"hostname\""},
        {"MONARC_MONASCA__DIMENSIONS",
         "a=b,",
         "MONARC_MONASCA__DIMENSIONS: monasca.dimensions must be a list name=text,name=text, got "
         "\"a=b,\""},
        {"MONARC_MONASCA__DIMENSIONS",
         "a=b,a=c",
         "MONARC_MONASCA__DIMENSIONS: monasca.dimensions must be a list name=text,name=text, got "
         "\"a=b,a=c\""},
        {"MONARC_NAME",
         "\033[31m",
         "MONARC_NAME: name must be 1 to 64 of A-Z a-z 0-9 . _ - that do not begin with a dot, "
         "got \"\\x1b[31m\""},
        {"MONARC_MONASCA__TOKEN",
         "env:TEST_NOT_SET",
         "MONARC_MONASCA__TOKEN: monasca.token names the variable \"TEST_NOT_SET\", which is not "
         "set"},
    };

    for (const auto& [name, value, error] : rows) {
        CHECK(error_of_variable(name, value) == error);
    }
}

TEST_CASE("D-11.9 a secret's file loses one line end; how open it is decides") {
    const scoped_environment environment;
    const temporary_folder folder;
    const auto load_secret = [&](const std::string& path) {
        const auto file = folder.write("x.toml", "[monasca]\ntoken = 'file:" + path + "'");
        return load_file(file);
    };
    const auto token_of = [](const loaded& l) {
        return std::string(l.options.monasca->token.reveal());
    };

    CHECK(token_of(load_secret(folder.write("a", "tok", 0600))) == "tok");
    CHECK(token_of(load_secret(folder.write("a", "tok\n", 0640))) == "tok");
    CHECK(token_of(load_secret(folder.write("a", "tok\r\n", 0600))) == "tok");
    CHECK(load_secret(folder.write("a", "tok", 0640)).warnings.empty());

    const auto open = load_secret(folder.write("a", "tok", 0604));
    CHECK(token_of(open) == "tok");
    REQUIRE(open.warnings.size() == 1);
    CHECK(open.warnings[0].find("x.toml:2: monasca.token names ") != std::string::npos);
    CHECK(open.warnings[0].ends_with("which others may read; chmod o-r it"));

    const auto loose = folder.write("a", "tok", 0602);
    const auto file = folder.write("x.toml", "[monasca]\ntoken = 'file:" + loose + "'");
    CHECK(error_of({.file = file}).find("which others may write") != std::string::npos);
    CHECK_THROWS(load_secret(folder.write("a", std::string(65'537, 't'))));
    CHECK_THROWS(load_secret(folder.path("")));
}

TEST_CASE("a secret in plain text is taken with a warning that does not show it") {
    const auto [options, warnings] = load_text("[monasca]\ntoken = 'gAAAA'");

    CHECK(options.monasca->token.reveal() == "gAAAA");
    REQUIRE(warnings.size() == 1);
    CHECK(warnings[0].ends_with("/monarc.toml:2: monasca.token is a secret in plain text; write "
                                "\"env:NAME\" or \"file:/path\""));
    CHECK(load_text("[monasca]\ntoken = ''").warnings.empty());
}

TEST_CASE("what a version cannot do yet loads; the constructor's check refuses it") {
    const scoped_environment environment(secrets);

    const auto loaded = load_text(std::string(common_text) + std::string(forward_text));

    CHECK(
        validate(loaded.options) ==
        "spool.directory: not available in this version; leave it empty");
}
}
