#pragma once

// What mona-rest.md says that a script of mona_sdk asks for: its steps, its clients, and the
// request that a call makes. Worked out from the script alone; nothing of our code is asked.

#include "golden/recorded_value.hpp"
#include "golden/sdk_server.hpp"

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace monarc::golden {

struct sdk_step {
    std::size_t number = 0;
    std::string op;
    std::string client;
    const json_value* step = nullptr;
    bool is_sending = false;
    bool is_batch = false;
    std::vector<const json_value*> messages;      // what is inside of each $message
    std::vector<const json_value*> good_messages; // of these, those that JSON can say
    std::size_t not_objects = 0;                  // of the good ones, those whose message is none
    std::size_t beyond_json = 0;                  // and elements that are no message
    bool has_not_finite = false;
};

struct sdk_script_client {
    const json_value* arguments = nullptr;
    bool logs_in = false;
    bool is_open = false; // without authentication
    bool has_unknown_mode = false;
    bool raises_authentication = false;
    bool raises_export = false;
    bool drops_nulls = false;
    std::string sampling_name;
};

class sdk_script {
public:
    explicit sdk_script(const json_value& recording);

    const std::vector<sdk_step>& steps() const noexcept { return steps_; }
    const sdk_script_client& client(const sdk_step& step) const { return clients_.at(step.client); }

    std::string export_url(const sdk_step& step) const;
    std::string user_id(const sdk_step& step) const;
    // `place`: of the answers to logins, the last one for ever.
    std::string authorization(const sdk_step& step, std::size_t place = 0) const;

    // The one that carries these messages.
    sdk_request request(const sdk_step& step, const std::vector<std::string>& messages) const;
    // A message as it goes out, without numbers that are not finite.
    std::string wire_message(const sdk_step& step, const json_value& message) const;
    // Whether any of its fields is left.
    bool says_something(const sdk_step& step, const json_value& message) const;
    // Section 8.1, of the bytes of the context id.
    bool is_sampled(const sdk_step& step, const json_value& message) const;

    // Of the answers to a path, the place-th, or the last one; null if none is listed.
    const json_value* answer(std::string_view path, std::size_t place) const;
    std::string variable(std::string_view name) const;

private:
    std::string fields(const sdk_step& step, const json_value& message) const;

    const json_value& setup_;
    std::vector<sdk_step> steps_;
    std::map<std::string, sdk_script_client> clients_;
};

// The path of a URL, with its query.
std::string target_of(std::string_view url);

} // namespace monarc::golden
