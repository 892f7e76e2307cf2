#include "core/sdk_environment.hpp"
#include "support/scoped_environment.hpp"

#include <monarc/error.hpp>

#include <doctest/doctest.h>

#include <chrono>
#include <map>
#include <string>
#include <system_error>

using namespace monarc;
using namespace std::chrono_literals;

namespace {

sdk_environment read(const std::map<std::string, std::string>& variables) {
    return read_sdk_environment([&](const char* name) -> const char* {
        const auto found = variables.find(name);
        return found != variables.end() ? found->second.c_str() : nullptr;
    });
}

} // namespace

TEST_SUITE("core/sdk_environment") {
TEST_CASE("without variables everything is as the options are by default") {
    const auto got = read({});

    CHECK(got.wrong == "");
    CHECK(got.options.auth == mona_auth_mode::mona);
    CHECK(got.options.sampling.empty());
    CHECK(got.options.use_tls);
    CHECK_FALSE(got.options.refresh_margin);
    CHECK(got.options.login_retries == 3);
    CHECK(got.options.login_retry_wait == 2s);
    CHECK(got.logging_level == 51);
    CHECK(got.logger_name == "mona-logger");
    CHECK_FALSE(got.raises_export);
}

TEST_CASE("every variable that concerns exporting arrives") {
    const auto got = read(
        {{"MONA_SDK_API_KEY", "k"},
         {"MONA_SDK_SECRET", "s"},
         {"MONA_SDK_USER_ID", "u"},
         {"AUTH_MODE", "OIDC"},
         {"MONA_SDK_USE_REFRESH_TOKENS", "False"},
         {"MONA_SDK_AUTH_API_TOKEN_URL", "https://h/t"},
         {"MONA_SDK_REFRESH_TOKEN_URL", "https://h/r"},
         {"MONA_SDK_REFRESH_TOKEN_SAFETY_MARGIN", "0.5"},
         {"MONA_SDK_OIDC_SCOPE", "scope"},
         {"MONA_SDK_NUM_OF_RETRIES_FOR_AUTHENTICATION", "7"},
         {"MONA_SDK_WAIT_TIME_FOR_AUTHENTICATION_RETRIES_SEC", "0"},
         {"MONA_SDK_SHOULD_USE_SSL", "false"},
         {"MONA_SDK_OVERRIDE_REST_API_HOST", "host:1"},
         {"MONA_SDK_OVERRIDE_REST_API_URL", "http://host/x"},
         {"MONA_SDK_USE_SEND_EVENT_ENDPOINT", "true"},
         {"MONA_SDK_USE_SEND_TIMESTAMP_FIELD", "True"},
         {"MONA_SDK_FILTER_NONE_FIELDS_ON_EXPORT", "True"},
         {"MONA_SDK_DEFAULT_SAMPLING_FACTOR", "0.25"},
         {"MONA_SDK_SAMPLING_CONFIG", R"({"a":0.5,"b":"1"})"},
         {"MONA_SDK_RAISE_EXPORT_EXCEPTIONS", "true"},
         {"MONA_SDK_RAISE_AUTHENTICATION_EXCEPTIONS", "true"},
         {"MONA_SDK_RAISE_SERVICE_EXCEPTIONS", "true"},
         {"MONA_SDK_SHOULD_LOG_FAILED_MESSAGES", "true"}});
    const auto& o = got.options;

    CHECK(got.wrong == "");
    CHECK(o.api_key.reveal() == "k");
    CHECK(o.secret.reveal() == "s");
    CHECK(o.user_id == "u");
    CHECK(o.auth == mona_auth_mode::oidc);
    CHECK_FALSE(o.use_refresh_tokens);
    CHECK(o.token_url == "https://h/t");
    CHECK(o.refresh_url == "https://h/r");
    CHECK(o.refresh_margin == 30min);
    CHECK(o.oidc_scope == "scope");
    CHECK(o.login_retries == 7);
    CHECK(o.login_retry_wait == 0s);
    CHECK_FALSE(o.use_tls);
    CHECK(o.host == "host:1");
    CHECK(o.url == "http://host/x");
    CHECK(o.use_send_event);
    CHECK(o.use_send_timestamp);
    CHECK(o.drop_nulls);
    CHECK(o.sampling == std::map<std::string, double>{{"*", 0.25}, {"a", 0.5}, {"b", 1.0}});
    CHECK(got.raises_export);
    CHECK(got.raises_authentication);
    CHECK(got.raises_service);
    CHECK(got.logs_failed_messages);
}

TEST_CASE("no authentication wins over a token, a token over the mode") {
    using enum mona_auth_mode;
    const auto mode = [](const std::map<std::string, std::string>& variables) {
        return read(variables).options.auth;
    };

    CHECK(mode({{"MONA_SDK_ACCESS_TOKEN", "t"}, {"AUTH_MODE", "OIDC"}}) == token);
    CHECK(
        mode({{"MONA_SDK_ACCESS_TOKEN", "t"}, {"MONA_SDK_SHOULD_USE_AUTHENTICATION", "False"}}) ==
        none);
    CHECK(mode({{"AUTH_MODE", "NO_AUTH"}}) == none);
    CHECK(mode({{"AUTH_MODE", "MANUAL_TOKEN"}}) == token);
    CHECK(read({{"MONA_SDK_ACCESS_TOKEN", "t"}}).options.secret.reveal() == "t");
}

TEST_CASE("a switch knows four words; any other is its default") {
    CHECK_FALSE(read({{"MONA_SDK_FILTER_NONE_FIELDS_ON_EXPORT", "TRUE"}}).options.drop_nulls);
    CHECK_FALSE(read({{"MONA_SDK_FILTER_NONE_FIELDS_ON_EXPORT", "1"}}).options.drop_nulls);
    CHECK(read({{"MONA_SDK_SHOULD_USE_SSL", "no"}}).options.use_tls);
}

TEST_CASE("what breaks loading names the variable, what it wants and what it got") {
    struct row {
        std::string variable;
        std::string value;
        std::string wanted;
        bool is_initialisation = false;
    };
    const std::string map = "a JSON object of classes and numbers 0..1";
    const row rows[] = {
        {"MONA_SDK_DEFAULT_SAMPLING_FACTOR", "half", "a number 0..1"},
        {"MONA_SDK_DEFAULT_SAMPLING_FACTOR", "1.5", "a number 0..1"},
        {"MONA_SDK_DEFAULT_SAMPLING_FACTOR", "nan", "a number 0..1"},
        {"MONA_SDK_DEFAULT_SAMPLING_FACTOR", "", "a number 0..1"},
        {"MONA_SDK_SAMPLING_CONFIG", "[1]", map, true},
        {"MONA_SDK_SAMPLING_CONFIG", "{a}", map, true},
        {"MONA_SDK_SAMPLING_CONFIG", R"({"a":"x"})", map, true},
        {"MONA_SDK_SAMPLING_CONFIG", R"({"a":2})", map, true},
        {"MONA_SDK_NUM_OF_RETRIES_FOR_AUTHENTICATION", "three", "an integer 0..100"},
        {"MONA_SDK_WAIT_TIME_FOR_AUTHENTICATION_RETRIES_SEC",
         "0.5",
         "an integer 0..60, in seconds"},
        {"MONA_SDK_REFRESH_TOKEN_SAFETY_MARGIN", "soon", "a number 0..24, in hours"},
        {"AUTH_MODE", "mona", "one of MONA, OIDC, MANUAL_TOKEN, NO_AUTH"},
    };

    for (const auto& [variable, value, wanted, is_initialisation] : rows) {
        const auto got = read({{variable, value}});
        CAPTURE(variable);
        CHECK(got.wrong.starts_with(variable + " must be " + wanted + ", got \""));
        CHECK(got.is_initialisation == is_initialisation);
    }
}

TEST_CASE("the level is a number or a name, under the new name or the old") {
    CHECK(read({{"MONA_SDK_LOGGING_LEVEL", "10"}}).logging_level == 10);
    CHECK(read({{"MONA_SDK_LOGGING_LEVEL", "INFO"}}).logging_level == 20);
    CHECK(read({{"MONA_LOGGING_LEVEL", "INFO"}}).logging_level == 20);
    CHECK(
        read({{"MONA_LOGGING_LEVEL", "INFO"}, {"MONA_SDK_LOGGING_LEVEL", "ERROR"}}).logging_level ==
        40);
    CHECK(read({{"MONA_SDK_LOGGING_LEVEL", "loud"}}).logging_level == 51);
    CHECK(read({{"MONA_SDK_LOGGING_LEVEL", "loud"}}).bad_level == "loud");
    CHECK(read({{"MONA_SDK_LOGGER_NAME", "mine"}}).logger_name == "mine");
}

TEST_CASE("options_from_mona_sdk_env reads this process, and throws what is wrong") {
    using support::variables;
    {
        const support::scoped_environment environment(variables{{"MONA_SDK_API_KEY", "k"}});
        CHECK(options_from_mona_sdk_env().api_key.reveal() == "k");
    }
    const support::scoped_environment environment(
        variables{{"MONA_SDK_DEFAULT_SAMPLING_FACTOR", "half"}});
    try {
        options_from_mona_sdk_env();
        FAIL("it is no number");
    } catch (const std::system_error& error) {
        CHECK(error.code() == errc::bad_options);
        CHECK(
            std::string(error.what())
                .find("MONA_SDK_DEFAULT_SAMPLING_FACTOR must be a number 0..1, got \"half\"") !=
            std::string::npos);
    }
}
}
