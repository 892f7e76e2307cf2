#include "mona_client/environment.hpp"
#include "support/scoped_environment.hpp"

#include <doctest/doctest.h>

#include <map>
#include <string>

using namespace monarc::mona_client;

namespace {

environment_reading read_with(const std::map<std::string, std::string>& variables) {
    return read_environment([&](const char* name) {
        const auto found = variables.find(name);
        return found != variables.end() ? found->second.c_str() : nullptr;
    });
}

} // namespace

TEST_SUITE("mona_client/environment") {
TEST_CASE("without variables, and with empty ones, the client is as mona-client's") {
    for (const auto& variables :
         {std::map<std::string, std::string>(),
          {{"MONA_HOST", ""},
           {"MONA_PORT", ""},
           {"MONA_USER_ID", ""},
           {"MONA_QUEUE_SIZE", ""},
           {"MONA_LOGGING_LEVEL", ""},
           {"MONA_PRINT_LOGS", ""},
           {"MONA_CLIENT_CONFIG_FILE", ""}}}) {
        const auto reading = read_with(variables);

        CHECK(reading.wrong == "");
        CHECK(reading.bad_level == "");
        const auto& o = reading.options;
        CHECK(o.forward.host == "127.0.0.1");
        CHECK(o.forward.port == 24224);
        CHECK(o.forward.user_id == "EMPTY");
        CHECK(o.forward.use_tls);
        CHECK(o.queue_size == 200);
        CHECK_FALSE(o.queue_circular);
        CHECK_FALSE(o.raise_exceptions);
        CHECK(o.config_file == "");
        CHECK(o.logging_level == 0);
        CHECK_FALSE(o.print_logs);
        CHECK_FALSE(o.forward.ack); // D-5.5
        CHECK_FALSE(o.forward.gzip);
    }
}

TEST_CASE("a switch knows four spellings, whatever else there is means the default") {
    for (const char* const word : {"True", "true"}) {
        CHECK(read_switch(word, false));
    }
    for (const char* const word : {"False", "false"}) {
        CHECK_FALSE(read_switch(word, true));
    }
    for (const char* const word : {"TRUE", "FALSE", "1", "0", "yes", "no", "", " true"}) {
        CHECK(read_switch(word, true));
        CHECK_FALSE(read_switch(word, false));
    }
    CHECK(read_switch(nullptr, true));
}

TEST_CASE("an integer is what Python takes for one") {
    CHECK(python_integer("24224") == 24224);
    CHECK(python_integer(" +7\n") == 7);
    CHECK(python_integer("-5") == -5);
    CHECK(python_integer("1_000") == 1000);
    for (const char* const text :
         {"",
          " ",
          "abc",
          "1e3",
          "1.0",
          "0x10",
          "_1",
          "1_",
          "1__0",
          "+",
          "1 2",
          "99999999999999999999"}) {
        CAPTURE(text);
        CHECK_FALSE(python_integer(text));
    }
}

TEST_CASE("a port or queue size that is none is told with what to write") {
    CHECK(
        read_with({{"MONA_PORT", "abc"}}).wrong ==
        "MONA_PORT must be an integer 1..65535, got \"abc\"");
    CHECK(
        read_with({{"MONA_PORT", "70000"}}).wrong ==
        "MONA_PORT must be an integer 1..65535, got \"70000\"");
    CHECK(
        read_with({{"MONA_QUEUE_SIZE", "1e3"}}).wrong ==
        "MONA_QUEUE_SIZE must be an integer, got \"1e3\"");
    CHECK(read_with({{"MONA_QUEUE_SIZE", "-1"}}).wrong == "");
}

TEST_CASE("a logging level is a number, printing is switched on by any text") {
    CHECK(read_with({{"MONA_LOGGING_LEVEL", "20"}}).options.logging_level == 20);
    const auto word = read_with({{"MONA_LOGGING_LEVEL", "debug"}});
    CHECK(word.options.logging_level == 0);
    CHECK(word.bad_level == "debug");
    CHECK(read_with({{"MONA_PRINT_LOGS", "false"}}).options.print_logs);
}

TEST_CASE("each variable arrives") {
    const auto o = read_with({{"MONA_HOST", "collector"},
                              {"MONA_PORT", "1"},
                              {"MONA_USER_ID", "me"},
                              {"MONA_USE_SSL", "false"},
                              {"MONA_QUEUE_SIZE", "100000"},
                              {"MONA_QUEUE_CIRCULAR", "true"},
                              {"MONA_SHOULD_RAISE_EXCEPTIONS", "true"},
                              {"MONA_CLIENT_CONFIG_FILE", "./c.json"}})
                       .options;

    CHECK(o.forward.host == "collector");
    CHECK(o.forward.port == 1);
    CHECK(o.forward.user_id == "me");
    CHECK_FALSE(o.forward.use_tls);
    CHECK(o.queue_size == 100'000);
    CHECK(o.queue_circular);
    CHECK(o.raise_exceptions);
    CHECK(o.config_file == "./c.json");
}

TEST_CASE("a level that is no integer is said, also when init_client() reads the environment") {
    const monarc::support::variables word{{"MONA_LOGGING_LEVEL", "INFO"}};
    const monarc::support::scoped_environment environment(word);
    std::string codes;
    monarc::mona::set_log([&](const monarc::log_line& line) { codes += line.code; });

    const auto options = monarc::mona::options_from_mona_env();

    monarc::mona::set_log({});
    CHECK(codes == "bad_logging_level");
    CHECK(options.logging_level == 0);
}
}
