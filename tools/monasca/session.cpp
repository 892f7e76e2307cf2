#include "monasca/session.hpp"

#include "encode/json_writer.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <sstream>
#include <system_error>

namespace monarc::tool {
namespace {

using sink::python::kind;

std::int64_t now_seconds() {
    return std::chrono::duration_cast<std::chrono::seconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
}

const argument_definition& definition_of(const command_definition& command, std::string_view key) {
    return *std::find_if(
        command.arguments.begin(), command.arguments.end(), [&](const argument_definition& one) {
            return one.key == key;
        });
}

// What a user can do about it; empty: nothing that we know.
std::string_view hint_for(const monasca::error& why) {
    if (why.is_of_login) {
        if (why.status == 400 && why.title.find("domain") != std::string::npos) {
            return "give --os-user-domain-name and --os-project-domain-name, or "
                   "--os-default-domain-id";
        }
        if (why.title.starts_with("The service catalog is empty")) {
            return "the token is of no project: give --os-project-name and its domain";
        }
        if (why.status == 404) {
            return "is --os-auth-url the address of Keystone? It mostly ends in /v3";
        }
        if (why.status == 401) {
            return "user, password, project and their domains must all be right";
        }
        return {};
    }
    if (why.status == 404 && why.description.starts_with('<')) {
        return "is --monasca-api-url the address of Monasca? It mostly ends in /v2.0";
    }
    return {};
}

std::string next_query(const json_value& page) {
    const auto* const links = page.find("links");
    if (links == nullptr) {
        return {};
    }
    for (const auto& link : links->members) {
        const auto* const rel = link.held.find("rel");
        const auto* const href = link.held.find("href");
        if (rel != nullptr && href != nullptr && rel->text == "next") {
            const auto query = href->text.find('?');
            return query == href->text.npos ? "" : std::string(href->text.substr(query + 1));
        }
    }
    return {};
}

} // namespace

std::string told(const monasca::error& why) {
    auto text = why.title;
    if (why.status != 0) {
        text += fmt::format(" (HTTP {})", why.status);
    }
    if (!why.request_id.empty()) {
        text += fmt::format(" (Request-ID: {})", why.request_id);
    }
    if (!why.description.empty()) {
        text += '\n' + why.description;
    }
    if (const auto hint = hint_for(why); !hint.empty()) {
        text += fmt::format("\nmonasca: {}", hint);
    }
    return text;
}

std::string session::text(std::string_view key) const {
    const auto* const found = given_.find(key);
    return found == nullptr ? std::string() : *found;
}

monasca::ordered_pairs session::query() const {
    monasca::ordered_pairs pairs;
    for (const auto& key : split(given_.command->query, ' ')) {
        if (key.empty()) { // the command has no query
            continue;
        }
        const auto& what = definition_of(*given_.command, key);
        const auto values = given_.all(key);
        if (values.empty()) {
            continue;
        }
        const auto add = [&](std::string value) {
            if (!value.empty() || what.is_positional()) {
                pairs.emplace_back(key, std::move(value));
            }
        };
        switch (what.kind) {
        case value_kind::pairs:
        case value_kind::strict_pairs: {
            const auto bare =
                what.kind == value_kind::pairs ? bare_keys::are_keys : bare_keys::are_wrong;
            pairs.emplace_back(key, pairs_in_query(read_pairs(values, bare))); // also if empty
            break;
        }
        case value_kind::text_list:
            for (const auto& value : values) {
                add(value);
            }
            break;
        case value_kind::start_time: add(start_time_of(values.back(), now_seconds())); break;
        default: add(values.back());
        }
    }
    return pairs;
}

void session::print_line(std::string_view text) {
    out_ += text;
    out_ += '\n';
}

void session::warn(std::string_view text) {
    const auto line = fmt::format("monasca: {}\n", text);
    [[maybe_unused]] const auto written = ::write(STDERR_FILENO, line.data(), line.size());
}

void session::refuse_softly(std::string_view why) {
    if (given_.has_flag("--strict")) {
        throw failure{std::string(why)};
    }
    print_line(why);
    throw soft_end{};
}

// An option may be empty, which is as good as none; a positional word may not.
bool session::must_be_right(std::string_view key) const {
    return is_given(key) &&
           (!text(key).empty() || definition_of(*given_.command, key).is_positional());
}

void session::require_severity() {
    const auto word = upper(text("severity"));
    if (must_be_right("severity") && word != "LOW" && word != "MEDIUM" && word != "HIGH" &&
        word != "CRITICAL") {
        refuse_softly("Invalid severity, not one of [LOW, MEDIUM, HIGH, CRITICAL]");
    }
}

void session::require_state() {
    const auto word = upper(text("state"));
    if (must_be_right("state") && word != "UNDETERMINED" && word != "ALARM" && word != "OK") {
        refuse_softly("Invalid state, not one of [UNDETERMINED, ALARM, OK]");
    }
}

void session::require_enabled() {
    const auto word = text("actions_enabled");
    if (must_be_right("actions_enabled") && word != "True" && word != "true" && word != "False" &&
        word != "false") {
        refuse_softly("Invalid value, not one of [True, true, False, false]");
    }
}

void session::require_sort_by(std::span<const std::string_view> fields, bool ignores_case) {
    const auto asked = text("sort_by");
    if (asked.empty()) {
        return;
    }
    for (const auto& field : split(asked, ',')) {
        std::vector<std::string> words;
        std::istringstream in(ignores_case ? lower(field) : field);
        for (std::string word; in >> word;) {
            words.push_back(std::move(word));
        }
        if (words.empty()) {
            throw failure{fmt::format("--sort-by: a field without a name in '{}'", asked)};
        }
        if (words.size() > 2) {
            print_line(fmt::format("Invalid sort_by value {}", field));
        }
        if (std::find(fields.begin(), fields.end(), words[0]) == fields.end()) {
            refuse_softly(fmt::format(
                "Sort-by field name {} is not in [{}]", words[0], fmt::join(fields, ",")));
        }
        if (words.size() > 1 && words[1] != "asc" && words[1] != "desc") {
            print_line(fmt::format("Invalid value {}, must be asc or desc", words[1]));
        }
    }
}

monasca::answer<monasca::reply> session::try_to_ask(monasca::call what) {
    try {
        if (!client_) {
            client_.emplace(make_(given_));
        }
        return client_->send(std::move(what)).get();
    } catch (const std::system_error& wrong) {
        // Of errc::bad_options, which says no more.
        std::string text = wrong.what();
        const auto tail = ": " + wrong.code().message();
        if (text.ends_with(tail)) {
            text.resize(text.size() - tail.size());
        }
        throw failure{"monasca: " + text};
    }
}

monasca::reply session::ask(monasca::call what) {
    auto got = try_to_ask(std::move(what));
    if (!got) {
        throw failure{told(got.error())};
    }
    return std::move(*got);
}

json_document session::read(const monasca::reply& said) const {
    auto document = json_document::read(said.body);
    if (!document) {
        throw failure{fmt::format(
            "{} answered {}, but not with JSON that can be read: '{}'",
            said.url,
            said.status,
            said.body.substr(0, 100))};
    }
    return std::move(*document);
}

const json_value& session::elements_of(const json_document& page) {
    const auto& root = page.root();
    if (root.kind == kind::list) {
        return root;
    }
    const auto* const elements = root.find("elements");
    if (elements == nullptr || elements->kind != kind::list || root.find("links") == nullptr) {
        throw failure{
            "the answer is no list: it has no \"links\" and \"elements\"; is it Monasca's?"};
    }
    return *elements;
}

std::vector<json_document> session::pages(monasca::call what) {
    std::vector<json_document> all;
    const auto path = what.path;
    std::string last;
    while (true) {
        all.push_back(read(ask(what)));
        elements_of(all.back());
        auto next = next_query(all.back().root());
        if (next.empty() || !given_.has_flag("--all")) {
            return all;
        }
        if (next == last) {
            throw failure{"the list has no end: its next page is the same page again"};
        }
        what.path = path + '?' + next; // the address before it may be that of a proxy
        what.query.clear();
        last = std::move(next);
    }
}

bool session::print_elements(const std::vector<json_document>& pages) {
    if (format_ != output_format::json && format_ != output_format::yaml) {
        return false;
    }
    json_value whole;
    whole.kind = kind::list;
    for (const auto& page : pages) {
        const auto& elements = elements_of(page).members;
        whole.members.insert(whole.members.end(), elements.begin(), elements.end());
    }
    print(
        format_ == output_format::yaml ? as_yaml(whole) : dumped(whole, json_letters::raw) + '\n');
    return true;
}

void session::print_table(const text_table& table, const json_value& source) {
    switch (format_) {
    case output_format::table: print(table.drawn()); break;
    case output_format::value: print(table.as_values()); break;
    case output_format::csv: print(table.as_csv()); break;
    case output_format::json: print_line(dumped(source, json_letters::raw)); break;
    case output_format::yaml: print(as_yaml(source)); break;
    }
}

void session::list(monasca::call what, std::span<const column> columns) {
    const auto all = pages(std::move(what));
    if (print_elements(all)) {
        return;
    }
    std::vector<std::string> heads;
    for (const auto& one : columns) {
        heads.emplace_back(one.head);
    }
    text_table table(std::move(heads));
    for (const auto& page : all) {
        for (const auto& element : elements_of(page).members) {
            std::vector<std::string> cells;
            for (const auto& one : columns) {
                cells.push_back(one.cell(element.held.find(one.key), element.held));
            }
            table.add(std::move(cells));
        }
    }
    print_table(table, {});
}

void session::show(monasca::call what, std::span<const member_format> formats) {
    const auto document = read(ask(std::move(what)));
    const auto& root = document.root();
    if (root.kind != kind::object) {
        throw failure{"the answer is no object, but " + dumped(root, json_letters::raw)};
    }
    std::vector<const sink::python::member*> members;
    for (const auto& one : root.members) {
        members.push_back(&one);
    }
    std::sort(members.begin(), members.end(), [](const auto* a, const auto* b) {
        return a->key < b->key;
    });
    text_table table({"Property", "Value"});
    for (const auto* const one : members) {
        const auto format = std::find_if(
            formats.begin(), formats.end(), [&](const auto& f) { return f.key == one->key; });
        table.add(
            {std::string(one->key),
             format == formats.end() ? plain_cell(one->held) : format->cell(one->held)});
    }
    print_table(table, root);
}

void session::print_created(const monasca::reply& said) {
    // Done is done: the model shows an empty list where the server answered nothing.
    print_line(said.body.empty() ? "[]" : dumped(read(said).root(), json_letters::ascii));
}

std::string plain(const json_value* held, const json_value&) {
    return held == nullptr ? std::string() : plain_cell(*held);
}

std::string dict(const json_value* held, const json_value&) {
    return held == nullptr ? std::string() : dict_cell(*held);
}

std::string json_cell(const json_value& held) {
    return dumped(held, json_letters::raw);
}

// Each name is followed by as many blank lines as its dimensions take beside it.
std::string metric_names(const json_value* held, const json_value&) {
    std::vector<std::string> lines;
    for (const auto& metric :
         held == nullptr ? std::vector<sink::python::member>() : held->members) {
        const auto* const name = metric.held.find("name");
        const auto* const dimensions = metric.held.find("dimensions");
        lines.push_back(name == nullptr ? "" : plain_cell(*name));
        const auto count = dimensions == nullptr ? 0 : dimensions->members.size();
        lines.insert(lines.end(), count == 0 ? 0 : count - 1, " ");
    }
    return joined_lines(lines);
}

std::string metric_dimensions(const json_value* held, const json_value&) {
    std::vector<std::string> lines;
    for (const auto& metric :
         held == nullptr ? std::vector<sink::python::member>() : held->members) {
        const auto* const dimensions = metric.held.find("dimensions");
        if (dimensions != nullptr && !dimensions->members.empty()) {
            lines.push_back(dict_cell(*dimensions));
        }
    }
    return joined_lines(lines);
}

void body::put_key(std::string_view key) {
    text_ += text_.size() == 1 ? "" : ",";
    encode::put_json_text(text_, key);
    text_ += ':';
}

body& body::add(std::string_view key, std::string_view text) {
    put_key(key);
    encode::put_json_text(text_, text);
    return *this;
}

body& body::add_json(std::string_view key, std::string_view json) {
    put_key(key);
    text_ += json;
    return *this;
}

body& body::add_list(std::string_view key, const std::vector<std::string>& texts) {
    put_key(key);
    text_ += '[';
    for (const auto& text : texts) {
        text_ += &text == texts.data() ? "" : ",";
        encode::put_json_text(text_, text);
    }
    text_ += ']';
    return *this;
}

} // namespace monarc::tool
