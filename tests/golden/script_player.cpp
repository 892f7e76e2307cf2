#include "golden/script_player.hpp"

#include "encode/json_writer.hpp"
#include "encode/msgpack_reader.hpp"
#include "golden/recorded_setup.hpp"
#include "golden/recording_server.hpp"
#include "golden/tls_identity.hpp"
#include "mona_client/environment.hpp"
#include "mona_client/message_fields.hpp"
#include "mona_client/process_client.hpp"

#include <monarc/mona_client.hpp>

#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <system_error>
#include <thread>

namespace monarc::golden {
namespace {

using namespace std::chrono_literals;
using sink::python::kind;

constexpr auto patience = 20s; // for what ought to happen at once
double frozen_clock = 0;

// What the script throws.
struct user_error {};

std::string as_text(const json_value* value) {
    return value != nullptr && value->kind == kind::text ? std::string(value->text) : std::string();
}

class player {
public:
    player(const json_value& recording, const play_settings& settings)
        : recording_(recording), setup_(*recording.find("setup")), settings_(settings),
          config_path_(settings.folder + "/config.json") {}

    observation play();

private:
    void prepare_environment();
    void prepare_client();
    void run_steps(const json_value& steps, const std::string& path);
    void run_step(const json_value& step, const std::string& path);
    bool run_scope(const json_value& step, const std::string& path, const std::string& op);
    bool run_thread(const json_value& step, const std::string& path, const std::string& op);
    bool run_server_step(const json_value& step, const std::string& op);
    bool run_file_step(const json_value& step, const std::string& path, const std::string& op);
    std::string call(const json_value& step, const std::string& op);
    std::string call_export(const json_value& step);
    std::string call_batch(const json_value& step);
    std::string call_init_client(const json_value& step);
    std::string logger_state() const;

    void record(const std::string& path, const std::string& op, std::string said);
    void take_line(const log_line& line);
    void write_config(const json_value& content, const std::string& to) const;
    void collect();

    const json_value& recording_;
    const json_value& setup_;
    const play_settings& settings_;
    std::string config_path_;
    std::optional<tls_identity> identity_;
    std::optional<recording_server> server_;
    observation seen_;
    std::mutex lock_; // lines come from several threads
    std::condition_variable has_read_config_;
    std::size_t config_readings_ = 0;
    std::string disable_all_ = "false";
};

const json_value* argument(const json_value& step, std::string_view name) {
    const auto* const arguments = step.find("args");
    const auto* const value = arguments != nullptr ? arguments->find(name) : nullptr;
    return value != nullptr && value->kind != kind::none ? value : nullptr;
}

// The texts that arguments point into live as long as the call.
struct call_arguments {
    std::string class_json;
    std::string time_json;
    std::string id;

