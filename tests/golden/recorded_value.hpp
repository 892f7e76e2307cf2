#pragma once

// The values of the recordings (their README.md): JSON, and objects for what JSON cannot say.

#include "sink/python_json.hpp"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace monarc::golden {

using json_value = sink::python::value;

// Whether a value, or one inside it, has no form in JSON.
bool is_beyond_json(const json_value& value);

// As JSON text for the client, NaN and infinities as words. What is beyond JSON becomes a text that
// does not parse.
std::string offered_text(const json_value& value);

// As encode::put_json_packed writes it, to be compared as text. `<NOW>` becomes `now`.
std::string canonical(const json_value& value, std::string_view now);

// Tells the uuids that were made from the numbers that a recording gives them.
class uuid_numbers {
public:
    // Whether the texts are equal, up to `<UUID:n>` in the first for a uuid in the second: always
    // the same one for an n, and none for two.
    bool match(std::string_view expected, std::string_view actual);

private:
    std::vector<std::pair<std::string, std::string>> known_;
};

} // namespace monarc::golden
