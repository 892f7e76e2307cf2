#pragma once

// One client of a script of mona_sdk: the constructor's arguments as options of an exporter of
// ours, and one call as what came of it.

#include "core/sdk_environment.hpp"
#include "golden/recorded_value.hpp"
#include "golden/sdk_server.hpp"

#include <monarc/exporter.hpp>

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace monarc::golden {

// What became of one call, whatever it is called in the original.
struct sdk_outcome {
    std::size_t asked = 0;    // messages that the request had, or would have had
    std::size_t sent = 0;     // of these
    std::size_t not_json = 0; // refused before: what does not parse; lists and texts; no messages
    std::size_t not_object = 0;
    std::size_t not_message = 0;
    std::size_t null = 0;        // had nothing to say, not even an empty object
    bool has_no_token = false;   // none was to be had
    bool has_no_answer = false;  // nobody answered
    std::string failure_reasons; // canonical; empty: the server gave none
};

class sdk_client {
public:
    // Fails: throws std::system_error(errc::bad_options).
    sdk_client(
        const sdk_environment& environment,
        const json_value* arguments,
        std::vector<double> random_numbers,
        sdk_server& server);

    bool logs_in() const noexcept { return logs_in_; }
    bool has_manual_token() const noexcept { return options_.auth == mona_auth_mode::token; }

    // Returns: whether there is a token, or needs to be none.
    bool sign_in();

    sdk_outcome send(
        const std::vector<const json_value*>& messages,
        const json_value* default_action,
        const json_value* filter_none_fields);

    const std::string& export_url() const noexcept { return url_; }
    bool is_export(const sdk_server::exchange& one) const;
    bool is_refresh(const sdk_server::exchange& one) const {
        return options_.refresh_url.ends_with(one.request.target);
    }
    // As mona-rest.md sections 1 and 14 have it: nothing of ours knows it.
    std::string services_url() const;
    const std::string& user_id() const noexcept { return user_id_; }

    bool raises_authentication = false;
    bool raises_export = false;

private:
    void take_arguments(const json_value* arguments);
    void take_sampling(const json_value* arguments);
    void push(const json_value& message, const json_value* filter_none_fields, sdk_outcome& to);
    void wait_until_token_may_be_replaced();

    mona_rest_options options_;
    bool logs_in_ = false;
    bool has_token_ = false; // or needs none
    std::string services_url_;
    std::string services_host_;
    std::string envelope_; // members of every request
    std::string url_;
    std::string user_id_;
    sdk_server& server_;
    std::unique_ptr<exporter> exporter_;
};

} // namespace monarc::golden
