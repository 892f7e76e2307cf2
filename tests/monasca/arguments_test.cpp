#include "monasca/arguments.hpp"
#include "monasca/handlers.hpp"
#include "monasca/help.hpp"
#include "monasca/key_values.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

using namespace monarc::tool;

namespace {

arguments read(std::vector<std::string> words) {
    return read_arguments(words);
}

std::string value(const arguments& given, std::string_view key) {
    const auto* const found = given.find(key);
    return found == nullptr ? "none" : *found;
}

} // namespace

TEST_SUITE("monasca/arguments") {
TEST_CASE("options stand anywhere, with a blank or an equals sign; the last one counts") {
    const auto given =
        read({"--os-token", "t", "metric-list", "--limit", "1", "-j", "--name=a", "--limit=2"});

    CHECK(given.wrong == "");
    CHECK(given.command->name == "metric-list");
    CHECK(given.globals.at("--os-token") == "t");
    CHECK(value(given, "limit") == "2");
    CHECK(value(given, "name") == "a");
    CHECK(given.has_flag("--json"));
}

TEST_CASE("positional words and options in any order") {
    const auto given = read({"metric-create", "--time", "5", "m", "--dimensions", "a=b", "1"});

    CHECK(given.wrong == "");
    CHECK(value(given, "name") == "m");
    CHECK(value(given, "value") == "1");
    CHECK(value(given, "timestamp") == "5");
    CHECK(given.all("dimensions") == std::vector<std::string>{"a=b"});
}

TEST_CASE("prefixes: a command's exact name wins, then 2.x's global options, then the command's") {
    CHECK(value(read({"metric-create", "m", "1", "--time", "5"}), "timestamp") == "5");
    CHECK(value(read({"metric-list", "--dim", "a=b"}), "dimensions") == "a=b");
    CHECK(read({"metric-list", "--deb"}).has_flag("--debug"));
    CHECK(read({"metric-list", "--tim"}).has_flag("--timing")); // not --timeout, which is of 1.0.1
    CHECK(read({"metric-list", "--timeo", "5"}).globals.at("--timeout") == "5");
    CHECK(
        read({"metric-list", "--o", "x"}).wrong.starts_with("ambiguous option: --o could match "));
    CHECK(
        read({"alarm-list", "--li", "x"}).wrong ==
        "ambiguous option: --li could match --lifecycle-state, --link, --limit");
}

TEST_CASE("a unique prefix of a command is the command, its exact name always") {
    CHECK(read({"metric-na"}).command->name == "metric-name-list");
    CHECK(read({"alarm-history", "x"}).command->name == "alarm-history");
    CHECK(read({"alarm-hist"}).command == nullptr);
    CHECK(read({""}).command == nullptr);
    CHECK(read({"alarm-c"}).command->name == "alarm-count"); // alarm-create is of 1.0.1
    CHECK(read({"alarm-cr", "n", "e"}).command->name == "alarm-create");
    CHECK(read({"alarm-"}).command == nullptr);
}

TEST_CASE("help of a command, of all that begin so, of those without a table") {
    CHECK(help_about("metric-na").starts_with("usage: monasca metric-name-list"));
    CHECK(
        help_about("alarm-h") ==
        "Command \"alarm-h\" matches:\n  alarm-history\n  alarm-history-list\n");
    CHECK(help_about("complete").starts_with("usage: monasca complete"));
    CHECK(help_about("frob") == "");
    CHECK(extra_command("com") == "complete");
    CHECK(extra_command("ma") == "man-page");
    CHECK(extra_command("m") == ""); // metric-list begins so as well
    CHECK(extra_command("") == "");
}

TEST_CASE("negative numbers and words with blanks are values, other dashes are not") {
    CHECK(value(read({"metric-create", "t", "-12.5"}), "value") == "-12.5");
    CHECK(value(read({"metric-create", "t", "-.5"}), "value") == "-.5");
    CHECK(value(read({"measurement-list", "m", "-120"}), "start_time") == "-120");
    CHECK(value(read({"metric-list", "--starttime", "-120"}), "start_time") == "-120");
    CHECK(value(read({"metric-list", "--name", "-a b"}), "name") == "-a b");
    CHECK(value(read({"metric-list", "--name=-x"}), "name") == "-x");
    CHECK(value(read({"metric-list", "--name", "-"}), "name") == "-");
    CHECK(value(read({"notification-show", "--", "-x"}), "id") == "-x");
    CHECK(read({"metric-list", "--name", "-x"}).wrong == "argument --name: expected one argument");
    CHECK(read({"metric-list", "--name", "--"}).wrong == "argument --name: expected one argument");
    CHECK(read({"metric-list", "--name"}).wrong == "argument --name: expected one argument");
}

TEST_CASE("what is missing, too many or unknown is named") {
    CHECK(read({"metric-create"}).wrong == "the following arguments are required: <name>, <value>");
    CHECK(read({"metric-create", "m", "1", "2"}).wrong == "unrecognized arguments: 2");
    CHECK(read({"metric-list", "--frob"}).wrong == "unrecognized arguments: --frob");
    CHECK(read({"metric-list", "-x"}).wrong == "unrecognized arguments: -x");
    CHECK(
        read({"metric-list", "--json=x"}).wrong ==
        "argument --json: ignored explicit argument 'x'");
    CHECK(
        read({"alarm-update", "1", "2", "3", "4", "5"}).wrong.find("alarm-definition-patch") !=
        std::string::npos);
    CHECK(read({"notification-update", "i", "n", "t", "a"}).wrong == "");
    CHECK(read({"metric-list", "\xff"}).wrong == "an argument is not UTF-8");
}

TEST_CASE("values of a type are checked as Python reads them") {
    for (const std::string text :
         {"1", "-12.5", ".5", "5.", "1e5", " 2 ", "1_000", "+3", "1e-400"}) {
        CAPTURE(text);
        CHECK(read({"metric-create", "m", text}).wrong == "");
    }
    for (const std::string text :
         {"abc", "nan", "inf", "1e400", "0x10", "1__0", "_1", "1_", "", "1,5", "+-1", "Infinity"}) {
        CAPTURE(text);
        CHECK(
            read({"metric-create", "m", text}).wrong ==
            "argument <value>: invalid float value: '" + text + "'");
    }
    CHECK(
        read({"notification-create", "n", "t", "a", "--period", "1.5"}).wrong ==
        "argument --period: invalid int value: '1.5'");
    CHECK(integer_in_json(" +0_07 ") == "7");
    CHECK(integer_in_json("-0") == "0");
    CHECK(integer_in_json("-012") == "-12");
    CHECK(read({"metric-create-raw", "{not json"}).wrong.starts_with("argument <json>: not JSON"));
    CHECK(read({"metric-create-raw", "-"}).wrong == "");
}

TEST_CASE("what excludes each other") {
    CHECK(
        read({"--verify", "--insecure", "metric-list"}).wrong ==
        "argument --insecure: not allowed with argument --verify");
    CHECK(read({"-q", "-v", "metric-list"}).wrong.find("--quiet") != std::string::npos);
}

TEST_CASE("letters may stand together, spellings of 1.0.1 stand in") {
    const auto given = read({"-kvvj", "metric-list"});

    CHECK(given.has_flag("--insecure"));
    CHECK(given.flags.at("--verbose") == 2);
    CHECK(given.has_flag("--json"));
    CHECK(read({"--os_auth_token", "t", "metric-list"}).globals.at("--os-auth-token") == "t");
    CHECK(read({"--ca-file=f", "metric-list"}).globals.at("--os-cacert") == "f");
    CHECK(read({"metric-statistics", "m", "avg", "t", "--merge-metrics"}).find("merge_metrics"));
}

TEST_CASE("without a command all words but global options are kept for the text") {
    const auto given = read({"--os-token", "t", "frob", "--x", "1"});

    CHECK(given.command == nullptr);
    CHECK(given.words == std::vector<std::string>{"frob", "--x", "1"});
    CHECK(
        read({"--frob", "metric-list"}).words == std::vector<std::string>{"--frob", "metric-list"});
    CHECK(read({}).words.empty());
}

TEST_CASE("help is wanted whatever else is wrong") {
    CHECK(read({"metric-create", "-h"}).wants_help);
    CHECK(read({"metric-create", "--frob", "--help"}).wants_help);
    CHECK(!read({"notification-show", "--", "-h"}).wants_help);
}

TEST_CASE("each command does something, and its query is made of its arguments") {
    for (const auto& command : commands()) {
        CAPTURE(std::string(command.name));
        CHECK((handler_of(command) != nullptr));
        for (const auto& key : split(command.query, ' ')) {
            CAPTURE(key);
            const auto& known = command.arguments;
            CHECK((key.empty() || std::any_of(known.begin(), known.end(), [&](const auto& one) {
                       return one.key == key;
                   })));
        }
    }
}
}
