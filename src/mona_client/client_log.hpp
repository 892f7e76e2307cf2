#pragma once

// What the functions of mona_client say, and where it goes (mona-client.md section 11).

#include <monarc/mona_client.hpp>

#include <initializer_list>
#include <string_view>

namespace monarc::mona_client {

// Whether a line of this level goes anywhere: whoever makes texts asks first. Threads: any.
bool is_said(log_level level) noexcept;

void say(
    log_level level,
    std::string_view code,
    std::string_view text,
    std::initializer_list<log_field> fields = {}) noexcept;

void set_log_function(log_function to);
void set_log_options(int level, bool prints) noexcept;
mona::log_settings log_settings_now() noexcept;

// For fork(): nobody may hold the lock while the process is copied.
void lock_log() noexcept;
void unlock_log() noexcept;

} // namespace monarc::mona_client
