#include "faults/interpose.hpp"

#include <dlfcn.h>
#include <pthread.h>
#include <sys/syscall.h>

#include <atomic>
#include <cerrno>
#include <cstdarg>
#include <cstddef>
#include <cstdlib>
#include <new>

namespace faults {

constinit thread_local calls calls_of_thread;

namespace {

// The definition behind ours.
template <class Function>
class original {
public:
    constexpr explicit original(const char* name) : name_(name) {}

    Function get() noexcept {
        auto* known = known_.load(std::memory_order_relaxed);
        if (known == nullptr) {
            known = reinterpret_cast<Function>(::dlsym(RTLD_NEXT, name_));
            known_.store(known, std::memory_order_relaxed);
        }
        return known;
    }

private:
    const char* name_;
    std::atomic<Function> known_{nullptr};
};

void count_allocation() noexcept {
    ++calls_of_thread.allocations;
}

} // namespace
} // namespace faults

// --- allocation: glibc exports what stands behind the names that may be replaced ---

extern "C" {

void* __libc_malloc(std::size_t bytes);
void __libc_free(void* memory);
void* __libc_calloc(std::size_t count, std::size_t bytes);
void* __libc_realloc(void* memory, std::size_t bytes);
void* __libc_memalign(std::size_t alignment, std::size_t bytes);

void* malloc(std::size_t bytes) {
    faults::count_allocation();
    return __libc_malloc(bytes);
}
void free(void* memory) {
    faults::count_allocation();
    __libc_free(memory);
}
void* calloc(std::size_t count, std::size_t bytes) {
    faults::count_allocation();
    return __libc_calloc(count, bytes);
}
void* realloc(void* memory, std::size_t bytes) {
    faults::count_allocation();
    return __libc_realloc(memory, bytes);
}
void* memalign(std::size_t alignment, std::size_t bytes) {
    faults::count_allocation();
    return __libc_memalign(alignment, bytes);
}
void* aligned_alloc(std::size_t alignment, std::size_t bytes) {
    faults::count_allocation();
    return __libc_memalign(alignment, bytes);
}
int posix_memalign(void** memory, std::size_t alignment, std::size_t bytes) {
    faults::count_allocation();
    *memory = __libc_memalign(alignment, bytes);
    return *memory != nullptr ? 0 : ENOMEM;
}

} // extern "C"

namespace {

void* allocate(std::size_t bytes, std::size_t alignment) {
    faults::count_allocation();
    if (void* const memory = __libc_memalign(alignment, bytes)) {
        return memory;
    }
    throw std::bad_alloc();
}

void release(void* memory) noexcept {
    faults::count_allocation();
    __libc_free(memory);
}

} // namespace

// The array and nothrow forms of the C++ library call these.
void* operator new(std::size_t bytes) {
    return allocate(bytes, alignof(std::max_align_t));
}
void* operator new(std::size_t bytes, std::align_val_t alignment) {
    return allocate(bytes, static_cast<std::size_t>(alignment));
}
void operator delete(void* memory) noexcept {
    release(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
    release(memory);
}
void operator delete(void* memory, std::align_val_t) noexcept {
    release(memory);
}
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept {
    release(memory);
}

// --- locks ---

namespace {

template <class... Arguments>
using lock_function = int (*)(Arguments...);

template <class... Arguments>
int count_lock(
    faults::original<lock_function<Arguments...>>& behind, Arguments... arguments) noexcept {
    ++faults::calls_of_thread.locks;
    return behind.get()(arguments...);
}

} // namespace

extern "C" {

int pthread_mutex_lock(pthread_mutex_t* lock) noexcept {
    static constinit faults::original<lock_function<pthread_mutex_t*>> behind{"pthread_mutex_lock"};
    return count_lock(behind, lock);
}
int pthread_mutex_trylock(pthread_mutex_t* lock) noexcept {
    static constinit faults::original<lock_function<pthread_mutex_t*>> behind{
        "pthread_mutex_trylock"};
    return count_lock(behind, lock);
}
int pthread_mutex_timedlock(pthread_mutex_t* lock, const timespec* until) noexcept {
    static constinit faults::original<lock_function<pthread_mutex_t*, const timespec*>> behind{
        "pthread_mutex_timedlock"};
    return count_lock(behind, lock, until);
}
int pthread_mutex_clocklock(
    pthread_mutex_t* lock, clockid_t clock, const timespec* until) noexcept {
    static constinit faults::original<lock_function<pthread_mutex_t*, clockid_t, const timespec*>>
        behind{"pthread_mutex_clocklock"};
    return count_lock(behind, lock, clock, until);
}
int pthread_rwlock_rdlock(pthread_rwlock_t* lock) noexcept {
    static constinit faults::original<lock_function<pthread_rwlock_t*>> behind{
        "pthread_rwlock_rdlock"};
    return count_lock(behind, lock);
}
int pthread_rwlock_tryrdlock(pthread_rwlock_t* lock) noexcept {
    static constinit faults::original<lock_function<pthread_rwlock_t*>> behind{
        "pthread_rwlock_tryrdlock"};
    return count_lock(behind, lock);
}
int pthread_rwlock_wrlock(pthread_rwlock_t* lock) noexcept {
    static constinit faults::original<lock_function<pthread_rwlock_t*>> behind{
        "pthread_rwlock_wrlock"};
    return count_lock(behind, lock);
}
int pthread_rwlock_trywrlock(pthread_rwlock_t* lock) noexcept {
    static constinit faults::original<lock_function<pthread_rwlock_t*>> behind{
        "pthread_rwlock_trywrlock"};
    return count_lock(behind, lock);
}
int pthread_spin_lock(pthread_spinlock_t* lock) noexcept {
    static constinit faults::original<lock_function<pthread_spinlock_t*>> behind{
        "pthread_spin_lock"};
    return count_lock(behind, lock);
}
int pthread_spin_trylock(pthread_spinlock_t* lock) noexcept {
    static constinit faults::original<lock_function<pthread_spinlock_t*>> behind{
        "pthread_spin_trylock"};
    return count_lock(behind, lock);
}

} // extern "C"

// std::atomic::wait and our own futexes come here.
extern "C" long syscall(long number, ...) noexcept {
    static constinit faults::original<long (*)(long, ...)> behind{"syscall"};
    if (number == SYS_futex) {
        ++faults::calls_of_thread.locks;
    }
    long arguments[6];
    std::va_list list;
    va_start(list, number);
    for (auto& one : arguments) {
        one = va_arg(list, long);
    }
    va_end(list);
    return behind.get()(
        number, arguments[0], arguments[1], arguments[2], arguments[3], arguments[4], arguments[5]);
}

// --- exceptions ---

extern "C" [[noreturn]] void __cxa_throw(void* thrown, void* type, void (*destroy)(void*)) {
    using throw_function = void (*)(void*, void*, void (*)(void*));
    static constinit faults::original<throw_function> behind{"__cxa_throw"};
    ++faults::calls_of_thread.throws;
    behind.get()(thrown, type, destroy);
    std::abort(); // it does not come back
}
