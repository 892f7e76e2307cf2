#include "golden/script_model.hpp"

#include "encode/json_writer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <map>

namespace monarc::golden {
namespace {

using sink::python::kind;

constexpr int info = 20;
constexpr int warning = 30;
constexpr int error = 40;
constexpr std::size_t largest_message = std::size_t{5} << 20; // forward.md section 8
constexpr std::string_view tag = "mona.client.message";

struct user_error {};
struct export_failed {};

const json_value* given(const json_value* from, std::string_view name) {
    const auto* const value = from != nullptr ? from->find(name) : nullptr;
    return value != nullptr && value->kind != kind::none ? value : nullptr;
}

std::string text_of(const json_value* value) {
    return value != nullptr ? std::string(value->text) : std::string();
}

std::string quoted(std::string_view text) {
    std::string out;
    encode::put_json_text(out, text);
    return out;
}

std::string joined(const std::vector<std::string>& levels) {
    std::string id;
    for (std::size_t i = 0; i < levels.size(); ++i) {
        id += (i == 0 ? "" : ".") + levels[i];
    }
    return id;
}

// One thread's contexts.
struct contexts {
    std::vector<std::string> levels;
    std::size_t guarded = 0;

    std::string id() const { return joined(levels); }
    void add(std::string_view id) {
        for (std::size_t end = 0; end != id.npos;) {
            end = id.find('.');
            levels.emplace_back(id.substr(0, end));
            id.remove_prefix(end == id.npos ? 0 : end + 1);
        }
    }
};

class script_model {
public:
    explicit script_model(const json_value& recording) : recording_(recording) {
        const auto* const env = recording.find("setup")->find("env");
        if (const auto* const value = given(env, "MONA_SHOULD_RAISE_EXCEPTIONS")) {
            raises_ = value->text != "false" && value->text != "False";
        }
        if (const auto* const value = given(env, "MONA_DISABLE_ALL")) {
            is_off_ = !value->text.empty();
        }
        user_ = text_of(given(env, "MONA_USER_ID"));
        const auto* const server = recording.find("setup")->find("server");
        is_up_ = text_of(given(server, "initially")) != "down";
        has_listened_ = is_up_;
        now_ = fmt::format(
            "{}", static_cast<std::int64_t>(sink::python::to_double(*recording.find("clock"))));
    }

    modelled run() {
        say(info, "config_reading");
        if (is_list_of_pairs()) {
            say(warning, "config_unreadable");
        }
        say(info, "config_now", "disable_all false");
        say(info, "config_watching");
        try {
            steps(*recording_.find("steps"), "", main_);
        } catch (const user_error&) {
        }
        close();
        return std::move(made_);
    }

private:
    bool is_list_of_pairs() const {
        const auto* const file = recording_.find("setup")->find("config_file");
        return file != nullptr && file->text.find('[') < file->text.find('{');
    }

    void say(int level, std::string code, std::string field = {}) {
        made_.seen.log.push_back(
            {.level = level, .code = std::move(code), .field = std::move(field)});
    }
    void say_context(const std::string& code, const contexts& here) {
        say(info, code, "context " + here.id());
    }
    void record(const std::string& step, const std::string& op, std::string said) {
        made_.seen.results.push_back({.step = step, .op = op, .said = std::move(said)});
    }
    std::string uuid() { return fmt::format("<UUID:{}>", ++uuids_); }

    std::string event(const std::string& id, const std::string& message, const std::string& time) {
        return fmt::format(
            R"([{},{},{{"user_id":{},"context":{},"message":{},"export_timestamp":{}}}])",
            quoted(tag),
            now_,
            quoted(user_),
            quoted(id),
            message,
            time);
    }
    std::string seconds(const json_value* time) const {
        const bool is_number =
            time != nullptr && (time->kind == kind::integer || time->kind == kind::number);
        const auto value = is_number ? sink::python::to_double(*time) : 0.0;
        return value != 0 ? fmt::format("{}", static_cast<std::int64_t>(value)) : now_;
    }

