// Reads a heap block that was given back.
#include <memory>

int main(int argc, char**) {
    auto owner = std::make_unique<int>(argc);
    const volatile int* kept = owner.get();
    owner.reset();

    return *kept;
}
