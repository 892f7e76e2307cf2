#include "core/sdk_environment.hpp"

#include "core/option_value.hpp"
#include "core/python_words.hpp"

#include <monarc/error.hpp>

#include <fmt/format.h>
#include <simdjson.h>

#include <array>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <string_view>
#include <system_error>
#include <utility>

namespace monarc {
namespace {

using variable_reader = std::function<const char*(const char*)>;

constexpr std::array<std::pair<std::string_view, int>, 8> levels{
    {{"CRITICAL", 50},
     {"FATAL", 50},
     {"ERROR", 40},
     {"WARNING", 30},
     {"WARN", 30},
     {"INFO", 20},
     {"DEBUG", 10},
     {"NOTSET", 0}}};

class sdk_reader {
public:
    explicit sdk_reader(const variable_reader& variable) : variable_(variable) {}

    sdk_environment read() {
        auto& o = made_.options;
        o.api_key = secret(text("MONA_SDK_API_KEY"));
        o.secret = secret(text("MONA_SDK_SECRET"));
        o.user_id = text("MONA_SDK_USER_ID");
        read_mode();
        o.token_url = text("MONA_SDK_AUTH_API_TOKEN_URL");
        o.refresh_url = text("MONA_SDK_REFRESH_TOKEN_URL");
        o.use_refresh_tokens = is_on("MONA_SDK_USE_REFRESH_TOKENS", true);
        o.oidc_scope = text("MONA_SDK_OIDC_SCOPE");
        o.use_tls = is_on("MONA_SDK_SHOULD_USE_SSL", true);
        o.host = text("MONA_SDK_OVERRIDE_REST_API_HOST");
        o.url = text("MONA_SDK_OVERRIDE_REST_API_URL");
        o.use_send_event = is_on("MONA_SDK_USE_SEND_EVENT_ENDPOINT", false);
        o.use_send_timestamp = is_on("MONA_SDK_USE_SEND_TIMESTAMP_FIELD", false);
        o.drop_nulls = is_on("MONA_SDK_FILTER_NONE_FIELDS_ON_EXPORT", false);
        read_numbers();
        read_sampling();
        read_logging();
        made_.raises_authentication = is_on("MONA_SDK_RAISE_AUTHENTICATION_EXCEPTIONS", false);
        made_.raises_export = is_on("MONA_SDK_RAISE_EXPORT_EXCEPTIONS", false);
        made_.raises_service = is_on("MONA_SDK_RAISE_SERVICE_EXCEPTIONS", false);
        made_.logs_failed_messages = is_on("MONA_SDK_SHOULD_LOG_FAILED_MESSAGES", false);
        return std::move(made_);
    }

private:
    std::string_view text(const char* name) const {
        const char* const found = variable_(name);
        return found != nullptr ? found : "";
    }
    bool is_on(const char* name, bool otherwise) const {
        return read_switch(variable_(name), otherwise);
    }
    void refuse(const char* name, std::string_view wanted, bool is_initialisation = false) {
        if (made_.wrong.empty()) {
            made_.wrong = fmt::format("{} must be {}, got {}", name, wanted, quoted(text(name)));
            made_.is_initialisation = is_initialisation;
        }
    }

    // A token wins over the mode, and no authentication over both.
    void read_mode() {
        using enum mona_auth_mode;
        auto& o = made_.options;
        const auto mode = text("AUTH_MODE");
        const auto access = text("MONA_SDK_ACCESS_TOKEN");
        if (!is_on("MONA_SDK_SHOULD_USE_AUTHENTICATION", true) || mode == "NO_AUTH") {
            o.auth = none;
        } else if (!access.empty() || mode == "MANUAL_TOKEN") {
            o.auth = token;
            o.secret = secret(access);
        } else if (mode == "OIDC") {
            o.auth = oidc;
        } else if (!mode.empty() && mode != "MONA") {
            refuse("AUTH_MODE", "one of MONA, OIDC, MANUAL_TOKEN, NO_AUTH");
        }
    }