    mona::arc_class name(const json_value* value) {
        if (value == nullptr) {
            return nullptr;
        }
        if (value->kind == kind::text) {
            return value->text;
        }
        class_json = offered_text(*value);
        return json(class_json);
    }
    mona::timestamp time(const json_value* value) {
        if (value == nullptr) {
            return nullptr;
        }
        time_json = offered_text(*value);
        return json(time_json);
    }
};

void player::record(const std::string& path, const std::string& op, std::string said) {
    const std::lock_guard hold(lock_);
    seen_.results.push_back({.step = path, .op = op, .said = std::move(said)});
}

void player::take_line(const log_line& line) {
    const std::lock_guard hold(lock_);
    said_line one{
        .level = 10 * (1 + static_cast<int>(line.level)),
        .code = std::string(line.code),
        .field = {}};
    for (const auto& field : line.fields) {
        one.field = fmt::format("{} {}", field.name, field.value);
        if (field.name == "disable_all") {
            disable_all_ = field.value;
        }
    }
    if (line.code == "config_now") {
        ++config_readings_;
        has_read_config_.notify_all();
    }
    if (!one.code.empty()) {
        seen_.log.push_back(std::move(one));
    }
}

void player::write_config(const json_value& content, const std::string& to) const {
    std::ofstream file(to, std::ios::binary | std::ios::trunc);
    file
        << (content.kind == kind::text ? std::string(content.text)
                                       : sink::python::to_json(content));
}

void player::prepare_environment() {
    for (const char* name :
         {"MONA_HOST",
          "MONA_PORT",
          "MONA_USER_ID",
          "MONA_USE_SSL",
          "MONA_QUEUE_SIZE",
          "MONA_QUEUE_CIRCULAR",
          "MONA_BLOCKING",
          "MONA_SHOULD_RAISE_EXCEPTIONS",
          "MONA_DISABLE_ALL",
          "MONA_CLIENT_CONFIG_FILE",
          "MONA_LOGGING_LEVEL",
          "MONA_PRINT_LOGS"}) {
        ::unsetenv(name);
    }
    ::setenv("MONA_PORT", std::to_string(server_->port()).c_str(), 1);
    ::setenv("MONA_USE_SSL", "false", 1);
    if (const auto* const content = setup_.find("config_file")) {
        ::setenv("MONA_CLIENT_CONFIG_FILE", config_path_.c_str(), 1);
        if (content->kind != kind::none) {
            write_config(*content, config_path_);
        }
    }
    if (const auto* const variables = setup_.find("env")) {
        for (const auto& [name, value] : variables->members) {
            value.kind == kind::none
                ? ::unsetenv(std::string(name).c_str())
                : ::setenv(std::string(name).c_str(), std::string(value.text).c_str(), 1);
        }
    }
}

// Whether the server listens when the script has come to its end.
bool listens_at_end(const json_value& steps, bool listens) {
    for (const auto& step : steps.members) {
        const auto op = as_text(step.held.find("op"));
        listens = op == "server_start" || (op != "server_stop" && listens);
        if (const auto* const body = step.held.find("body")) {
            listens = listens_at_end(*body, listens);
        }
    }
    return listens;
}

void player::prepare_client() {
    const auto* const server = setup_.find("server");
    const auto tls = server != nullptr ? as_text(server->find("tls")) : std::string();
    const bool is_up = server == nullptr || as_text(server->find("initially")) != "down";
    if (!tls.empty()) {
        identity_.emplace(
            tls == "othername" ? "other.example" : "raw.monalabs.io",
            tls != "other",
            settings_.folder);
    }
    server_.emplace(is_up, identity_ ? &*identity_ : nullptr);
    prepare_environment();

    mona::set_log([this](const log_line& line) { take_line(line); });
    auto& client = mona_client::process_client::instance();
    frozen_clock = sink::python::to_double(*recording_.find("clock"));
    client.set_clock([] { return frozen_clock; });
    client.load();
    auto& options = client.options();
    options.forward.merge = merge_mode::off;
    if (settings_.is_exact) {
        options.forward.mode = forward_mode::message;
    }
    options.exporter.batch.max_delay = 20ms;
    // Nothing can be delivered where nobody listens, or to whom is not trusted.
    const bool can_deliver =
        listens_at_end(*recording_.find("steps"), is_up) && can_talk(recording_);
    options.exporter.close_timeout = can_deliver ? std::chrono::milliseconds(patience) : 500ms;
    if (!tls.empty()) {
        options.exporter.tls.ca_file = settings_.folder + "/ca.pem";
    }
    // As mona-client has it; ours is off unless it is asked for.
    options.raise_exceptions =
        mona_client::read_switch(std::getenv("MONA_SHOULD_RAISE_EXCEPTIONS"), true);
    mona::raise_exceptions(options.raise_exceptions);
}

std::string returned(const std::string& text) {
    std::string said = "return ";
    encode::put_json_text(said, text);
    return said;
}

std::string returned(mona::export_result result) {
    switch (result) {
    case mona::export_result::accepted: return "return true";
    case mona::export_result::rejected: return "return false";
    case mona::export_result::refused: break;
    }
    return "return null";
}

// What a call raises, by the names of the original.
template <class Call>
std::string result_of(Call call) {
    try {
        return call();
    } catch (const mona::export_error&) {
        return "raises \"MonaExportException\"";
    } catch (const mona::missing_key_error&) {
        return "raises \"MonaBatchMissingKeyException\"";
    } catch (const std::exception& error) {
        return fmt::format("raises \"{}\"", error.what());
    }
}

std::string player::call_export(const json_value& step) {
    call_arguments arguments;
    const auto* const what = argument(step, "message");
    const auto text = what != nullptr ? offered_text(*what) : std::string("null");
    return returned(mona::export_message(text, arguments.time(argument(step, "export_timestamp"))));
}

std::string player::call_batch(const json_value& step) {
    std::vector<mona::event> events;
    const auto* const all = argument(step, "events");
    for (const auto& [key, one] :
         all != nullptr ? all->members : std::vector<sink::python::member>()) {
        const auto given = [&, &held = one](std::string_view name) {
            const auto* const value = held.find(name);
            return value != nullptr && value->kind != kind::none ? value : nullptr;
        };
        call_arguments arguments;
        auto& made = events.emplace_back();
        made.arc_class = arguments.name(given("arc_class"));
        made.context_id = as_text(given("context_id"));
        made.export_timestamp = arguments.time(given("export_timestamp"));
        if (const auto* const what = one.find("message")) {
            made.message = offered_text(*what);
        }
    }
    return mona::export_batch(events) ? "return null" : "return \"\"";
}

std::string player::call_init_client(const json_value& step) {
    auto options = mona_client::process_client::instance().options();
    if (const auto* const host = argument(step, "mona_host")) {
        options.forward.host = host->text;
    }
    if (const auto* const port = argument(step, "mona_port")) {
        options.forward.port = static_cast<std::uint16_t>(sink::python::to_double(*port));
    }
    if (const auto* const user = argument(step, "user_id")) {
        options.forward.user_id = user->text;
    }
    if (const auto* const use_tls = argument(step, "mona_use_ssl")) {
        options.forward.use_tls = use_tls->text == "true";
    }
    if (const auto* const size = argument(step, "queue_maxsize")) {
        options.queue_size = static_cast<std::size_t>(sink::python::to_double(*size));
    }
    if (const auto* const circular = argument(step, "queue_circular")) {
        options.queue_circular = circular->text == "true";
    }
    mona::init_client(options);
    return "return null";
}

std::string player::logger_state() const {
    const auto state = mona::logging();
    const auto name = [](int level) -> std::string {
        switch (level) {
        case 10: return "DEBUG";
        case 20: return "INFO";
        case 30: return "WARNING";
        case 40: return "ERROR";
        case 50: return "CRITICAL";
        default: return fmt::format("Level {}", level);
        }
    };
    return fmt::format(
        R"(level {} effective "{}" handlers {})",
        state.level,
        name(state.effective_level),
        state.prints ? 1 : 0);
}

std::string player::call(const json_value& step, const std::string& op) {
    call_arguments arguments;
    if (op == "export") {
        return call_export(step);
    }
    if (op == "export_batch") {
        return call_batch(step);
    }
    if (op == "init_client") {
        return call_init_client(step);
    }
    if (op == "init") {
        return returned(mona::init(
            arguments.name(argument(step, "arc_class")),
            as_text(argument(step, "context_id")),
            arguments.time(argument(step, "export_timestamp"))));
    }
    if (op == "init_sub_context") {
        return returned(mona::init_sub_context(
            arguments.name(argument(step, "arc_class")),
            as_text(argument(step, "sub_context_id"))));
    }
    if (op == "close_sub_context") {
        return returned(mona::close_sub_context(as_text(argument(step, "sub_context_id"))));
    }
    if (op == "get_full_context_id") {
        return returned(mona::full_context_id());
    }
    if (op == "set_global_init_message") {
        const auto* const what = argument(step, "message");
        mona::set_global_init_message(what != nullptr ? offered_text(*what) : "null");
        return "return null";
    }
    if (op == "logger_state") {
        return logger_state();
    }
    if (op == "reset") {
        mona::reset();
        return "return null";
    }
    if (op == "close") {
        mona::close();
        return "return null";
    }
    throw std::runtime_error("the runner does not know the op " + op);
}

bool player::run_scope(const json_value& step, const std::string& path, const std::string& op) {
    const bool is_main = op == "with_context";
    if (!is_main && op != "with_sub_context") {
        return false;
    }
    record(path, op + ":exit", result_of([&]() -> std::string {
               call_arguments arguments;
               const auto name = arguments.name(argument(step, "arc_class"));
               const auto body = [&](const std::string& id) -> std::string {
                   record(path, op + ":enter", returned(id));
                   try {
                       run_steps(*step.find("body"), path + ".");
                   } catch (const user_error&) {
                       return "raises \"UserError\"";
                   }
                   return "return null";
               };
               if (is_main) {
                   const mona::context_scope scope(
                       name,
                       as_text(argument(step, "context_id")),
                       arguments.time(argument(step, "export_timestamp")));
                   return body(scope.id());
               }
               const mona::sub_context_scope scope(name, as_text(argument(step, "sub_context_id")));
               return body(scope.id());
           }));
    return true;
}

bool player::run_thread(const json_value& step, const std::string& path, const std::string& op) {
    if (op != "thread" && op != "mona_thread") {
        return false;
    }
    const auto* const in_order = step.find("thread_args");
    const auto* const by_name = step.find("thread_kwargs");
    const auto body = [&](std::string listed, std::string named) {
        if (in_order != nullptr || by_name != nullptr) {
            record(path, op + ":args", listed + " " + named);
        }
        try {
            run_steps(*step.find("body"), path + ".");
        } catch (const user_error&) { // ends the thread, as in the original
        }
    };
    const auto listed = in_order != nullptr ? canonical(*in_order, {}) : "[]";
    const auto named = by_name != nullptr ? canonical(*by_name, {}) : "{}";
    if (op == "thread") {
        std::thread(body, listed, named).join();
    } else {
        mona::thread(body, listed, named).join();
    }
    record(path, op + ":joined", "return null");
    return true;
}

bool player::run_server_step(const json_value& step, const std::string& op) {
    // The original's calls have written before they return.
    if (op.starts_with("server_") && op != "server_resume_reading") {
        process_exporter().flush(
            server_->is_listening() ? std::chrono::milliseconds(patience) : 0ms);
    }
    if (op == "server_stop") {
        server_->stop_listening();
    } else if (op == "server_start") {
        server_->start_listening();
    } else if (op == "server_drop_connections") {
        server_->drop_connections();
    } else if (op == "server_pause_reading" || op == "server_resume_reading") {
        server_->read_on(op == "server_resume_reading");
    } else if (op == "sleep") {
        std::this_thread::sleep_for(
            std::chrono::duration<double>(sink::python::to_double(*step.find("seconds"))));
    } else if (op == "set_env") {
        for (const auto& [name, value] : step.find("args")->members) {
            value.kind == kind::none
                ? ::unsetenv(std::string(name).c_str())
                : ::setenv(std::string(name).c_str(), std::string(value.text).c_str(), 1);
        }
    } else {
        return false;
    }
    return true;
}

bool player::run_file_step(const json_value& step, const std::string& path, const std::string& op) {
    if (!op.ends_with("_config")) {
        return false;
    }
    std::unique_lock hold(lock_);
    const auto readings = config_readings_;
    hold.unlock();
    const auto* content = step.find("content");
    if (content == nullptr) {
        content = argument(step, "content");
    }
    if (op == "write_config") {
        write_config(*content, config_path_);
    } else if (op == "rename_config") {
        write_config(*content, config_path_ + ".new");
        std::filesystem::rename(config_path_ + ".new", config_path_);
    } else if (op == "delete_config") {
        std::filesystem::remove(config_path_);
    } else {
        return false;
    }
    hold.lock();
    has_read_config_.wait_for(hold, patience, [&] { return config_readings_ > readings; });
    const auto packed = mona_client::read_value(disable_all_);
    hold.unlock();
    record(
        path,
        op,
        packed && mona_client::is_truthy(*packed) ? "disable_all_now true"
                                                  : "disable_all_now false");
    return true;
}

void player::run_step(const json_value& step, const std::string& path) {
    const auto op = as_text(step.find("op"));
    if (op == "throw") {
        record(path, op, "raises \"UserError\"");
        throw user_error();
    }
    if (!run_scope(step, path, op) && !run_thread(step, path, op) && !run_server_step(step, op) &&
        !run_file_step(step, path, op)) {
        record(path, op, result_of([&] { return call(step, op); }));
    }
}

void player::run_steps(const json_value& steps, const std::string& path) {
    for (std::size_t i = 0; i < steps.members.size(); ++i) {
        run_step(steps.members[i].held, path + std::to_string(i));
    }
}

void player::collect() {
    server_->wait_until_quiet(patience);
    for (const auto& one : server_->seen()) {
        seen_.bytes.push_back(one.bytes);
        seen_.has_foreign_bytes = !read_events(one.bytes, seen_.events) || seen_.has_foreign_bytes;
        seen_.failed_handshakes += one.has_failed_handshake ? 1 : 0;
        if (!one.server_name.empty()) {
            seen_.server_names.push_back(one.server_name);
        }
    }
    std::ifstream printed(settings_.folder + "/stdout");
    for (std::string line; std::getline(printed, line);) {
        seen_.printed.push_back(line);
    }
}

observation player::play() {
    try {
        prepare_client();
    } catch (const std::system_error&) {
        seen_.has_load_error = true;
        mona::set_log([](const log_line&) {});
        collect();
        return std::move(seen_);
    }
    try {
        run_steps(*recording_.find("steps"), "");
    } catch (const user_error&) { // thrown outside of any scope: the script ends
    }
    // The driver closes with whatever is reading again.
    server_->read_on(true);
    mona::close();
    collect();
    mona::set_log([](const log_line&) {}); // whatever else comes until the process ends
    return std::move(seen_);
}

// One [time, record] of a batch, or the rest of a message.
bool read_event(
    std::string_view tag, encode::msgpack_reader& from, std::vector<std::string>& events) {
    std::string_view time;
    std::string_view record;
    std::string text = "[";
    encode::put_json_text(text, tag);
    for (auto* const one : {&time, &record}) {
        text += ',';
        if (from.skip(*one, encode::max_own_depth) != encode::read_status::ok ||
            !encode::put_json_packed(text, *one)) {
            return false;
        }
    }
    events.push_back(text + "]");
    return true;
}

bool read_batch(
    std::string_view tag, encode::msgpack_reader from, std::vector<std::string>& events) {
    while (!from.at_end()) {
        std::uint32_t count = 0;
        if (from.read_array(count) != encode::read_status::ok || count != 2 ||
            !read_event(tag, from, events)) {
            return false;
        }
    }
    return true;
}

} // namespace

bool read_events(std::string_view bytes, std::vector<std::string>& events) {
    encode::msgpack_reader from(bytes);
    while (!from.at_end()) {
        std::uint32_t count = 0;
        std::string_view tag;
        encode::msgpack_kind kind{};
        if (from.read_array(count) != encode::read_status::ok ||
            from.read_text(tag) != encode::read_status::ok ||
            from.peek(kind) != encode::read_status::ok) {
            return false;
        }
        if (kind == encode::msgpack_kind::binary) {
            std::string_view entries;
            if (from.read_binary(entries) != encode::read_status::ok ||
                !read_batch(tag, encode::msgpack_reader(entries), events)) {
                return false;
            }
            if (count == 3 && from.skip() != encode::read_status::ok) {
                return false;
            }
        } else if (count != 3 || !read_event(tag, from, events)) {
            return false;
        }
    }
    return true;
}

observation play(const json_value& recording, const play_settings& settings) {
    return player(recording, settings).play();
}

} // namespace monarc::golden
