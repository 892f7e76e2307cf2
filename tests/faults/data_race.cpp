// Two threads add to one number without a lock.
#include <thread>

namespace {

int shared_count = 0;

void add() {
    for (int i = 0; i < 10'000; ++i)
        ++shared_count;
}

} // namespace

int main() {
    std::thread other(add);
    add();
    other.join();
    return 0;
}