    // Returns: accepted or not; throws where the client does.
    bool send(const std::string& id, const std::string& message, const std::string& time) {
        is_used_ = true;
        const bool is_too_large = message.size() > largest_message;
        if (is_too_large) {
            say(warning, "send_failed");
            made_.too_large.push_back(event(id, message, time));
        }
        if (is_closed_ || is_too_large) {
            if (raises_) {
                throw export_failed();
            }
            return false;
        }
        pending_.push_back(event(id, message, time));
        made_.exported.push_back(pending_.back());
        return true;
    }
    // Whatever was exported has arrived before the receiver does anything.
    void deliver() {
        if (is_up_ && can_talk(recording_)) {
            auto& events = made_.seen.events;
            events.insert(events.end(), pending_.begin(), pending_.end());
            pending_.clear();
        }
    }
    void close() {
        say(info, "close_called");
        if (is_used_) {
            deliver();
            pending_.clear();
            is_closed_ = true;
            say(info, "closing_sender");
            say(info, "closing_took");
        }
    }

    void tell_class(contexts& here, const json_value* name, const std::string& time) {
        const auto text = name != nullptr ? canonical(*name, {}) : std::string();
        static constexpr std::string_view nothing[] = {"", "\"\"", "0", "false", "[]", "{}"};
        if (std::find(std::begin(nothing), std::end(nothing), text) == std::end(nothing)) {
            send(here.id(), fmt::format(R"({{"MONA_ARC_CLASS":{}}})", text), time);
        }
    }

    void open(contexts& here, const json_value* arguments) {
        const auto id = text_of(given(arguments, "context_id"));
        here.levels.clear();
        here.add(id.empty() ? uuid() : id);
        say_context("context_after_init", here);
        tell_class(
            here, given(arguments, "arc_class"), seconds(given(arguments, "export_timestamp")));
        if (!global_.empty()) {
            send(here.id(), fmt::format(R"({{"MONA_GLOBALS":{}}})", global_), now_);
        }
    }
    std::string open_sub(contexts& here, const json_value* arguments) {
        if (here.levels.empty()) {
            say(error, "sub_without_main");
            return {};
        }
        auto id = text_of(given(arguments, "sub_context_id"));
        id = id.empty() ? uuid() : id;
        here.add(id);
        say_context("context_after_sub_init", here);
        tell_class(here, given(arguments, "arc_class"), now_);
        return id;
    }
    void close_sub(contexts& here, const std::string& id) {
        const auto found = id.empty() ? here.levels.end() - (here.levels.empty() ? 0 : 1)
                                      : std::find(here.levels.begin(), here.levels.end(), id);
        const auto depth = static_cast<std::size_t>(found - here.levels.begin());
        if (found == here.levels.end() || depth == 0) {
            say(error, "close_nothing");
        } else if (depth < here.guarded) {
            say(warning, "close_protected");
        } else {
            here.levels.resize(depth);
            say_context("context_after_sub_close", here);
        }
    }
    std::string export_message(contexts& here, const json_value* arguments) {
        const auto* const message = given(arguments, "message");
        if (message == nullptr || message->kind != kind::object) {
            say(error, "message_not_object");
            return "return null";
        }
        if (is_beyond_json(*message) || is_beyond_packing(*message)) {
            say(error, "message_not_json");
            return "return null";
        }
        if (here.levels.empty()) {
            say(error, "no_context");
            return "return null";
        }
        return send(
                   here.id(),
                   canonical(*message, {}),
                   seconds(given(arguments, "export_timestamp")))
                   ? "return true"
                   : "return false";
    }
    std::string batch(contexts& here, const json_value* arguments) {
        for (const auto& [key, one] : given(arguments, "events")->members) {
            if (one.find("message") == nullptr) {
                if (raises_) {
                    return "raises \"MonaBatchMissingKeyException\"";
                }
                say(error, "message_not_object");
                made_.also.push_back(event(
                    text_of(given(&one, "context_id")),
                    fmt::format(
                        R"({{"MONA_ARC_CLASS":{}}})", quoted(text_of(given(&one, "arc_class")))),
                    seconds(given(&one, "export_timestamp"))));
                continue;
            }
            if (here.guarded != 0) {
                say(error, "nested_init");
                export_message(here, &one);
                continue;
            }
            reset(here);
            open(here, &one);
            export_message(here, &one);
            here = {};
        }
        return "return null";
    }
    void reset(contexts& here) {
        here.levels.clear();
        say(info, "reset");
    }

