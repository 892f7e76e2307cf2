#include "core/options.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <cmath>
#include <functional>
#include <limits>
#include <string>
#include <string_view>

using namespace monarc;
using namespace std::chrono_literals;
using namespace std::string_literals;

namespace {

using change = std::function<void(exporter_options&)>;

exporter_options with(const change& made) {
    exporter_options options{.mona = mona_forward_options{}};
    made(options);
    return options;
}

mona_forward_options& forward(exporter_options& o) {
    return std::get<mona_forward_options>(o.mona);
}
mona_rest_options& rest(exporter_options& o) {
    return std::holds_alternative<mona_rest_options>(o.mona) ? std::get<mona_rest_options>(o.mona)
                                                             : o.mona.emplace<mona_rest_options>();
}
monasca_options& monasca(exporter_options& o) {
    return o.monasca ? *o.monasca : o.monasca.emplace();
}
constexpr std::string_view local_url = "http://127.0.0.1:8070/v2.0";

} // namespace

TEST_SUITE("core/options") {
TEST_CASE("the defaults are in range, with and without a destination") {
    CHECK(validate({}).empty());
    CHECK(validate({.mona = mona_forward_options{}}).empty());
}

TEST_CASE("the first and the last legal value of every option are taken") {
    const change legal[] = {
        [](auto& o) { o.mona = std::monostate{}; },
        [](auto& o) { forward(o).host = "x"; },
        [](auto& o) { forward(o).port = 1; },
        [](auto& o) { forward(o).port = 65'535; },
        [](auto& o) { forward(o).user_id = ""; },
        [](auto& o) { forward(o).user_id = std::string(1024, 'u'); },
        [](auto& o) { o.queue.capacity = 256; },
        [](auto& o) {
            o.queue.capacity = 1u << 24;
            o.memory_limit = 2 * (std::size_t{192} << 24);
        },
        [](auto& o) { o.queue.block_timeout = 0ms; },
        [](auto& o) { o.queue.block_timeout = 1min; },
        [](auto& o) { o.batch.max_records = 1; },
        [](auto& o) { o.batch.max_records = 1000; },
        [](auto& o) { o.batch.max_bytes = 4096; },
        [](auto& o) { o.batch.max_bytes = 5u << 20; },
        [](auto& o) { o.batch.max_delay = 1ms; },
        [](auto& o) { o.batch.max_delay = 1h; },
        [](auto& o) { o.retry.min_wait = 1ms; },
        [](auto& o) { o.retry.min_wait = o.retry.max_wait; },
        [](auto& o) { o.retry.min_wait = o.retry.max_wait = 1h; },
        [](auto& o) { o.retry.max_age = 0ms; },
        [](auto& o) { o.retry.max_age = o.batch.max_delay; },
        [](auto& o) { o.retry.max_attempts = std::numeric_limits<std::uint32_t>::max(); },
        [](auto& o) {
            o.queue.capacity = 256;
            o.memory_limit = 4u << 20;
        },
        [](auto& o) { o.memory_limit = 2 * 192 * o.queue.capacity; },
        [](auto& o) { o.max_contexts = 1; },
        [](auto& o) { o.name = "a"; },
        [](auto& o) { o.name = "A.z_0-9" + std::string(57, 'n'); },
        [](auto& o) { o.queue.block_timeout = 1min; },
        [](auto& o) { o.retry.max_retry_after = 0ms; },
        [](auto& o) { o.retry.max_retry_after = 1h; },
        [](auto& o) { o.spool.max_bytes = 8u << 20; },
        [](auto& o) { o.io_thread = {.name = "n", .cpu = -1, .priority = -20}; },
        [](auto& o) { o.io_thread = {.name = std::string(15, 'n'), .cpu = 1023, .priority = 19}; },
        [](auto& o) { monasca(o).url = local_url; },
        [](auto& o) {
            monasca(o).url = local_url;
            monasca(o).interval = 1s;
            monasca(o).compression = compression_mode::none;
            monasca(o).tenant_id = "0123456789abcdefABCDEF0123456789";
        },
        [](auto& o) {
            monasca(o).url = "http://localhost:8070/v2.0";
            monasca(o).interval = 1h;
            monasca(o).token = secret(std::string(8000, 't'));
        },
        [](auto& o) {
            monasca(o).url = "http://[::1]:8070/v2.0";
            monasca(o).token = secret("t");
        },
        [](auto& o) {
            monasca(o).url = "http://mon.example/v2.0";
            monasca(o).token = secret("t");
            o.tls.allow_plain_credentials = true;
        },
        [](auto& o) { o.derive = {{.from = {.class_name = "fill", .fields = {"price"}}}}; },
        [](auto& o) { o.response_timeout = 1s; },
        [](auto& o) { o.response_timeout = 10min; },
        [](auto& o) { o.close_timeout = 0ms; },
        [](auto& o) { o.close_timeout = 10min; },
    };

    for (const auto& made : legal) {
        CHECK(validate(with(made)) == "");
    }
}

TEST_CASE("D-15.3 a value out of range is told with the option, what is allowed and what it got") {
    struct row {
        change made;
        std::string text;
    };
    const row rows[] = {
        {[](auto& o) { forward(o).host.clear(); },
         "mona.host must be a name or an address, got an empty text"},
        {[](auto& o) { forward(o).host = "a\0b"s; },
         "mona.host must be a name or an address, got \"a\\x00b\""},
        {[](auto& o) { forward(o).port = 0; }, "mona.port must be 1..65535, got 0"},
        {[](auto& o) { forward(o).user_id = std::string(1025, 'u'); },
         "mona.user_id must be at most 1024 bytes long, got 1025 bytes"},
        {[](auto& o) { o.queue.capacity = 0; }, "queue.capacity must be 256..16777216, got 0"},
        {[](auto& o) { o.queue.capacity = 255; }, "queue.capacity must be 256..16777216, got 255"},
        {[](auto& o) { o.queue.capacity = (1u << 24) + 256; },
         "queue.capacity must be 256..16777216, got 16777472"},
        {[](auto& o) { o.queue.capacity = std::numeric_limits<std::size_t>::max() - 255; },
         "queue.capacity must be 256..16777216, got 18446744073709551360"},
        {[](auto& o) { o.queue.capacity = 257; },
         "queue.capacity must be a multiple of 256, got 257"},
        {[](auto& o) { o.queue.block_timeout = -1ms; },
         "queue.block_timeout must be 0ms..60000ms, got -1ms"},
        {[](auto& o) { o.queue.block_timeout = 1min + 1ms; },
         "queue.block_timeout must be 0ms..60000ms, got 60001ms"},
        {[](auto& o) { o.batch.max_records = 0; }, "batch.max_records must be 1..1000, got 0"},
        {[](auto& o) { o.batch.max_records = 1001; },
         "batch.max_records must be 1..1000, got 1001"},
        {[](auto& o) { o.batch.max_bytes = 4095; },
         "batch.max_bytes must be 4096..5242880, got 4095"},
        {[](auto& o) { o.batch.max_bytes = (5u << 20) + 1; },
         "batch.max_bytes must be 4096..5242880, got 5242881"},
        {[](auto& o) { o.batch.max_delay = 0ms; },
         "batch.max_delay must be 1ms..3600000ms, got 0ms"},
        {[](auto& o) { o.batch.max_delay = -1ms; },
         "batch.max_delay must be 1ms..3600000ms, got -1ms"},
        {[](auto& o) { o.batch.max_delay = 1h + 1ms; },
         "batch.max_delay must be 1ms..3600000ms, got 3600001ms"},
        {[](auto& o) { o.retry.min_wait = 0ms; }, "retry.min_wait must be 1ms..3600000ms, got 0ms"},
        {[](auto& o) { o.retry.min_wait = 1h + 1ms; },
         "retry.min_wait must be 1ms..3600000ms, got 3600001ms"},
        {[](auto& o) { o.retry.max_wait = 49ms; },
         "retry.max_wait must be 50ms..3600000ms, got 49ms"},
        {[](auto& o) { o.retry.max_wait = 1h + 1ms; },
         "retry.max_wait must be 50ms..3600000ms, got 3600001ms"},
        {[](auto& o) { o.retry.max_age = 999ms; },
         "retry.max_age must be 0 (no limit) or at least batch.max_delay (1000ms), got 999ms"},
        {[](auto& o) { o.retry.max_age = -1ms; },
         "retry.max_age must be 0 (no limit) or at least batch.max_delay (1000ms), got -1ms"},
        {[](auto& o) {
             o.queue.capacity = 256;
             o.memory_limit = (4u << 20) - 1;
         },
         "memory_limit must be at least 4 MiB and twice the queue's pool of 49152 bytes, 4194304 "
         "bytes in all, got 4194303"},
        {[](auto& o) { o.memory_limit = 2 * 192 * 65'536 - 1; },
         "memory_limit must be at least 4 MiB and twice the queue's pool of 12582912 bytes, "
         "25165824 bytes in all, got 25165823"},
        {[](auto& o) { o.max_contexts = 0; }, "max_contexts must be 1..2147483648, got 0"},
        {[](auto& o) { o.max_contexts = (std::size_t{1} << 31) + 1; },
         "max_contexts must be 1..2147483648, got 2147483649"},
        {[](auto& o) { o.name = ""; },
         "name must be 1 to 64 of A-Z a-z 0-9 . _ - that do not begin with a dot, got an empty "
         "text"},
        {[](auto& o) { o.name = "../etc"; },
         "name must be 1 to 64 of A-Z a-z 0-9 . _ - that do not begin with a dot, got \"../etc\""},
        {[](auto& o) { o.name = std::string(65, 'n'); },
         "name must be 1 to 64 of A-Z a-z 0-9 . _ - that do not begin with a dot, got 65 bytes"},
        {[](auto& o) { forward(o).host = std::string(256, 'h'); },
         "mona.host must be a name or an address, got 256 bytes"},
        {[](auto& o) { forward(o).unix_path = std::string(108, 'p'); },
         "mona.unix_path must be at most 107 bytes without control characters, got 108 bytes"},
        {[](auto& o) { rest(o).url = "incoming.example"; },
         "mona.url must be an address that begins with http:// or https://, without user "
         "information, or empty, got "
         "\"incoming.example\""},
        {[](auto& o) {
             rest(o).sampling = {{"fill", 0.5}, {"*", 1.5}};
         },
         "mona.sampling must be shares of 0..1, got \"*\"=1.5,\"fill\"=0.5"},
        {[](auto& o) {
             rest(o).sampling = {{"fill", std::nan("")}};
         },
         "mona.sampling must be shares of 0..1, got \"fill\"=nan"},
        {[](auto& o) { monasca(o).url = "http://mon.example/v2.0\nx"; },
         "monasca.url must be an address that begins with http:// or https://, without user "
         "information, or empty, got "
         "\"http://mon.example/v2.0\\x0ax\""},
        {[](auto& o) { monasca(o).url = "http://user:pass@mon.example/v2.0"; },
         "monasca.url must be an address that begins with http:// or https://, without user "
         "information, or empty, got an address with user information, which is not shown"},
        {[](auto& o) { monasca(o).token = secret("a b"); },
         "monasca.token must be at most 8000 bytes of visible ASCII, got 3 bytes that are not "
         "shown"},
        {[](auto& o) { monasca(o).token = secret(std::string(8001, 't')); },
         "monasca.token must be at most 8000 bytes of visible ASCII, got 8001 bytes that are not "
         "shown"},
        {[](auto& o) { monasca(o).tenant_id = "0123456789abcdef0123456789abcdeg"; },
         "monasca.tenant_id must be 32 hexadecimal digits, or empty, got "
         "\"0123456789abcdef0123456789abcdeg\""},
        {[](auto& o) { monasca(o).tenant_id = "42"; },
         "monasca.tenant_id must be 32 hexadecimal digits, or empty, got \"42\""},
        {[](auto& o) { monasca(o).interval = 999ms; },
         "monasca.interval must be 1000ms..3600000ms, got 999ms"},
        {[](auto& o) { monasca(o).interval = 1h + 1ms; },
         "monasca.interval must be 1000ms..3600000ms, got 3600001ms"},
        {[](auto& o) { o.queue.block_timeout = -1ms; },
         "queue.block_timeout must be 0ms..60000ms, got -1ms"},
        {[](auto& o) { o.queue.block_timeout = 1min + 1ms; },
         "queue.block_timeout must be 0ms..60000ms, got 60001ms"},
        {[](auto& o) { o.retry.max_retry_after = -1ms; },
         "retry.max_retry_after must be 0ms..3600000ms, got -1ms"},
        {[](auto& o) { o.retry.max_retry_after = 1h + 1ms; },
         "retry.max_retry_after must be 0ms..3600000ms, got 3600001ms"},
        {[](auto& o) { o.spool.max_bytes = (8u << 20) - 1; },
         "spool.max_bytes must be 8388608..9223372036854775807, got 8388607"},
        {[](auto& o) { o.io_thread.name = std::string(16, 'n'); },
         "io_thread.name must be 1 to 15 bytes without control characters, got "
         "\"nnnnnnnnnnnnnnnn\""},
        {[](auto& o) { o.io_thread.cpu = -2; }, "io_thread.cpu must be -1..1023, got -2"},
        {[](auto& o) { o.io_thread.cpu = 1024; }, "io_thread.cpu must be -1..1023, got 1024"},
        {[](auto& o) { o.io_thread.priority = -21; },
         "io_thread.priority must be -20..19, got -21"},
        {[](auto& o) { o.io_thread.priority = 20; }, "io_thread.priority must be -20..19, got 20"},
        {[](auto& o) { o.derive = {{.from = {.class_name = "fill"}}}; },
         "derive must be a list in which each entry has from.class and from.fields, got one "
         "without"},
        {[](auto& o) { o.response_timeout = 999ms; },
         "response_timeout must be 1000ms..600000ms, got 999ms"},
        {[](auto& o) { o.response_timeout = 10min + 1ms; },
         "response_timeout must be 1000ms..600000ms, got 600001ms"},
        {[](auto& o) { o.close_timeout = -1ms; }, "close_timeout must be 0ms..600000ms, got -1ms"},
        {[](auto& o) { o.close_timeout = 10min + 1ms; },
         "close_timeout must be 0ms..600000ms, got 600001ms"},
    };

    for (const auto& [made, text] : rows) {
        CHECK(validate(with(made)) == text);
    }
}

TEST_CASE("of several wrong options the first is named") {
    const auto options = with([](auto& o) {
        o.batch.max_records = 0;
        o.batch.max_bytes = 0;
        o.close_timeout = -1ms;
    });

    CHECK(validate(options) == "batch.max_records must be 1..1000, got 0");
}

TEST_CASE("a Monasca without an address is refused, with a token or without one") {
    const std::string text = "monasca.url must be the address of a Monasca API such as "
                             "http://mon.example:8070/v2.0, or monasca.auth_url that of its "
                             "Keystone, got two empty texts";

    CHECK(validate(with([](auto& o) { monasca(o); })) == text);
    CHECK(validate(with([](auto& o) { monasca(o).token = secret("t"); })) == text);
}

TEST_CASE("with Keystone exactly one who logs in is wanted, whole") {
    const std::string one = "monasca.auth_url wants one of monasca.username (or user_id), "
                            "monasca.token and monasca.credential_id beside it, got ";
    const auto text_of = [](const change& made) {
        return validate(with([&](auto& o) {
            monasca(o).auth_url = "https://keystone.example:5000";
            made(o);
        }));
    };

    CHECK(text_of([](auto&) {}) == one + "none");
    CHECK(text_of([](auto& o) {
              monasca(o).username = "u";
              monasca(o).token = secret("t");
          }) == one + "more than one");
    CHECK(text_of([](auto& o) {
              monasca(o).user_id = "u";
          }) == "monasca.password must be set with monasca.username, got an empty text");
    CHECK(
        text_of([](auto& o) { monasca(o).credential_id = "c"; }) ==
        "monasca.credential_secret must be set with monasca.credential_id, got an empty text");
    CHECK(text_of([](auto& o) { monasca(o).token = secret("t"); }) == "");
    CHECK(text_of([](auto& o) {
              monasca(o).username = "u";
              monasca(o).password = secret("p");
          }) == "");
    CHECK(text_of([](auto& o) {
              monasca(o).credential_id = "c";
              monasca(o).credential_secret = secret("s");
          }) == "");
}

TEST_CASE("somebody who logs in wants a Keystone to do it at") {
    const change made[] = {
        [](auto& o) { monasca(o).username = "u"; },
        [](auto& o) { monasca(o).user_id = "u"; },
        [](auto& o) { monasca(o).password = secret("p"); },
        [](auto& o) { monasca(o).credential_id = "c"; },
        [](auto& o) { monasca(o).credential_secret = secret("s"); },
    };
    for (const auto& one : made) {
        CHECK(
            validate(with([&](auto& o) {
                monasca(o).url = local_url;
                one(o);
            })) == "monasca.auth_url must be the address of Keystone such as "
                   "https://keystone.example:5000/v3 for somebody to log in, got an empty text");
    }
}

TEST_CASE("D-12.1 no login and no token of Keystone's goes readable to another machine") {
    const auto text_of = [](std::string_view auth_url, std::string_view url, bool is_allowed) {
        return validate(with([&](auto& o) {
            monasca(o).auth_url = auth_url;
            monasca(o).url = url;
            monasca(o).username = "u";
            monasca(o).password = secret("p");
            o.tls.allow_plain_credentials = is_allowed;
        }));
    };

    CHECK(
        text_of("http://keystone.example/v3", "", false) ==
        "monasca.auth_url must be https, since the login would be sent readable to another "
        "machine, or tls.allow_plain_credentials be true, got \"http://keystone.example/v3\"");
    CHECK(
        text_of("https://keystone.example/v3", "http://mon.example/v2.0", false) ==
        "monasca.url must be https, since Keystone's token would be sent readable to another "
        "machine, or tls.allow_plain_credentials be true, got \"http://mon.example/v2.0\"");
    CHECK(text_of("http://keystone.example/v3", "http://mon.example/v2.0", true) == "");
    CHECK(text_of("http://127.0.0.1:5000", "", false) == "");
}

TEST_CASE("D-12.1 a token is not sent readable to another machine unless that is allowed") {
    for (const std::string host :
         {"mon.example:8070",
          "127.example",
          "127.0.0.1.example",
          "[::2]:80",
          "localhost.example",
          "127.1.example"}) {
        const auto text = validate(with([&](auto& o) {
            monasca(o).url = "http://" + host + "/v2.0";
            monasca(o).token = secret("t");
        }));

        CHECK(
            text == "monasca.url must be https, since monasca.token would be sent readable to "
                    "another machine, or tls.allow_plain_credentials be true, got \"http://" +
                        host + "/v2.0\"");
    }
}

TEST_CASE("a key without its certificate is refused, a certificate may hold its key") {
    CHECK(validate(with([](auto& o) {
              o.tls.key_file = "/k.pem";
          })) == "tls.cert_file must be set with tls.key_file, got an empty text and \"/k.pem\"");
    CHECK(validate(with([](auto& o) { o.tls.cert_file = "/both.pem"; })) == "");
}

TEST_CASE("what Mona's REST interface needs depends on how a client proves who it is") {
    struct row {
        mona_rest_options options;
        std::string wrong;
    };
    using enum mona_auth_mode;
    const secret s("s");
    const row rows[] = {
        {{.api_key = s, .secret = s}, ""},
        {{.secret = s},
         "mona.api_key must be the key of a login with mona.auth = mona, got an empty text"},
        {{.api_key = s},
         "mona.secret must be that of mona.api_key with mona.auth = mona, got an empty text"},
        {{.user_id = "u",
          .api_key = s,
          .secret = s,
          .auth = oidc,
          .token_url = "https://h/t",
          .host = "h"},
         ""},
        {{.user_id = "u", .api_key = s, .secret = s, .auth = oidc, .host = "h"},
         "mona.token_url must be where tokens are had with mona.auth = oidc, got an empty text"},
        {{.url = "https://h/x",
          .api_key = s,
          .secret = s,
          .auth = oidc,
          .token_url = "https://h/t"},
         "mona.user_id must be Mona's id of the customer with mona.auth = oidc, got an empty "
         "text"},
        {{.user_id = "u", .secret = s, .auth = token},
         "mona.host must be set, or mona.url, with mona.auth = token, got an empty text"},
        {{.user_id = "u", .auth = token, .host = "h"},
         "mona.secret must be the access token with mona.auth = token, got an empty text"},
        {{.user_id = "u", .auth = none, .host = "h", .use_tls = false}, ""},
        {{.auth = none, .host = "h"},
         "mona.user_id must be Mona's id of the customer with mona.auth = none, got an empty "
         "text"},
        {{.user_id = "u", .secret = s, .auth = token, .host = "127.0.0.1:80", .use_tls = false},
         ""},
        {{.user_id = "u", .secret = s, .auth = token, .host = "h:80", .use_tls = false},
         "mona.host must be https, since the token would be sent readable to another machine, or "
         "tls.allow_plain_credentials be true, got \"http://h:80\""},
        {{.user_id = "u", .secret = monarc::secret("a\n"), .auth = token, .host = "h"},
         "mona.secret must be at most 8000 bytes of visible ASCII with mona.auth = token, got "
         "something else"},
        {{.api_key = s, .secret = s, .use_tls = false},
         "mona.host must be https, since the token would be sent readable to another machine, or "
         "tls.allow_plain_credentials be true, got \"http://monalabs.io\""},
        {{.url = "http://h/x", .api_key = s, .secret = s},
         "mona.url must be https, since the token would be sent readable to another machine, or "
         "tls.allow_plain_credentials be true, got \"http://h/x\""},
        {{.api_key = s, .secret = s, .token_url = "http://h/t"},
         "mona.token_url must be https, since mona.secret would be sent readable to another "
         "machine, or tls.allow_plain_credentials be true, got \"http://h/t\""},
    };

    for (const auto& [options, wrong] : rows) {
        exporter_options all;
        all.mona = options;
        CHECK(validate(all) == wrong);
    }
}

TEST_CASE("an option that nothing obeys yet is in range, but refused as not available") {
    struct row {
        change made;
        std::string text;
    };
    const row rows[] = {
        {[](auto& o) { o.spool.directory = "/d"; }, "spool.directory: leave it empty"},
        {[](auto& o) { o.on_fork = fork_policy::restart; }, "on_fork = restart: leave it inert"},
    };

    for (const auto& [made, text] : rows) {
        const auto options = with(made);
        const auto colon = text.find(": ");

        CHECK(out_of_range(options) == "");
        CHECK(
            validate(options) ==
            text.substr(0, colon) + ": not available in this version; " + text.substr(colon + 2));
    }
}

TEST_CASE("without a destination its options are not looked at") {
    exporter_options options;
    options.batch.max_records = 1001;

    CHECK(validate(options) == "batch.max_records must be 1..1000, got 1001");
}
}
