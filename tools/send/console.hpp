#pragma once

// Standard error: lines, and on a terminal a bar below them that is drawn again and again.
//
// Threads: any.

#include <cstddef>
#include <mutex>
#include <string>
#include <string_view>

namespace monarc::send {

class console {
public:
    console();

    bool is_terminal() const noexcept { return is_terminal_; }
    bool has_colour() const noexcept { return has_colour_; }
    std::size_t width() const noexcept; // in columns

    void say(std::string_view line);
    void show_bar(std::string bar);
    void remove_bar();

private:
    void write(std::string_view bytes) const noexcept;

    bool is_terminal_;
    bool has_colour_;
    std::mutex lock_;
    std::string bar_; // as it is drawn
};

} // namespace monarc::send