    void read_numbers() {
        auto& o = made_.options;
        if (const auto* const retries = variable_("MONA_SDK_NUM_OF_RETRIES_FOR_AUTHENTICATION")) {
            const auto number = python_integer(retries);
            if (number && *number >= 0 && *number <= 100) {
                o.login_retries = static_cast<std::uint32_t>(*number);
            } else {
                refuse("MONA_SDK_NUM_OF_RETRIES_FOR_AUTHENTICATION", "an integer 0..100");
            }
        }
        if (const auto* const wait =
                variable_("MONA_SDK_WAIT_TIME_FOR_AUTHENTICATION_RETRIES_SEC")) {
            const auto number = python_integer(wait);
            if (number && *number >= 0 && *number <= 60) {
                o.login_retry_wait = std::chrono::seconds(*number);
            } else {
                refuse(
                    "MONA_SDK_WAIT_TIME_FOR_AUTHENTICATION_RETRIES_SEC",
                    "an integer 0..60, in seconds");
            }
        }
        if (const auto* const margin = variable_("MONA_SDK_REFRESH_TOKEN_SAFETY_MARGIN")) {
            constexpr double milliseconds_per_hour = 3'600'000;
            const auto hours = python_number(margin);
            if (hours && *hours >= 0 && *hours <= 24) {
                o.refresh_margin =
                    std::chrono::milliseconds(std::llround(*hours * milliseconds_per_hour));
            } else {
                refuse("MONA_SDK_REFRESH_TOKEN_SAFETY_MARGIN", "a number 0..24, in hours");
            }
        }
    }

    static std::optional<double> share_of(const simdjson::dom::element& value) {
        double number = 0;
        std::string_view text;
        const auto read = value.get(number) == simdjson::SUCCESS ? std::optional(number)
                          : value.get(text) == simdjson::SUCCESS ? python_number(text)
                                                                 : std::nullopt;
        return read && *read >= 0 && *read <= 1 ? read : std::nullopt;
    }

    void read_sampling() {
        auto& shares = made_.options.sampling;
        if (const auto* const factor = variable_("MONA_SDK_DEFAULT_SAMPLING_FACTOR")) {
            const auto share = python_number(factor);
            if (share && *share >= 0 && *share <= 1) {
                shares["*"] = *share;
            } else {
                refuse("MONA_SDK_DEFAULT_SAMPLING_FACTOR", "a number 0..1");
            }
        }
        const auto config = text("MONA_SDK_SAMPLING_CONFIG");
        if (config.empty()) {
            return;
        }
        constexpr auto wanted = "a JSON object of classes and numbers 0..1";
        simdjson::dom::parser parser;
        simdjson::dom::object classes;
        if (parser.parse(config.data(), config.size()).get(classes) != simdjson::SUCCESS) {
            refuse("MONA_SDK_SAMPLING_CONFIG", wanted, true);
            return;
        }
        for (const auto [name, value] : classes) {
            if (const auto share = share_of(value)) {
                shares[std::string(name)] = *share;
            } else {
                refuse("MONA_SDK_SAMPLING_CONFIG", wanted, true);
            }
        }
    }

    void read_logging() {
        for (const auto* const name : {"MONA_LOGGER_NAME", "MONA_SDK_LOGGER_NAME"}) {
            if (const auto given = text(name); !given.empty()) {
                made_.logger_name = given;
            }
        }
        const auto newer = text("MONA_SDK_LOGGING_LEVEL");
        const auto level = newer.empty() ? text("MONA_LOGGING_LEVEL") : newer;
        if (level.empty()) {
            return;
        }
        if (const auto number = python_integer(level);
            number && *number >= 0 && *number <= std::numeric_limits<int>::max()) {
            made_.logging_level = static_cast<int>(*number);
            return;
        }
        for (const auto& [word, value] : levels) {
            if (level == word) {
                made_.logging_level = value;
                return;
            }
        }
        made_.bad_level = level;
    }

    const variable_reader& variable_;
    sdk_environment made_;
};

} // namespace

sdk_environment read_sdk_environment(const variable_reader& variable) {
    return sdk_reader(variable).read();
}

mona_rest_options options_from_mona_sdk_env() {
    auto read =
        read_sdk_environment([](const char* name) -> const char* { return std::getenv(name); });
    if (!read.wrong.empty()) {
        throw std::system_error(errc::bad_options, read.wrong);
    }
    return std::move(read.options);
}

} // namespace monarc
