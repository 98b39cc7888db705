#include "thread/foreign_threads.h"

#include "base/kernel.h"
#ifdef GEVENT_HAVE_THREAD_FILES
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <semaphore>
#include <thread>

#include "doctest/doctest.h"

namespace {

unsigned long own_number() { return static_cast<unsigned long>(::syscall(SYS_gettid)); }

// A thread that lives until this object ends.
class Stranger {
 public:
  explicit Stranger(bool serves_only)
      : thread_([this, serves_only] {
          if (serves_only) {
            sigset_t all;
            sigfillset(&all);
            ::pthread_sigmask(SIG_SETMASK, &all, nullptr);
          }
          number_ = own_number();
          begun_.release();
          end_.acquire();
        }) {
    begun_.acquire();
  }
  ~Stranger() {
    end_.release();
    thread_.join();
  }
  unsigned long number() const { return number_; }

 private:
  std::atomic<unsigned long> number_ = 0;
  std::binary_semaphore begun_{0}, end_{0};
  std::thread thread_;
};

}  // namespace

TEST_CASE("a thread that nobody knows may call somebody, as long as it lives") {
  const std::array me{own_number()};
  CHECK_FALSE(gevent::foreign_thread_lives(me));
  CHECK_FALSE(gevent::foreign_thread_lives(1));
  {
    const Stranger stranger(false);
    CHECK(gevent::foreign_thread_lives(me));
    CHECK(gevent::foreign_thread_lives(1));
    CHECK_FALSE(gevent::foreign_thread_lives(std::array{me[0], stranger.number()}));
    CHECK_FALSE(gevent::foreign_thread_lives(2));
  }
  // Joined: what the kernel still shows of it is at its end.
  while (gevent::foreign_thread_lives(me)) std::this_thread::yield();
}

TEST_CASE("a thread without a name that has every signal blocked calls nobody, once it is past its beginning") {
  const std::array me{own_number()};
  const Stranger watchdog(true);
  CHECK(gevent::foreign_thread_lives(me));  // so does any thread when it begins
  while (gevent::foreign_thread_lives(me)) std::this_thread::yield();
  CHECK_FALSE(gevent::foreign_thread_lives(1));
}
#endif
