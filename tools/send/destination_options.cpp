#include "send/destination_options.hpp"

#include "core/option_value.hpp"

#include <monarc/error.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <map>
#include <string_view>
#include <utility>

namespace monarc::send {
namespace {

using namespace std::chrono_literals;

[[noreturn]] void refuse(const std::string& text) {
    throw std::system_error(errc::bad_options, text);
}

// Flags are set as the variables that load_options reads: it knows every option and its range, and
// its messages name the variable, behind which the flag is put again.
class flags {
public:
    void set(std::string flag, std::string_view option, const std::string& value) {
        auto name = variable_of(option);
        ::setenv(name.c_str(), value.c_str(), 1);
        names_.insert_or_assign(std::move(name), std::move(flag));
    }

    // `MONARC_X: …` as the user wrote it; in front of `"MONARC_X" is not …` what they wrote.
    std::string reworded(const std::string& text) const {
        const std::size_t begin = text.starts_with('"') ? 1 : 0;
        const auto name = text.substr(begin, text.find_first_of("\": ", begin) - begin);
        const auto known = names_.find(name);
        if (known == names_.end()) {
            return text;
        }
        return known->second + (begin == 0 ? text.substr(name.size()) : ": " + text);
    }

private:
    static std::string variable_of(std::string_view option) {
        std::string name = "MONARC_";
        for (const auto c : option) {
            if (c == '.') {
                name += "__";
            } else {
                name += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
            }
        }
        return name;
    }

    std::map<std::string, std::string> names_; // flags by variable
};

// A command line can be read by everybody on the machine.
void refuse_plain_secret(std::string_view flag, std::string_view value) {
    if (!value.starts_with("env:") && !value.starts_with("file:")) {
        refuse(fmt::format(
            "{}: a secret on a command line can be read by others; give env:NAME or file:/path",
            flag));
    }
}

bool is_secret(std::string_view option) {
    constexpr std::array<std::string_view, 5> last{
        "token", "secret", "api_key", "password", "shared_key"};
    const auto name = option.substr(option.rfind('.') + 1);
    return std::find(last.begin(), last.end(), name) != last.end();
}

void set_address(flags& to, const std::string& address) {
    auto host = address;
    std::string port;
    const auto colon = address.rfind(':');
    const bool is_bare_ipv6 = address.find(':') != colon && !address.starts_with('[');
    if (colon != address.npos && !is_bare_ipv6 && address.find(']', colon) == address.npos) {
        host = address.substr(0, colon);
        port = address.substr(colon + 1);
        if (port.empty()) {
            refuse(fmt::format("--mona must be HOST or HOST:PORT, got {}", quoted(address)));
        }
    }
    if (host.starts_with('[') && host.ends_with(']')) {
        host = host.substr(1, host.size() - 2);
    }
    to.set("--mona", "mona.kind", "forward");
    to.set("--mona", "mona.host", host);
    if (!port.empty()) {
        to.set("--mona", "mona.port", port);
    }
}

// Without a file nothing else says the kind, and there is only one.
void set_maybe_mona(
    flags& to, std::string flag, std::string_view option, const std::string& value) {
    if (option.starts_with("mona.") && std::getenv("MONARC_CONFIG") == nullptr) {
        ::setenv("MONARC_MONA__KIND", "forward", 0);
    }
    to.set(std::move(flag), option, value);
}

void set_any(flags& to, const std::string& assignment) {
    const auto equals = assignment.find('=');
    if (equals == assignment.npos || equals == 0) {
        refuse(fmt::format("--set must be OPTION=VALUE, got {}", quoted(assignment)));
    }
    const auto option = assignment.substr(0, equals);
    const auto value = assignment.substr(equals + 1);
    if (is_secret(option)) {
        refuse_plain_secret("--set " + option, value);
    }
    set_maybe_mona(to, "--set " + option, option, value);
}

// How the forward receiver is reached.
void set_door(flags& to, const destination_arguments& arguments) {
    if (!arguments.unix_path.empty()) {
        to.set("--unix", "mona.kind", "forward");
        to.set("--unix", "mona.unix_path", arguments.unix_path);
    }
    if (arguments.use_tls) {
        set_maybe_mona(to, "--tls", "mona.use_tls", "true");
    }
    if (!arguments.ca_file.empty()) {
        to.set("--ca-file", "tls.ca_file", arguments.ca_file);
    }
    if (!arguments.shared_key.empty()) {
        refuse_plain_secret("--shared-key", arguments.shared_key);
        set_maybe_mona(to, "--shared-key", "mona.shared_key", arguments.shared_key);
    }
}

exporter_options load(const destination_arguments& arguments, flags& all, log_function log) {
    if (!arguments.config.empty()) {
        ::setenv("MONARC_CONFIG", arguments.config.c_str(), 1);
    }
    if (!arguments.mona.empty()) {
        set_address(all, arguments.mona);
    }
    set_door(all, arguments);
    if (!arguments.monasca.empty()) {
        all.set("--monasca", "monasca.url", arguments.monasca);
    }
    if (!arguments.token.empty()) {
        refuse_plain_secret("--token", arguments.token);
        all.set("--token", "monasca.token", arguments.token);
    }
    for (const auto& assignment : arguments.set) {
        set_any(all, assignment);
    }
    try {
        return load_options({.environment = true, .log = std::move(log)});
    } catch (const std::system_error& error) {
        refuse(all.reworded(text_of(error)));
    }
}

} // namespace

std::string text_of(const std::system_error& error) {
    std::string text = error.what();
    const auto tail = ": " + error.code().message();
    if (text.ends_with(tail)) {
        text.resize(text.size() - tail.size());
    }
    return text;
}

exporter_options destination_options(const destination_arguments& arguments, log_function log) {
    flags all;
    auto options = load(arguments, all, std::move(log));
    if (!options.enabled) {
        refuse("enabled is false: nothing would be sent; set it to true");
    }
    if (arguments.is_for_mona) {
        if (std::holds_alternative<std::monostate>(options.mona)) {
            options.mona.emplace<mona_forward_options>();
        }
        if (options.derive.empty()) {
            options.monasca.reset();
        }
    } else {
        options.mona = std::monostate{};
        options.derive.clear();
        if (!options.monasca || options.monasca->url.empty()) {
            refuse("there is no Monasca to send to; give --monasca URL, or monasca.url in a file");
        }
        if (!options.monasca->dimensions) {
            options.monasca->dimensions.emplace();
        }
    }
    if (options.queue.block_timeout.count() == 0) {
        options.queue.block_timeout = 1s;
    }
    return options;
}

} // namespace monarc::send
