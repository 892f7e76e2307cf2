#pragma once

#include "send/key_cache.hpp"
#include "send/target.hpp"
#include "send/time_column.hpp"

#include <monarc/field.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace monarc::send {

struct mona_columns {
    std::string class_name{};
    std::optional<std::size_t> id{};   // of row::chosen
    std::optional<std::size_t> time{}; // none: the moment of the push
    time_form form = time_form::automatic;
    std::string id_prefix{}; // without an id column: this and the number of the line
    std::string user_id{};   // for what is shown
    // What the columns are called, for messages.
    std::string id_name{};
    std::string time_name{};
};

// A context a row. What is flat and short goes as a record of typed fields, which the I/O thread
// need not read again; everything else as JSON.
class mona_target final : public target {
public:
    explicit mona_target(mona_columns columns);

    std::string prepare(const row& r) override;
    bool push(exporter& to) override;
    std::size_t cost_bytes() const noexcept override;
    std::string shown() override;

private:
    std::string take_id(const row& r);
    bool take_record(const row& r);
    std::string_view take_text(const row& r);
    template <class Push>
    bool push_to_run(Push push);

    mona_columns columns_;
    monarc::class_name class_;
    key_cache keys_;
    std::string made_id_;
    std::string_view id_;
    std::optional<time_point> when_;
    bool is_record_ = false;
    record record_;
    const row* row_ = nullptr;
    std::string made_text_;
    std::string_view text_;
    std::size_t bytes_ = 0;
};

} // namespace monarc::send
