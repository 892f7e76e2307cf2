#include "golden/script_model.hpp"

#include "encode/json_writer.hpp"
#include "golden/original_sender.hpp"
#include "golden/recorded_setup.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <optional>
#include <set>
#include <utility>

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
struct python_error { // of the original alone
    const char* kind;
};

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
    bool exist = true; // of the original: not on a thread that never used any
    std::vector<std::string> levels;
    std::set<std::size_t> guarded; // places in levels

    std::string id() const { return joined(levels); }
    void add(std::string_view id) {
        for (std::size_t end = 0; end != id.npos;) {
            end = id.find('.');
            levels.emplace_back(id.substr(0, end));
            id.remove_prefix(end == id.npos ? 0 : end + 1);
        }
    }
    void guard_from(std::size_t first) {
        for (auto i = first; i < levels.size(); ++i) {
            guarded.insert(i);
        }
    }
    std::size_t find(std::string_view name) const {
        return static_cast<std::size_t>(
            std::find(levels.begin(), levels.end(), name) - levels.begin());
    }
};

class script_model {
public:
    script_model(const json_value& recording, bool is_original)
        : recording_(recording), is_original_(is_original), sender_(recording),
          user_(variable(recording, "MONA_USER_ID")),
          raises_(switch_of(recording, "MONA_SHOULD_RAISE_EXCEPTIONS", true)),
          is_off_(!variable(recording, "MONA_DISABLE_ALL").empty()),
          is_up_(is_up_at_first(recording)), has_listened_(is_up_) {
        user_ = user_.empty() ? "EMPTY" : user_;
        now_ = fmt::format(
            "{}", static_cast<std::int64_t>(sink::python::to_double(*recording.find("clock"))));
    }

    modelled run() {
        read_config();
        try {
            steps(*recording_.find("steps"), "", main_);
        } catch (const user_error&) {
        }
        close();
        if (is_original_) {
            made_.connections = sender_.connections();
            made_.is_certain = sender_.is_certain();
            made_.seen.failed_handshakes = sender_.failed_handshakes();
            for (const auto& one : made_.connections) {
                made_.seen.events.insert(made_.seen.events.end(), one.begin(), one.end());
            }
        }
        return std::move(made_);
    }

private:
    // The last disable_all of a list of pairs, which the original takes like an object; null if the
    // file is something else.
    const json_value* disable_all_of_pairs(const json_value& content) const {
        const json_value* found = nullptr;
        for (const auto& [place, pair] : content.members) {
            if (content.kind != kind::list || pair.kind != kind::list || pair.members.size() != 2) {
                return nullptr;
            }
            found = pair.members[0].held.text == "disable_all" ? &pair.members[1].held : found;
        }
        return found;
    }
    // Of the files only a list is known, for whose sake there is a row.
    void read_config() {
        say(info, "config_reading");
        const auto* content = given(recording_.find("setup"), "config_file");
        if (content != nullptr && content->kind == kind::text) {
            if (auto read = sink::python::document::read(content->text)) {
                config_ = std::move(*read);
                content = &config_->root();
            }
        }
        std::string disable_all = "false";
        const auto* const of_pairs =
            content != nullptr && is_original_ ? disable_all_of_pairs(*content) : nullptr;
        if (of_pairs != nullptr) {
            disable_all = canonical(*of_pairs, {});
            is_off_ = is_off_ || !is_nothing(disable_all);
        } else if (content != nullptr && content->kind == kind::list) {
            say(warning, "config_unreadable");
        }
        say(info, "config_now", "disable_all " + disable_all);
        say(info, "config_watching");
    }
    static bool is_nothing(std::string_view json) {
        static constexpr std::string_view nothing[] = {
            "", "null", "\"\"", "0", "0.0", "false", "[]", "{}"};
        return std::find(std::begin(nothing), std::end(nothing), json) != std::end(nothing);
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
        if (is_original_) {
            return send_as_original(event(id, message, time));
        }
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
    bool send_as_original(const std::string& event) {
        is_used_ = true;
        const bool is_sent = sender_.send(event);
        if (!is_sent && raises_) {
            throw export_failed();
        }
        return is_sent;
    }
    // Section 9.4.
    std::string substitute() const {
        return fmt::format(
            R"([{},{},{{"level":"CRITICAL","message":"Can't output to log","traceback":"<TRACEBACK>"}}])",
            quoted(tag),
            now_);
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
            sender_.close();
            pending_.clear();
            is_closed_ = true;
            say(info, "closing_sender");
            say(info, "closing_took");
        }
    }

    void tell_class(contexts& here, const json_value* name, const std::string& time) {
        const auto text = name != nullptr ? canonical(*name, {}) : std::string();
        if (!is_nothing(text)) {
            send(here.id(), fmt::format(R"({{"MONA_ARC_CLASS":{}}})", text), time);
        }
    }

