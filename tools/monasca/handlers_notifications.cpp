#include "monasca/handlers.hpp"
#include "monasca/session.hpp"

namespace monarc::tool {
namespace {

constexpr std::string_view collection = "/notification-methods";

std::string path_of(const session& s) {
    return std::string(collection) + '/' + s.text("id");
}

// As Python's int() read it: without blanks, signs and underscores that JSON does not know.
std::string period_of(const session& s) {
    return integer_in_json(s.text("period"));
}

} // namespace

void create_notification(session& s) {
    body b;
    b.add("name", s.text("name")).add("type", s.text("type")).add("address", s.text("address"));
    if (s.is_given("period") && period_of(s) != "0") {
        b.add_json("period", period_of(s));
    }
    s.print_created(s.ask({.method = "POST", .path = std::string(collection), .body = b.json()}));
}

void show_notification(session& s) {
    constexpr member_format formats[] = {
        {"name", json_cell},
        {"id", json_cell},
        {"type", json_cell},
        {"address", json_cell},
        {"period", json_cell},
        {"links", links_cell}};
    s.show({.path = path_of(s)}, formats);
}

void list_notifications(session& s) {
    constexpr std::string_view fields[] = {
        "id", "name", "type", "address", "created_at", "updated_at"};
    s.require_sort_by(fields, true);
    constexpr column columns[] = {
        {"name", "name", plain},
        {"id", "id", plain},
        {"type", "type", plain},
        {"address", "address", plain},
        {"period", "period", plain}};
    s.list({.path = std::string(collection), .query = s.query()}, columns);
}

void delete_notification(session& s) {
    s.ask({.method = "DELETE", .path = path_of(s)});
    s.print_line("Successfully deleted notification");
}

void update_notification(session& s) {
    body b;
    b.add("name", s.text("name")).add("type", s.text("type")).add("address", s.text("address"));
    if (s.is_given("period")) {
        b.add_json("period", period_of(s));
    }
    s.print_created(s.ask({.method = "PUT", .path = path_of(s), .body = b.json()}));
}

void patch_notification(session& s) {
    body b;
    for (const std::string_view key : {"name", "type", "address"}) {
        if (!s.text(key).empty()) {
            b.add(key, s.text(key));
        }
    }
    if (s.is_given("period")) {
        b.add_json("period", period_of(s));
    }
    s.print_created(s.ask({.method = "PATCH", .path = path_of(s), .body = b.json()}));
}

void list_notification_types(session& s) {
    constexpr column columns[] = {{"types", "type", plain}};
    s.list({.path = std::string(collection) + "/types"}, columns);
}

} // namespace monarc::tool
