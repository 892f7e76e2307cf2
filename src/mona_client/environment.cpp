#include "mona_client/environment.hpp"

#include "mona_client/client_log.hpp"

#include <monarc/error.hpp>

#include <fmt/format.h>

#include <cstdlib>
#include <limits>
#include <system_error>

namespace monarc::mona_client {

environment_reading read_environment(const std::function<const char*(const char*)>& variable) {
    environment_reading reading;
    auto& options = reading.options;
    const auto text_of = [&](const char* name) {
        const char* const text = variable(name);
        return std::string_view(text != nullptr ? text : "");
    };
    const auto refuse = [&](std::string text) {
        if (reading.wrong.empty()) {
            reading.wrong = std::move(text);
        }
    };
    if (const auto host = text_of("MONA_HOST"); !host.empty()) {
        options.forward.host = host;
    }
    if (const auto port = text_of("MONA_PORT"); !port.empty()) {
        const auto number = python_integer(port);
        if (number && *number >= 1 && *number <= std::numeric_limits<std::uint16_t>::max()) {
            options.forward.port = static_cast<std::uint16_t>(*number);
        } else {
            refuse(fmt::format("MONA_PORT must be an integer 1..65535, got \"{}\"", port));
        }
    }
    if (const auto user = text_of("MONA_USER_ID"); !user.empty()) {
        options.forward.user_id = user;
    }
    if (const auto size = text_of("MONA_QUEUE_SIZE"); !size.empty()) {
        if (const auto number = python_integer(size)) {
            options.queue_size = *number > 0 ? static_cast<std::size_t>(*number) : 0;
        } else {
            refuse(fmt::format("MONA_QUEUE_SIZE must be an integer, got \"{}\"", size));
        }
    }
    if (const auto level = text_of("MONA_LOGGING_LEVEL"); !level.empty()) {
        constexpr auto most = std::numeric_limits<int>::max();
        const auto number = python_integer(level);
        if (number && *number >= -most && *number <= most) {
            options.logging_level = static_cast<int>(*number);
        } else {
            reading.bad_level = level;
        }
    }
    options.forward.use_tls = read_switch(variable("MONA_USE_SSL"), true);
    options.queue_circular = read_switch(variable("MONA_QUEUE_CIRCULAR"), false);
    options.raise_exceptions = read_switch(variable("MONA_SHOULD_RAISE_EXCEPTIONS"), false);
    options.config_file = text_of("MONA_CLIENT_CONFIG_FILE");
    options.print_logs = !text_of("MONA_PRINT_LOGS").empty();
    return reading;
}

environment_reading read_environment() {
    return read_environment([](const char* name) -> const char* { return std::getenv(name); });
}

void say_bad_level(const environment_reading& reading) {
    if (!reading.bad_level.empty()) {
        say(log_level::error,
            "bad_logging_level",
            fmt::format(
                "mona: MONA_LOGGING_LEVEL must be an integer, as 20, got \"{}\"; it stays unset",
                reading.bad_level));
    }
}

} // namespace monarc::mona_client

namespace monarc::mona {

client_options options_from_mona_env() {
    auto reading = mona_client::read_environment();
    mona_client::say_bad_level(reading);
    if (!reading.wrong.empty()) {
        throw std::system_error(errc::bad_options, reading.wrong);
    }
    return std::move(reading.options);
}

} // namespace monarc::mona
