// Windows' own header, and owners of its handles. Every file includes this one first, so that all see the same Windows.
#pragma once
#ifndef WIN32_LEAN_AND_MEAN
#define WIN32_LEAN_AND_MEAN
#endif
#ifndef NOMINMAX
#define NOMINMAX
#endif
#include <windows.h>

#include <utility>

/// Owns a kernel handle; closes it.
class Handle {
  public:
    Handle() = default;
    explicit Handle(HANDLE handle) : handle(handle == INVALID_HANDLE_VALUE ? nullptr : handle) {}
    Handle(Handle &&other) noexcept : handle(std::exchange(other.handle, nullptr)) {}
    Handle &operator=(Handle &&other) noexcept {
        std::swap(handle, other.handle);
        return *this;
    }
    ~Handle() { close(); }

    void close() {
        if (handle) CloseHandle(std::exchange(handle, nullptr));
    }
    HANDLE get() const { return handle; }
    explicit operator bool() const { return handle != nullptr; }

  private:
    HANDLE handle = nullptr;
};

/// Owns a reference to a COM object.
template <class T> class Com {
  public:
    Com() = default;
    Com(const Com &) = delete;
    Com &operator=(const Com &) = delete;
    ~Com() { release(); }

    void release() {
        if (object) std::exchange(object, nullptr)->Release();
    }
    /// Where a call puts a new reference; gives up the old one.
    T **out() {
        release();
        return &object;
    }
    T *operator->() const { return object; }
    explicit operator bool() const { return object != nullptr; }

  private:
    T *object = nullptr;
};

/// A lock, held as long as its `Held` lives.
class Lock {
  public:
    class Held {
      public:
        explicit Held(Lock &lock) : lock(lock) { AcquireSRWLockExclusive(&lock.native); }
        Held(const Held &) = delete;
        Held &operator=(const Held &) = delete;
        ~Held() { ReleaseSRWLockExclusive(&lock.native); }

      private:
        Lock &lock;
    };

  private:
    SRWLOCK native = SRWLOCK_INIT;
};