    std::string call(const std::string& op, const json_value* arguments, contexts& here) {
        if (op == "init_client") {
            if (is_used_) {
                say(warning, "already_inited");
            } else if (const auto* const user = given(arguments, "user_id")) {
                user_ = user->text;
            }
            is_used_ = true;
            return "return null";
        }
        if (op == "close") {
            close();
            return "return null";
        }
        if (is_off_) {
            const bool gives_text = op == "get_full_context_id" || op == "init" ||
                                    op == "init_sub_context" || op == "close_sub_context" ||
                                    op == "export_batch";
            return gives_text ? "return \"\"" : "return null";
        }
        if (op == "export") {
            return export_message(here, arguments);
        }
        if (op == "export_batch") {
            return batch(here, arguments);
        }
        if (op == "set_global_init_message") {
            const auto text = canonical(*given(arguments, "message"), {});
            global_ = text == "{}" ? "" : text;
            return "return null";
        }
        if (op == "reset") {
            reset(here);
            return "return null";
        }
        if (op == "init_sub_context") {
            return "return " + quoted(open_sub(here, arguments));
        }
        if (op == "init") {
            here.guarded != 0 ? say(error, "nested_init") : open(here, arguments);
        } else if (op == "close_sub_context") {
            close_sub(here, text_of(given(arguments, "sub_context_id")));
        }
        return "return " + quoted(here.id());
    }

    std::string body(
        const json_value& step,
        const std::string& path,
        const std::string& op,
        const std::string& id,
        contexts& here) {
        record(path, op + ":enter", "return " + quoted(id));
        try {
            steps(*step.find("body"), path + ".", here);
        } catch (const user_error&) {
            return "raises \"UserError\"";
        }
        return "return null";
    }

    void
    scope(const json_value& step, const std::string& path, const std::string& op, contexts& here) {
        const auto* const arguments = step.find("args");
        const auto before = here;
        const bool is_main = op == "with_context";
        std::string said;
        if (is_off_) {
            said = body(step, path, op, "", here);
        } else if (is_main && here.guarded != 0) {
            say(error, "nested_init");
            said = body(step, path, op, here.id(), here);
        } else {
            bool is_open = true;
            std::string id;
            try {
                if (is_main) {
                    reset(here);
                    open(here, arguments);
                    id = here.id();
                } else {
                    id = open_sub(here, arguments);
                    is_open = !id.empty();
                }
            } catch (const export_failed&) {
                here = before;
                record(path, op + ":exit", "raises \"MonaExportException\"");
                return;
            }
            if (is_open) {
                here.guarded = here.levels.size();
            }
            said = body(step, path, op, id, here);
            if (is_open && is_main) {
                here = {};
            } else if (is_open) {
                here.guarded = before.guarded;
                if (here.levels.size() > before.levels.size()) {
                    here.levels.resize(before.levels.size());
                    if (!is_off_) {
                        say_context("context_after_sub_close", here);
                    }
                }
            }
        }
        record(path, op + ":exit", said);
    }

    void
    thread(const json_value& step, const std::string& path, const std::string& op, contexts& here) {
        contexts its;
        if (op == "mona_thread" && !is_off_) {
            reset(its);
            its.add(here.levels.empty() ? uuid() : here.id());
            say_context("context_after_init", its);
            if (!global_.empty()) {
                send(its.id(), fmt::format(R"({{"MONA_GLOBALS":{}}})", global_), now_);
            }
            its.guarded = its.levels.size();
        }
        try {
            steps(*step.find("body"), path + ".", its);
        } catch (const user_error&) {
        }
        record(path, op + ":joined", "return null");
    }

