// Adds one to the largest int.
#include <climits>

int main(int argc, char**) {
    const volatile int sum = INT_MAX + argc;
    return sum > 0 ? 1 : 0;
}
