// The public functions: the order of their steps is that of mona-client.md sections 4 to 8.

#include "mona_client/client_log.hpp"
#include "mona_client/context_levels.hpp"
#include "mona_client/export_time.hpp"
#include "mona_client/message_fields.hpp"
#include "mona_client/process_client.hpp"
#include "mona_client/thread_context.hpp"
#include "mona_client/time_uuid.hpp"

#include <monarc/mona_client.hpp>

#include <fmt/format.h>

namespace monarc::mona {

using namespace mona_client;

namespace {

constexpr std::string_view class_key = "MONA_ARC_CLASS";
constexpr std::string_view globals_key = "MONA_GLOBALS";
constexpr std::string_view bad_time_key = "MONA_INVALID_EXPORT_TIMESTAMP";

// The client with its environment read. Fails: throws as load().
process_client& client() {
    auto& one = process_client::instance();
    one.load();
    return one;
}

void say_wrong_message(const message_fields& fields) {
    if (fields.wrong == message_fields::fault::not_object) {
        say(log_level::error,
            "message_not_object",
            "mona: the message is refused: it must be a JSON object");
    } else {
        say(log_level::error,
            "message_not_json",
            fmt::format("mona: the message is refused: it is no JSON: {}", fields.why));
    }
}

// Steps 5 to 9 of section 5.
export_result
send(process_client& to, thread_context& from, message_fields& fields, const timestamp& when) {
    const auto time = read_time(when);
    if (time.wrong == export_time::fault::not_number) {
        say(log_level::error,
            "timestamp_not_number",
            "mona: the timestamp is no number of seconds; the message goes out as of now, marked");
    } else if (time.wrong == export_time::fault::out_of_range) {
        say(log_level::error,
            "timestamp_out_of_range",
            "mona: the timestamp is not between the years 1 and 9999 (in seconds, not "
            "milliseconds?); the message goes out as of now, marked");
    }
    if (!from.levels.is_open()) {
        say(log_level::error,
            "no_context",
            "mona: export outside of any context: nothing is sent; open a context_scope first");
        return export_result::refused;
    }
    if (time.wrong != export_time::fault::none) {
        if (!time.offered) {
            say(log_level::error,
                "message_not_json",
                "mona: the message is refused: its timestamp is no JSON");
            return export_result::refused;
        }
        add_field(fields, bad_time_key, *time.offered);
        fields.facts.stands_alone = true;
    }
    const auto result = to.hand_over(from.levels.full_id(), fields, time);
    from.publish();
    return result;
}

void send_special(
    process_client& to,
    thread_context& from,
    std::string_view key,
    std::string_view packed,
    const timestamp& when) {
    message_fields fields;
    fields.facts.stands_alone = true;
    add_field(fields, key, packed);
    send(to, from, fields, when);
}

void send_class(
    process_client& to, thread_context& from, const arc_class& name, const timestamp& when) {
    if (name.text().empty()) {
        return;
    }
    if (!name.is_json()) {
        send_special(to, from, class_key, packed_text(name.text()), when);
    } else if (const auto packed = read_value(name.text()); !packed) {
        say(log_level::error,
            "message_not_json",
            "mona: the class is refused: it is no JSON; the context is open without one");
    } else if (is_truthy(*packed)) {
        send_special(to, from, class_key, *packed, when);
    }
}

void say_context(std::string_view code, const thread_context& of) {
    if (is_said(log_level::info)) {
        const auto& id = of.levels.full_id();
        say(log_level::info,
            code,
            fmt::format("mona: the context is now \"{}\"", id),
            {{.name = "context", .value = id}});
    }
}

void open(
    process_client& to,
    thread_context& here,
    const arc_class& name,
    std::string_view id,
    const timestamp& when) {
    here.levels.open(id.empty() ? time_uuid() : std::string(id));
    here.publish();
    say_context("context_after_init", here);
    send_class(to, here, name, when);
    if (const auto global = to.global_message()) {
        send_special(to, here, globals_key, *global, nullptr);
    }
}

void refuse_nested() {
    say(log_level::error,
        "nested_init",
        "mona: a main context inside of a guarded one is refused; what follows belongs to the "
        "outer "
        "one: use a sub-context");
}

void clear_with_word(thread_context& here) {
    here.levels.reset();
    here.publish();
    say(log_level::info, "reset", "mona: no context is open");
}

// Returns: its own id; empty if it was refused.
std::string
open_sub(process_client& to, thread_context& here, const arc_class& name, std::string_view id) {
    if (!here.levels.is_open()) {
        say(log_level::error,
            "sub_without_main",
            "mona: a sub-context without a main context is refused; open a context_scope first");
        return {};
    }
    auto own = id.empty() ? time_uuid() : std::string(id);
    here.levels.open_sub(own);
    here.publish();
    say_context("context_after_sub_init", here);
    send_class(to, here, name, nullptr);
    return own;
}

export_result export_here(process_client& to, const message& what, const timestamp& when) {
    auto fields = read_message(what.text());
    if (fields.wrong != message_fields::fault::none) {
        say_wrong_message(fields);
        return export_result::refused;
    }
    if (fields.body.empty()) {
        return export_result::refused;
    }
    return send(to, thread_context::mine(), fields, when);
}

} // namespace

void init_client(client_options options) {
    process_client::instance().set_up(std::move(options));
}

void raise_exceptions(bool on) {
    client().raise_exceptions(on);
}

void set_log(log_function to) {
    set_log_function(std::move(to));
}

log_settings logging() {
    client();
    return log_settings_now();
}

// --- scopes

context_scope::context_scope(const arc_class& name, std::string_view id, const timestamp& when) {
    auto& to = client();
    if (to.is_off()) {
        return;
    }
    auto& here = thread_context::mine();
    if (here.levels.has_guarded()) {
        refuse_nested();
        id_ = here.levels.full_id();
        return;
    }
    auto before = here.levels;
    clear_with_word(here);
    try {
        open(to, here, name, id, when);
    } catch (...) { // as if it had not been
        here.levels = std::move(before);
        here.publish();
        throw;
    }
    here.levels.guard_all();
    id_ = here.levels.full_id();
    is_open_ = true;
}

context_scope::~context_scope() {
    if (is_open_) {
        auto& here = thread_context::mine();
        here.levels.clear();
        here.publish();
    }
}

sub_context_scope::sub_context_scope(const arc_class& name, std::string_view id) {
    auto& to = client();
    if (to.is_off()) {
        return;
    }
    auto& here = thread_context::mine();
    depth_ = here.levels.depth();
    guarded_below_ = here.levels.guarded();
    try {
        id_ = open_sub(to, here, name, id);
    } catch (...) { // as if it had not been
        here.levels.return_to(depth_, guarded_below_);
        here.publish();
        throw;
    }
    is_open_ = !id_.empty();
    if (is_open_) {
        here.levels.guard_all();
    }
}

sub_context_scope::~sub_context_scope() {
    if (!is_open_) {
        return;
    }
    try {
        auto& here = thread_context::mine();
        const bool has_left = here.levels.depth() > depth_;
        here.levels.return_to(depth_, guarded_below_);
        here.publish();
        if (has_left && !process_client::instance().is_off()) {
            say_context("context_after_sub_close", here);
        }
    } catch (...) { // no memory for the shorter id: the next change of context is right again
    }
}

// --- by hand

std::string init(const arc_class& name, std::string_view id, const timestamp& when) {
    auto& to = client();
    if (to.is_off()) {
        return {};
    }
    auto& here = thread_context::mine();
    if (here.levels.has_guarded()) {
        refuse_nested();
    } else {
        open(to, here, name, id, when);
    }
    return here.levels.full_id();
}

std::string init_sub_context(const arc_class& name, std::string_view id) {
    auto& to = client();
    return to.is_off() ? std::string() : open_sub(to, thread_context::mine(), name, id);
}

std::string close_sub_context(std::string_view id) {
    if (client().is_off()) {
        return {};
    }
    auto& here = thread_context::mine();
    switch (here.levels.close_sub(id)) {
    case context_levels::closing::closed:
        here.publish();
        say_context("context_after_sub_close", here);
        break;
    case context_levels::closing::nothing_to_close:
        say(log_level::error,
            "close_nothing",
            "mona: there is no such sub-context to close; a main context ends by reset()");
        break;
    case context_levels::closing::is_guarded:
        say(log_level::warning,
            "close_protected",
            "mona: a sub-context that belongs to a scope ends with it; it stays open");
    }
    return here.levels.full_id();
}

void reset() {
    if (!client().is_off()) {
        clear_with_word(thread_context::mine());
    }
}

std::string full_context_id() {
    return client().is_off() ? std::string() : thread_context::mine().levels.full_id();
}

// --- messages

export_result export_message(const message& what, const timestamp& when) {
    auto& to = client();
    return to.is_off() ? export_result::refused : export_here(to, what, when);
}

bool export_batch(std::span<const event> events) {
    auto& to = client();
    if (to.is_off()) {
        return false;
    }
    std::size_t number = 0;
    for (const auto& one : events) {
        ++number;
        if (one.message) {
            const context_scope scope(one.arc_class, one.context_id, one.export_timestamp);
            export_message(*one.message, one.export_timestamp);
            continue;
        }
        const auto what = fmt::format("mona: event {} of the batch has no \"message\"", number);
        if (to.raises()) {
            throw missing_key_error(what);
        }
        say(log_level::error, "message_not_object", what + "; nothing of it is sent");
    }
    return true;
}

void set_global_init_message(const message& what) {
    auto& to = client();
    if (to.is_off()) {
        return;
    }
    auto packed = read_value(what.text());
    if (!packed || !is_object(*packed)) {
        message_fields fields;
        fields.wrong = packed ? message_fields::fault::not_object : message_fields::fault::not_json;
        say_wrong_message(fields);
        return;
    }
    to.set_global_message(is_truthy(*packed) ? std::move(*packed) : std::string());
}

void close() {
    client().close();
}

// --- contexts on their way to other threads

captured_context capture() {
    captured_context taken;
    taken.id_ = thread_context::mine().levels.full_id();
    return taken;
}

resume_scope::resume_scope(const captured_context& from) {
    auto& here = thread_context::mine();
    before_ = here.levels.full_id();
    had_levels_ = here.levels.is_open();
    guarded_before_ = here.levels.guarded();
    here.levels.clear();
    if (!from.id().empty()) {
        here.levels.open(from.id());
        here.levels.guard_all();
    }
    here.publish();
}

resume_scope::~resume_scope() {
    try {
        auto& here = thread_context::mine();
        here.levels.clear();
        if (had_levels_) {
            here.levels.open(before_);
        }
        here.levels.return_to(here.levels.depth(), guarded_before_);
        here.publish();
    } catch (...) { // no memory for it: the thread has no context then
    }
}

} // namespace monarc::mona