    void steps(const json_value& all, const std::string& path, contexts& here) {
        for (std::size_t i = 0; i < all.members.size(); ++i) {
            step(all.members[i].held, path + std::to_string(i), here);
        }
    }

    void step(const json_value& one, const std::string& path, contexts& here) {
        const auto op = text_of(one.find("op"));
        if (op == "throw") {
            record(path, op, "raises \"UserError\"");
            throw user_error();
        }
        if (op == "with_context" || op == "with_sub_context") {
            scope(one, path, op, here);
        } else if (op == "thread" || op == "mona_thread") {
            thread(one, path, op, here);
        } else if (op == "set_env") {
            if (const auto* const value = one.find("args")->find("MONA_DISABLE_ALL")) {
                is_off_ = value->kind == kind::text && !value->text.empty();
            }
        } else if (op == "server_start") {
            is_up_ = true;
            has_listened_ = true;
        } else if (op.starts_with("server_")) {
            deliver();
            made_.undisturbed.clear();
            is_up_ = is_up_ && op != "server_stop";
        } else if (op != "sleep") {
            std::string said;
            try {
                said = call(op, one.find("args"), here);
            } catch (const export_failed&) {
                said = "raises \"MonaExportException\"";
            }
            if (op == "export" && !has_listened_) {
                made_.nobody_listened.insert(path);
            }
            if (op == "export" && said == "return true") {
                made_.undisturbed[path] = made_.exported.back();
            }
            record(path, op, said);
        }
    }

    const json_value& recording_;
    modelled made_;
    contexts main_;
    std::string user_;
    std::string now_;
    std::string global_;
    std::vector<std::string> pending_;
    int uuids_ = 0;
    bool raises_ = true;
    bool is_off_ = false;
    bool is_up_ = true;
    bool has_listened_ = true;
    bool is_used_ = false;
    bool is_closed_ = false;
};

} // namespace

bool is_beyond_packing(const json_value& value) {
    constexpr std::uint64_t deepest = 508;
    const auto is_integer = [](std::string_view token, auto number) {
        const auto read = std::from_chars(token.data(), token.data() + token.size(), number);
        return read.ec == std::errc() && read.ptr == token.data() + token.size();
    };
    if (value.kind == kind::integer) {
        return !is_integer(value.text, std::int64_t{}) && !is_integer(value.text, std::uint64_t{});
    }
    if (const auto* const depth = value.find("$nest")) {
        return sink::python::to_double(*depth) > double(deepest);
    }
    return std::any_of(value.members.begin(), value.members.end(), [](const auto& member) {
        return is_beyond_packing(member.held);
    });
}

namespace {

// The arguments of the first init_client that the script comes to; null if there is none.
const json_value* set_up_arguments(const json_value& steps) {
    for (const auto& step : steps.members) {
        const auto* const body = step.held.find("body");
        const auto* const inner = body != nullptr ? set_up_arguments(*body) : nullptr;
        if (text_of(step.held.find("op")) == "init_client") {
            return step.held.find("args");
        }
        if (inner != nullptr) {
            return inner;
        }
    }
    return nullptr;
}

} // namespace

bool can_talk(const json_value& recording) {
    const auto* const setup = recording.find("setup");
    const auto tls = text_of(given(setup->find("server"), "tls"));
    const auto* const env = setup->find("env");
    const auto* const arguments = set_up_arguments(*recording.find("steps"));
    // Not mentioned: the driver says false; null: not set, which means true.
    const auto* const variable = env != nullptr ? env->find("MONA_USE_SSL") : nullptr;
    bool use_tls = variable != nullptr && variable->text != "false" && variable->text != "False";
    if (const auto* const argument = given(arguments, "mona_use_ssl")) {
        use_tls = argument->text == "true";
    }
    auto host = text_of(given(arguments, "mona_host"));
    host = host.empty() ? text_of(given(env, "MONA_HOST")) : host;
    const bool is_here = host.empty() || host == "127.0.0.1" || host == "localhost";
    return is_here && use_tls == !tls.empty() && (tls.empty() || tls == "srv");
}

modelled model(const json_value& recording) {
    return script_model(recording).run();
}

} // namespace monarc::golden
