#include "destinations/gzip_negotiation.hpp"

namespace monarc::destinations {

using namespace std::chrono_literals;

namespace {

constexpr auto between_questions = 1h;
constexpr auto longest_question = 1min; // what was sent to find out may have been lost

} // namespace

bool gzip_negotiation::is_wanted(time_point now) noexcept {
    if (mode_ != compression_mode::automatic) {
        return mode_ == compression_mode::gzip;
    }
    if (state_ == state::supported) {
        return true;
    }
    const bool is_open = state_ == state::asked || state_ == state::unsupported;
    if (state_ == state::doubted || (is_open && now < ask_again_at_)) {
        return false;
    }
    state_ = state::asked;
    ask_again_at_ = now + longest_question;
    return true;
}

void gzip_negotiation::was_taken(bool is_gzip, time_point now) noexcept {
    if (is_gzip) {
        state_ = state::supported;
    } else if (state_ == state::doubted) {
        state_ = state::unsupported;
        ask_again_at_ = now + between_questions;
    }
}

// Of a server that takes gzip only this one payload goes plain: another node may have had it, or it
// packs too well.
void gzip_negotiation::was_refused() noexcept {
    if (state_ == state::asked) {
        state_ = state::doubted;
    }
}

} // namespace monarc::destinations