    void open(contexts& here, const json_value* arguments) {
        const auto id = text_of(given(arguments, "context_id"));
        here.exist = true;
        here.levels.clear();
        here.add(id.empty() ? uuid() : id);
        say_context("context_after_init", here);
        tell_class(
            here, given(arguments, "arc_class"), seconds(given(arguments, "export_timestamp")));
        if (!global_.empty()) {
            send(here.id(), fmt::format(R"({{"MONA_GLOBALS":{}}})", global_), now_);
        }
    }
    // Its functions look at what a thread that never used a context has not got.
    void break_where_none_exist(const contexts& here) const {
        if (is_original_ && !here.exist) {
            throw python_error{"AttributeError"};
        }
    }
    std::string open_sub(contexts& here, const json_value* arguments) {
        break_where_none_exist(here);
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
        break_where_none_exist(here);
        const bool has_levels = !here.levels.empty();
        const auto depth = id.empty() ? here.levels.size() - (has_levels ? 1 : 0) : here.find(id);
        if (is_original_ && has_levels && depth == here.levels.size()) {
            throw python_error{"ValueError"}; // no such name
        }
        if (depth == here.levels.size() || depth == 0) {
            say(error, "close_nothing");
        } else if (is_original_ && here.guarded.empty()) {
            throw python_error{"ValueError"}; // the highest of none
        } else if (!here.guarded.empty() && depth <= *here.guarded.rbegin()) {
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
        const bool is_unpackable = is_beyond_packing(*message);
        if (is_beyond_json(*message) || (is_unpackable && !is_original_)) {
            say(error, "message_not_json");
            return "return null";
        }
        break_where_none_exist(here);
        if (here.levels.empty()) {
            say(error, "no_context");
            return "return null";
        }
        const bool is_sent = is_unpackable ? send_as_original(substitute())
                                           : send(
                                                 here.id(),
                                                 canonical(*message, {}),
                                                 seconds(given(arguments, "export_timestamp")));
        return is_sent ? "return true" : "return false";
    }
    std::string batch(contexts& here, const json_value* arguments) {
        for (const auto& [key, one] : given(arguments, "events")->members) {
            if (one.find("message") == nullptr) {
                if (raises_) {
                    return "raises \"MonaBatchMissingKeyException\"";
                }
                if (is_original_) {
                    break_off_batch(here, one);
                }
                say(error, "message_not_object");
                continue;
            }
            if (!here.guarded.empty()) {
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
    // With exceptions off the original breaks where the message is missing, its class already out.
    [[noreturn]] void break_off_batch(contexts& here, const json_value& event) {
        if (!here.guarded.empty()) {
            say(error, "nested_init");
        } else {
            reset(here);
            open(here, &event);
            here = {};
        }
        throw python_error{"KeyError"};
    }
    void reset(contexts& here) {
        here.exist = true;
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
            here.guarded.empty() ? open(here, arguments) : say(error, "nested_init");
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

    // The original closes the first level that has the name.
    std::string close_as_original(contexts& here, const std::string& name, std::string said) {
        const auto depth = here.find(name);
        made_.may_say_close_nothing = made_.may_say_close_nothing || depth == 0;
        try {
            if (depth == here.levels.size()) {
                throw python_error{"ValueError"};
            }
            here.guarded.erase(here.guarded.lower_bound(depth), here.guarded.end());
            if (!is_off_) {
                close_sub(here, name);
            }
        } catch (const python_error& error) {
            return fmt::format("raises \"{}\"", error.kind);
        }
        return said;
    }

    void
    scope(const json_value& step, const std::string& path, const std::string& op, contexts& here) {
        const auto* const arguments = step.find("args");
        const auto before = here;
        const bool is_main = op == "with_context";
        std::string said;
        if (is_off_) {
            said = body(step, path, op, "", here);
        } else if (is_main && !here.guarded.empty()) {
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
                here = is_original_ ? here : before;
                record(path, op + ":exit", "raises \"MonaExportException\"");
                return;
            } catch (const python_error& error) {
                record(path, op + ":exit", fmt::format("raises \"{}\"", error.kind));
                return;
            }
            if (is_open) {
                here.guard_from(is_main ? 0 : before.levels.size());
            }
            said = body(step, path, op, id, here);
            if (is_open && is_main) {
                here = {};
            } else if (is_open && is_original_) {
                said = close_as_original(here, id.substr(0, id.find('.')), said);
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

    void continue_in(contexts& its, const contexts& parent) {
        reset(its);
        its.add(parent.levels.empty() ? uuid() : parent.id());
        say_context("context_after_init", its);
        if (!global_.empty()) {
            send(its.id(), fmt::format(R"({{"MONA_GLOBALS":{}}})", global_), now_);
        }
        its.guard_from(0);
    }

    void
    thread(const json_value& step, const std::string& path, const std::string& op, contexts& here) {
        contexts its;
        its.exist = false;
        try {
            if (op == "mona_thread" && !is_off_) {
                continue_in(its, here);
            }
            steps(*step.find("body"), path + ".", its);
        } catch (const user_error&) {
        } catch (const export_failed&) {
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
        } else if (is_original_ && (op == "sleep" || op.starts_with("server_"))) {
            sender_.step(op);
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
            } catch (const python_error& error) {
                said = fmt::format("raises \"{}\"", error.kind);
            }
            if (op == "export" && !has_listened_) {
                made_.nobody_listened.insert(path);
            }
            if (op == "export" && said == "return true" && !is_original_) {
                made_.undisturbed[path] = made_.exported.back();
            }
            record(path, op, said);
        }
    }

    const json_value& recording_;
    bool is_original_;
    original_sender sender_;
    std::optional<sink::python::document> config_;
    modelled made_;
    contexts main_;
    std::string user_;
    std::string now_;
    std::string global_;
    std::vector<std::string> pending_;
    int uuids_ = 0;
    bool raises_;
    bool is_off_;
    bool is_up_;
    bool has_listened_;
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

modelled model(const json_value& recording) {
    return script_model(recording, false).run();
}

modelled model_of_original(const json_value& recording) {
    return script_model(recording, true).run();
}

} // namespace monarc::golden
