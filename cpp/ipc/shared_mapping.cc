#include "ipc/shared_mapping.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <utility>

#include "base/kernel.h"

namespace gevent {
namespace {

#if defined(GEVENT_HAVE_MEMFD) && defined(MFD_CLOEXEC)
OwnedFd open_memfd() noexcept {
  // Systems that forbid executable ones (vm.memfd_noexec) want this said; older ones do not know it.
  constexpr unsigned kNoExec = 0x0008;
  OwnedFd memory(::memfd_create("gevent-locks", MFD_CLOEXEC | kNoExec));
  if (!memory && errno == EINVAL) memory = OwnedFd(::memfd_create("gevent-locks", MFD_CLOEXEC));
  return memory;
}
#else
OwnedFd open_memfd() noexcept {
  errno = ENOSYS;
  return OwnedFd();
}
#endif

// A name for the length of two calls. The process id and a counter make it ours; O_EXCL makes sure.
OwnedFd open_unlinked_shared_memory() noexcept {
  static std::atomic<unsigned> counter{0};
  for (int attempt = 0; attempt < 100; ++attempt) {
    char name[32];
    std::snprintf(name, sizeof name, "/gevent-%x-%x", static_cast<unsigned>(::getpid()), counter++);
    OwnedFd named(::shm_open(name, O_RDWR | O_CREAT | O_EXCL, 0600));
    if (named) {
      ::shm_unlink(name);
      ::fcntl(named.get(), F_SETFD, FD_CLOEXEC);
      return named;
    }
    if (errno != EEXIST) break;
  }
  return OwnedFd();
}

OwnedFd open_unlinked_file() noexcept {
  for (const char* folder : {static_cast<const char*>(std::getenv("TMPDIR")), "/tmp", "/var/tmp", "."}) {
    if (folder == nullptr || *folder == '\0') continue;
    std::string name = std::string(folder) + "/gevent-XXXXXX";
    OwnedFd named(::mkstemp(name.data()));
    if (!named) continue;
    ::unlink(name.c_str());
    ::fcntl(named.get(), F_SETFD, FD_CLOEXEC);
    return named;
  }
  return OwnedFd();
}

}  // namespace

Result<SharedMapping> SharedMapping::create(std::size_t size, std::size_t smallest) noexcept {
  bool on_file_system = false;
  OwnedFd memory = open_memfd();
  if (!memory) {
    const Error refused = Error::from_errno("memfd_create");
    if (refused.code() == EMFILE || refused.code() == ENFILE) return refused;
    on_file_system = true;
    memory = open_unlinked_shared_memory();
    if (!memory) memory = open_unlinked_file();
    if (!memory) return refused;
  }
  // Asked first: going beyond the limit is a signal (SIGXFSZ), which may end the process.
  rlimit limit = {};
  if (::getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY && limit.rlim_cur < size) {
    size = static_cast<std::size_t>(limit.rlim_cur);
  }
  if (size < smallest) return Error(EFBIG, "shared memory");
  for (;;) {
    if (::ftruncate(memory.get(), static_cast<off_t>(size)) != 0) return Error::from_errno("ftruncate");
    Result<std::byte*> data = map(memory.get(), size);
    if (data) {
      SharedMapping made(std::move(memory), data.value(), size);
      made.on_file_system_ = on_file_system;
      return made;
    }
    // A limit on address space: with less of it.
    if (data.error().code() != ENOMEM || size / 4 < smallest) return data.error();
    size /= 4;
  }
}

Result<SharedMapping> SharedMapping::attach(OwnedFd fd, std::size_t smallest) noexcept {
  // A file that is too short would end the process at the first touch (SIGBUS), far from the mistake.
  struct stat status = {};
  if (::fstat(fd.get(), &status) != 0) return Error::from_errno("fstat");
  const auto size = static_cast<std::size_t>(status.st_size);
  if (size < smallest) return Error(EINVAL, "shared memory of another make");
  Result<std::byte*> data = map(fd.get(), size);
  if (!data) return data.error();
  return SharedMapping(std::move(fd), data.value(), size);
}

Result<std::byte*> SharedMapping::map(int fd, std::size_t size) noexcept {
  void* data = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (data == MAP_FAILED) return Error::from_errno("mmap");
#ifdef MADV_DONTDUMP
  ::madvise(data, size, MADV_DONTDUMP);  // a core file would count the untouched part too
#endif
  return static_cast<std::byte*>(data);
}

Result<void> SharedMapping::back(std::size_t bytes) noexcept {
  if (!on_file_system_ || bytes <= backed_) return {};
  constexpr std::size_t kAtOnce = 64 * 1024;
  bytes = std::min(size_, (bytes + kAtOnce - 1) / kAtOnce * kAtOnce);
#ifdef __linux__
  const int error = ::posix_fallocate(fd_.get(), 0, static_cast<off_t>(bytes));
  if (error != 0 && error != EINVAL && error != EOPNOTSUPP) return Error(error, "posix_fallocate");
#endif
  backed_ = bytes;
  return {};
}

SharedMapping::SharedMapping(SharedMapping&& other) noexcept
    : fd_(std::move(other.fd_)),
      data_(std::exchange(other.data_, nullptr)),
      size_(other.size_),
      backed_(other.backed_),
      on_file_system_(other.on_file_system_) {}

SharedMapping::~SharedMapping() {
  if (data_ != nullptr) ::munmap(data_, size_);
}

}  // namespace gevent
